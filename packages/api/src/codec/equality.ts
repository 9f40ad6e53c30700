/** Equality of objects in canonical form. */
import { Quantity } from '../quantity.ts';
import type { StructType, Type } from '../schema.ts';
import { EmptyMap } from './canonical.ts';
import { stringify } from './stringify.ts';

type Tree = Readonly<Record<string, unknown>>;

/**
 * Whether upstream's Semantic.DeepEqual takes the two for equal: an empty list or map is as good as none, quantities compare
 * by amount (`1Gi` is `1024Mi`), free-form values
 * (runtime.RawExtension) as text, everything else by value: there the order of keys does not count.
 * @param type of both; may be left out where nothing in it is a quantity or raw JSON
 */
export function semanticEqual(a: unknown, b: unknown, type?: Type): boolean {
  if (a === b) return true;
  const [left, right] = [a ?? undefined, b ?? undefined];
  if (left === undefined || right === undefined) return isNothing(left ?? right, type);
  switch (type?.kind) {
    case undefined:
      return equalWithoutType(left, right);
    case 'struct':
      return equalFields(left as Tree, right as Tree, (key) => type.byJson.get(key)?.type);
    case 'list':
      return equalLists(left as readonly unknown[], right as readonly unknown[], type.element);
    case 'map': {
      const [l, r] = [left as Tree, right as Tree];
      return sameKeys(l, r) && Object.keys(l).every((key) => semanticEqual(l[key], r[key], type.value));
    }
    case 'schemaOr':
      return Array.isArray(left) && Array.isArray(right)
        ? left.length === right.length && left.every((item, i) => equalUnions(item, right[i], type.schema))
        : equalUnions(left, right, type.schema);
    case 'scalar':
      if (type.scalar === 'quantity') return Quantity.parse(left as string).cmp(Quantity.parse(right as string)) === 0;
      return type.scalar === 'raw' ? stringify(left) === stringify(right) : equalValues(left, right);
  }
}

function equalWithoutType(a: unknown, b: unknown): boolean {
  if (isNothing(a) && isNothing(b)) return true;
  if (Array.isArray(a) || Array.isArray(b)) return Array.isArray(a) && Array.isArray(b) && equalLists(a, b);
  if (typeof a !== 'object' || typeof b !== 'object') return false;
  return equalFields(a as Tree, b as Tree, () => undefined);
}

function equalLists(a: readonly unknown[], b: readonly unknown[], element?: Type): boolean {
  return a.length === b.length && a.every((item, i) => semanticEqual(item, b[i], element));
}

function equalFields(a: Tree, b: Tree, typeOf: (key: string) => Type | undefined): boolean {
  for (const key of Object.keys(a)) if (a[key] !== b[key] && !semanticEqual(a[key], b[key], typeOf(key))) return false;
  for (const key of Object.keys(b)) if (!Object.hasOwn(a, key) && !isNothing(b[key], typeOf(key))) return false;
  return true;
}

function equalUnions(a: unknown, b: unknown, schema: StructType): boolean {
  const areSchemas = typeof a === 'object' && typeof b === 'object' && !Array.isArray(a) && !Array.isArray(b);
  return areSchemas ? semanticEqual(a, b, schema) : a === b;
}

/** Values without a type: custom resources, raw extensions. */
export function equalValues(a: unknown, b: unknown): boolean {
  if (a === b) return true;
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return false;
  if (Array.isArray(a) || Array.isArray(b))
    return Array.isArray(a) && Array.isArray(b) && a.length === b.length && a.every((v, i) => equalValues(v, b[i]));
  const [left, right] = [a as Tree, b as Tree];
  return sameKeys(left, right) && Object.keys(left).every((key) => equalValues(left[key], right[key]));
}

function sameKeys(a: Tree, b: Tree): boolean {
  const keys = Object.keys(a);
  return keys.length === Object.keys(b).length && keys.every((key) => Object.hasOwn(b, key));
}

/** Without a type a map is known by how it was decoded. */
function isNothing(value: unknown, type?: Type): boolean {
  if (value === undefined || value === null) return true;
  if (Array.isArray(value)) return value.length === 0 && (type === undefined || type.kind === 'list');
  return (type?.kind === 'map' || value instanceof EmptyMap) && Object.keys(value).length === 0;
}
