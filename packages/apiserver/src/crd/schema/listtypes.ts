/** Items of sets and of lists that are maps differ (k8s.io/apiextensions-apiserver/pkg/apiserver/schema/listtype). */
import { compareStrings } from '@keelson/api/codec/go-order';
import { stringify } from '@keelson/api/codec/stringify';
import { duplicate, type ErrorList, invalid, type Path } from '@keelson/api/field';
import { isObject, type Json, type Structural } from './structural.ts';

export function validateListTypes(value: unknown, schema: Structural, path: Path): ErrorList {
  if (!schema.holds.listTypes) return [];
  if (Array.isArray(value)) return validateList(value, schema, path);
  if (!isObject(value)) return [];
  const { properties, additional } = schema;
  const errors: ErrorList = [];
  for (const [name, inner] of Object.entries(value)) {
    if (typeof inner !== 'object') continue;
    if (typeof additional === 'object') errors.push(...validateListTypes(inner, additional, path.key(name)));
    const property = properties.get(name);
    if (property) errors.push(...validateListTypes(inner, property, path.child(name)));
  }
  return errors;
}

function validateList(list: readonly unknown[], schema: Structural, path: Path): ErrorList {
  const { items, listType, listMapKeys } = schema;
  const errors =
    listType === 'set'
      ? repeated(list).map((i) => duplicate(path.index(i), list[i]))
      : listType === 'map'
        ? validateMap(list, listMapKeys, path)
        : [];
  if (items) for (const [i, item] of list.entries()) errors.push(...validateListTypes(item, items, path.index(i)));
  return errors;
}

function validateMap(list: readonly unknown[], keys: readonly string[], path: Path): ErrorList {
  const wrong = list.findIndex((item) => item !== null && !isObject(item));
  if (wrong >= 0) return [invalid(path.index(wrong), list[wrong], 'must be an object for an array of list-type map')];
  const entries = list.map((item) => keysOf(item as Json | null, keys));
  return repeated(entries).map((i) => duplicate(path.index(i), entries[i]));
}

/** In the order in which a map is written, whatever the schema's. */
function keysOf(item: Json | null, keys: readonly string[]): Json {
  const present = keys.filter((key) => item !== null && Object.hasOwn(item, key)).sort(compareStrings);
  return Object.fromEntries(present.map((key) => [key, item![key]]));
}

/** Where values stand that have stood there once before. */
function repeated(values: readonly unknown[]): number[] {
  const seen = new Map<string, number>();
  return [...values.keys()].filter((i) => {
    const text = stringify(values[i]);
    const times = (seen.get(text) ?? 0) + 1;
    seen.set(text, times);
    return times === 2;
  });
}
