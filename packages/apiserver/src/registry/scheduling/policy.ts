/**
 * What pod groups and their templates in workloads have in common (pkg/apis/scheduling/v1alpha2's declarative
 * validation). What belongs to feature gates that are off by default is dropped before anything looks at it.
 */
import { type ErrorList, invalid, type Path, required } from '@keelson/api/field';
import type { PodGroupSchedulingPolicy } from '@keelson/api/generated/types/scheduling/v1alpha2';
import { isLongName, isShortName } from '@keelson/api/validation/names';
import { invalidFor } from '../validation/fields.ts';

const GATED = ['schedulingConstraints', 'resourceClaims', 'disruptionMode', 'priorityClassName', 'priority'] as const;

type Gated = { [field in (typeof GATED)[number]]?: unknown };

/** Unless the old object has them. */
export function dropGatedFields(spec: Gated, old: Gated | undefined): void {
  for (const field of GATED) if (old?.[field] == null) delete spec[field];
}

export function validateSchedulingPolicy({ basic, gang }: PodGroupSchedulingPolicy, path: Path): ErrorList {
  const errors: ErrorList = [];
  if (basic && gang) errors.push(invalid(path, '{basic, gang}', 'must specify exactly one of: `basic`, `gang`'));
  if (!basic && !gang) errors.push(invalid(path, '', 'must specify one of: `basic`, `gang`'));
  if (!gang) return errors;
  const at = path.child('gang', 'minCount');
  if (gang.minCount === 0) errors.push(required(at));
  else if (gang.minCount < 1) errors.push(invalid(at, gang.minCount, 'must be greater than or equal to 1'));
  return errors;
}

export function validateRequiredName(name: string, kind: 'short' | 'long', path: Path): ErrorList {
  if (name === '') return [required(path)];
  return invalidFor(path, name, kind === 'short' ? isShortName(name) : isLongName(name));
}

/** What changed is not shown. */
export function immutable(path: Path): ErrorList {
  return [invalid(path, null, 'field is immutable')];
}
