/** Equality of objects in canonical form. */
import { Quantity } from '../quantity.ts';
import type { StructType, Type } from '../schema.ts';

type Tree = Readonly<Record<string, unknown>>;

/**
 * Whether upstream's Semantic.DeepEqual takes the two for equal: an empty list or map is as good as none, quantities compare
 * by amount (`1Gi` is `1024Mi`), everything else by value. The order of keys does not count.
 */
export function semanticEqual(a: unknown, b: unknown, type: Type): boolean {
  if (a === b) return true;
  const [left, right] = [a ?? undefined, b ?? undefined];
  if (left === undefined || right === undefined)
    return (type.kind === 'list' || type.kind === 'map') && isEmpty(left ?? right);
  switch (type.kind) {
    case 'struct':
      return equalStructs(left as Tree, right as Tree, type);
    case 'list': {
      const [l, r] = [left as readonly unknown[], right as readonly unknown[]];
      return l.length === r.length && l.every((item, i) => semanticEqual(item, r[i], type.element));
    }
    case 'map': {
      const [l, r] = [left as Tree, right as Tree];
      return sameKeys(l, r) && Object.keys(l).every((key) => semanticEqual(l[key], r[key], type.value));
    }
    case 'schemaOr':
      if (Array.isArray(left) && Array.isArray(right)) {
        const many: readonly unknown[] = right;
        return left.length === many.length && left.every((item, i) => equalUnions(item, many[i], type.schema));
      }
      return equalUnions(left, right, type.schema);
    case 'scalar':
      if (type.scalar === 'quantity') return Quantity.parse(left as string).cmp(Quantity.parse(right as string)) === 0;
      return equalValues(left, right);
  }
}

function equalStructs(a: Tree, b: Tree, type: StructType): boolean {
  return type.jsonFields.every((field) => semanticEqual(a[field.json], b[field.json], field.type));
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

function isEmpty(value: unknown): boolean {
  return value === undefined || (Array.isArray(value) ? value : Object.keys(value as object)).length === 0;
}
