/** Checks of single fields that the validations of many kinds share (k8s.io/kubernetes/pkg/apis/core/validation). */
import { EmptyMap } from '@keelson/api/codec/canonical';
import { type ErrorList, invalid, type Path } from '@keelson/api/field';
import { Quantity, QuantityError } from '@keelson/api/quantity';
import { quantityFields } from '@keelson/api/schema';

/** One `Invalid value` for each problem that a name rule found. */
export function invalidFor(path: Path, value: unknown, problems: readonly string[]): ErrorList {
  return problems.map((problem) => invalid(path, value, problem));
}

export function nonNegative(value: number, path: Path): ErrorList {
  return value < 0 ? [invalid(path, value, 'must be greater than or equal to 0')] : [];
}

export function positive(value: number, path: Path): ErrorList {
  return value <= 0 ? [invalid(path, value, 'must be greater than 0')] : [];
}

/**
 * The field may not change. Callers pass what Go would hold: the empty string, not undefined, for a string that is
 * absent and no pointer.
 */
export function immutableField(value: unknown, old: unknown, path: Path, shown = value): ErrorList {
  return semanticEqual(value, old) ? [] : [invalid(path, shown, 'field is immutable')];
}

/**
 * Equality of canonical JSON as apimachinery's Semantic.DeepEqual sees it: the order of keys does not count; absent,
 * null, an empty list and an empty map are one; quantities are equal by value, where their field is part of what is compared.
 */
export function semanticEqual(a: unknown, b: unknown): boolean {
  return equalAt(a, b, '', '');
}

/** @param field that holds the values. @param parent that holds this one */
function equalAt(a: unknown, b: unknown, field: string, parent: string): boolean {
  if (a === b || (isNothing(a) && isNothing(b))) return true;
  if (Array.isArray(a) || Array.isArray(b))
    return (
      Array.isArray(a) && Array.isArray(b) && a.length === b.length && a.every((item, i) => equalAt(item, b[i], '', ''))
    );
  if (typeof a === 'string' && typeof b === 'string') {
    quantities ??= quantityFields();
    return (quantities.single.has(field) || quantities.maps.has(parent)) && isSameQuantity(a, b);
  }
  if (!isRecord(a) || !isRecord(b)) return false;
  for (const key of Object.keys(a)) if (!equalAt(a[key], b[key], key, field)) return false;
  return Object.keys(b).every((key) => key in a || isNothing(b[key]));
}

let quantities: ReturnType<typeof quantityFields> | undefined;

function isSameQuantity(a: string, b: string): boolean {
  try {
    return Quantity.parse(a).cmp(Quantity.parse(b)) === 0;
  } catch (error) {
    if (error instanceof QuantityError) return false;
    throw error;
  }
}

function isNothing(value: unknown): boolean {
  if (value === undefined || value === null) return true;
  return Array.isArray(value) ? value.length === 0 : value instanceof EmptyMap && Object.keys(value).length === 0;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}
