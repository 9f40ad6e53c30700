/** Items of sets and of lists that are maps differ (k8s.io/apiextensions-apiserver/pkg/apiserver/schema/listtype). */
import { compareStrings } from '@keelson/api/codec/go-order';
import { stringify } from '@keelson/api/codec/stringify';
import { duplicate, type ErrorList, invalid, type Path } from '@keelson/api/field';
import { isPieceOver, type Pieces } from '@keelson/api/pieces';
import { isObject, type Json, type Structural } from './structural.ts';

export function* validateListTypes(value: unknown, schema: Structural, path: Path): Pieces<ErrorList> {
  const errors: ErrorList = [];
  if (schema.holds.listTypes) yield* visit(value, schema, path, errors);
  return errors;
}

/** @param schema that says something of lists, here or below */
function* visit(value: unknown, schema: Structural, path: Path, errors: ErrorList): Pieces<void> {
  const { properties, additional, items } = schema;
  if (Array.isArray(value)) {
    const shown = distinguished(value, schema, path, errors);
    if (shown) for (const i of yield* repeated(shown)) errors.push(duplicate(path.index(i), shown[i]));
    if (!items?.holds.listTypes) return;
    for (const [i, item] of value.entries()) {
      if (isPieceOver()) yield;
      if (isContainer(item)) yield* visit(item, items, path.index(i), errors);
    }
  } else if (isObject(value)) {
    for (const [name, inner] of Object.entries(value)) {
      if (!isContainer(inner)) continue;
      if (isPieceOver()) yield;
      if (typeof additional === 'object' && additional.holds.listTypes)
        yield* visit(inner, additional, path.key(name), errors);
      const property = properties.get(name);
      if (property?.holds.listTypes) yield* visit(inner, property, path.child(name), errors);
    }
  }
}

function isContainer(value: unknown): boolean {
  return typeof value === 'object' && value !== null;
}

/** What each item is told from the others by; undefined where they need not differ. */
function distinguished(
  list: readonly unknown[],
  { listType, listMapKeys }: Structural,
  path: Path,
  errors: ErrorList,
): readonly unknown[] | undefined {
  if (listType === 'set') return list;
  if (listType !== 'map') return undefined;
  const wrong = list.findIndex((item) => item !== null && !isObject(item));
  if (wrong < 0) return list.map((item) => keysOf(item as Json | null, listMapKeys));
  errors.push(invalid(path.index(wrong), list[wrong], 'must be an object for an array of list-type map'));
  return undefined;
}

/** In the order in which a map is written, whatever the schema's. */
function keysOf(item: Json | null, keys: readonly string[]): Json {
  const present = keys.filter((key) => item !== null && Object.hasOwn(item, key)).sort(compareStrings);
  return Object.fromEntries(present.map((key) => [key, item![key]]));
}

/** Where values stand that have stood there once before. */
function* repeated(values: readonly unknown[]): Pieces<number[]> {
  const seen = new Map<string, number>();
  const places: number[] = [];
  for (const [i, value] of values.entries()) {
    if (isPieceOver()) yield;
    const text = stringify(value);
    const times = (seen.get(text) ?? 0) + 1;
    seen.set(text, times);
    if (times === 2) places.push(i);
  }
  return places;
}
