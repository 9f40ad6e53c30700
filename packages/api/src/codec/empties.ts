/**
 * Lists and maps that are there, but empty. While a request is under way they are not the same as absent ones, to some
 * rules and in what some errors show; omitempty drops them where they are written. Those that would be written are null once
 * an object has been stored: protobuf, in which kube-apiserver stores, can't tell them from absent ones, and clients see the
 * difference (`rules: []` comes back as `rules: null`).
 */
import { put } from '../patch/value.ts';
import type { Field, StructType, Type } from '../schema.ts';
import { EmptyMap } from './canonical.ts';

type Walk = (value: unknown) => void;

const walks = new WeakMap<StructType, Walk | null>();

/** Changes the object in place. */
export function emptiesToNull(object: object, type: StructType): void {
  walkOf(type)?.(object);
}

/** Undefined for types below which there is nothing to do. */
function walkOf(type: StructType): Walk | undefined {
  const known = walks.get(type);
  if (known !== undefined) return known ?? undefined;
  // While a type that contains itself is looked at, it counts as one with something to do.
  let built: Walk | undefined;
  walks.set(type, (value) => built?.(value));
  const steps = type.jsonFields.flatMap(stepOf);
  if (steps.length === 0) {
    walks.set(type, null);
    return undefined;
  }
  built = (value) => {
    const object = value as Record<string, unknown>;
    for (const step of steps) step(object);
  };
  walks.set(type, built);
  return built;
}

function stepOf(field: Field): ((object: Record<string, unknown>) => void)[] {
  const inner = innerWalk(field.type);
  const clears = !field.omitEmpty && !field.pointer && (field.type.kind === 'list' || field.type.kind === 'map');
  if (!inner && !clears) return [];
  return [
    (object) => {
      const value = object[field.json];
      if (value === undefined || value === null) return;
      if (clears && isEmpty(value)) object[field.json] = null;
      else inner?.(value);
    },
  ];
}

function innerWalk(type: Type): Walk | undefined {
  if (type.kind === 'struct') return walkOf(type);
  if (type.kind === 'list') {
    const element = innerWalk(type.element);
    return element && ((value) => each(value as unknown[], element));
  }
  if (type.kind === 'map') {
    const element = innerWalk(type.value);
    return element && ((value) => each(Object.values(value as object), element));
  }
  return undefined;
}

function each(values: readonly unknown[], walk: Walk): void {
  for (const value of values) if (value !== null) walk(value);
}

function isEmpty(value: unknown): boolean {
  if (Array.isArray(value)) return value.length === 0;
  for (const _ in value as object) return false;
  return true;
}

/** The object without the empty lists and maps that omitempty drops: itself if it has none, else a copy. */
export function withoutEmpties<T extends object>(object: T, type: StructType): T {
  return dropFromStruct(object as Record<string, unknown>, type) as T;
}

function dropFromStruct(object: Record<string, unknown>, type: StructType): Record<string, unknown> {
  let copy: Record<string, unknown> | undefined;
  for (const { json, type: fieldType, omitEmpty, pointer } of collectionsOf(type)) {
    const value = object[json];
    if (value === undefined || value === null) continue;
    const isDropped =
      omitEmpty && !pointer && (fieldType.kind === 'list' || fieldType.kind === 'map') && isEmpty(value);
    const kept = isDropped ? undefined : dropFrom(value, fieldType);
    if (kept === value) continue;
    copy ??= { ...object };
    if (isDropped) delete copy[json];
    else copy[json] = kept;
  }
  return copy ?? object;
}

function dropFrom(value: unknown, type: Type): unknown {
  if (value === null) return value;
  switch (type.kind) {
    case 'struct':
      return dropFromStruct(value as Record<string, unknown>, type);
    case 'list': {
      if (type.element.kind === 'scalar') return value;
      const list = value as unknown[];
      const kept = list.map((element) => dropFrom(element, type.element));
      return kept.some((element, i) => element !== list[i]) ? kept : list;
    }
    case 'map': {
      if (type.value.kind === 'scalar') return value;
      const map = value as Record<string, unknown>;
      const kept = Object.entries(map).map(([key, element]) => [key, dropFrom(element, type.value)] as const);
      return kept.some(([key, element]) => element !== map[key]) ? Object.fromEntries(kept) : map;
    }
    default:
      return value;
  }
}

const collections = new WeakMap<StructType, readonly Field[]>();

/** The fields that are collections or may hold some. */
function collectionsOf(type: StructType): readonly Field[] {
  let fields = collections.get(type);
  if (!fields) {
    fields = type.jsonFields.filter((field) => field.type.kind !== 'scalar' && field.type.kind !== 'schemaOr');
    collections.set(type, fields);
  }
  return fields;
}

/** A deep copy that tells empty maps from empty structs. */
export function copyOf<T>(value: T): T {
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return value.map(copyOf) as T;
  const copy: Record<string, unknown> = value instanceof EmptyMap ? new EmptyMap() : {};
  for (const [key, element] of Object.entries(value)) put(copy, key, copyOf(element));
  return copy as T;
}
