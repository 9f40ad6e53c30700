/**
 * The order of members in JSON. Go writes those of a struct as they are declared, those of a map by name: built-in objects are
 * structs, custom ones are maps down to their metadata.
 */

import { isObject, type JsonObject, put } from '../patch/value.ts';
import { type StructType, structType, type Type } from '../schema.ts';
import { sortedKeys } from './go-order.ts';

const METADATA = structType('io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta');

/** An object's metadata as the struct that it is; the same where it stands so already. */
export function metadataInOrder<T extends object>(metadata: T): T {
  return structInOrder(metadata as JsonObject, METADATA) as T;
}

/** An object whose metadata stands as it is written, or a custom one, which is a map. Parts that stand so already are not copied. */
export function objectInOrder<T extends { readonly metadata: object }>(object: T, isCustom: boolean): T {
  if (isCustom) return sortedDeep(object);
  const metadata = metadataInOrder(object.metadata);
  return metadata === object.metadata ? object : { ...object, metadata };
}

/** What the type does not know comes last. */
function structInOrder(object: JsonObject, { jsonFields, byJson }: StructType): JsonObject {
  const keys = Object.keys(object);
  const known = jsonFields.filter(({ json }) => Object.hasOwn(object, json)).map(({ json }) => json);
  const sorted = known.length === keys.length ? known : [...known, ...keys.filter((key) => !byJson.has(key))];
  const members = ordered(object, sorted, (value, key) => valueInOrder(value, byJson.get(key)?.type));
  return isSame(object, members, keys, sorted) ? object : members;
}

function valueInOrder(value: unknown, type: Type | undefined): unknown {
  if (type?.kind === 'struct') return isObject(value) ? structInOrder(value, type) : value;
  if (type?.kind !== 'list' || type.element.kind !== 'struct' || !Array.isArray(value)) return value;
  const items = value.map((item) => valueInOrder(item, type.element));
  return items.every((item, i) => item === value[i]) ? value : items;
}

/** Sorted by name at every depth; parts that are so already are not copied. */
export function sortedDeep<T>(value: T): T {
  if (Array.isArray(value)) {
    const items = value.map(sortedDeep);
    return (items.every((item, i) => item === value[i]) ? value : items) as T;
  }
  return isObject(value) ? (sortedMembers(value) as T) : value;
}

function sortedMembers(object: JsonObject): JsonObject {
  const keys = Object.keys(object);
  const sorted = sortedKeys(object);
  if (keys.some((key, i) => key !== sorted[i])) return ordered(object, sorted, sortedDeep);
  let copy: JsonObject | undefined;
  for (const key of keys) {
    const member = sortedDeep(object[key]);
    if (member === object[key]) continue;
    copy ??= { ...object };
    put(copy, key, member);
  }
  return copy ?? object;
}

function ordered(
  object: JsonObject,
  keys: readonly string[],
  of: (value: unknown, key: string) => unknown,
): JsonObject {
  return Object.fromEntries(keys.map((key) => [key, of(object[key], key)]));
}

function isSame(object: JsonObject, members: JsonObject, keys: readonly string[], sorted: readonly string[]): boolean {
  return keys.every((key, i) => key === sorted[i] && members[key] === object[key]);
}
