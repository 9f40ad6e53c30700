/** Checks of single fields that the validations of many kinds share (k8s.io/kubernetes/pkg/apis/core/validation). */
import { semanticEqual } from '@keelson/api/codec/equality';
import { type ErrorList, invalid, named, type Path } from '@keelson/api/field';

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

/** The same of a string of a named type, or behind a pointer. */
export function immutableName(value: string | undefined, old: string | undefined, path: Path): ErrorList {
  return immutableField(value, old, path, value === undefined ? value : named(value));
}
