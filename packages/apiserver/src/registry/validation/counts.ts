/** Counters in the status of kinds that keep replicas, and numbers that may be percentages. */
import { type ErrorList, invalid, named, Path } from '@keelson/api/field';
import type { ReplicaSetStatus } from '@keelson/api/generated/types/apps/v1';
import type { IntOrString } from '@keelson/api/scalars';
import { isValidPercent } from '@keelson/api/validation/names';
import { invalidFor, nonNegative } from './fields.ts';

/** Each counter is at least 0; an absent one is not looked at. */
export function validateCounts(counts: Readonly<Record<string, number | undefined>>, path: Path): ErrorList {
  return Object.entries(counts).flatMap(([key, count]) => nonNegative(count ?? 0, path.child(key)));
}

/** No part is more than the whole. */
export function validateParts(
  parts: Readonly<Record<string, number | undefined>>,
  whole: number,
  message: string,
  path: Path,
): ErrorList {
  return Object.entries(parts).flatMap(([key, part = 0]) =>
    part > whole ? [invalid(path.child(key), part, message)] : [],
  );
}

/** The status of a replica set, or of a replication controller, which has the same counters but one. */
export function validateReplicaStatus(
  status: Pick<
    ReplicaSetStatus,
    | 'replicas'
    | 'fullyLabeledReplicas'
    | 'readyReplicas'
    | 'availableReplicas'
    | 'observedGeneration'
    | 'terminatingReplicas'
  >,
): ErrorList {
  const at = Path.of('status');
  const { replicas, fullyLabeledReplicas, readyReplicas, availableReplicas } = status;
  const { observedGeneration, terminatingReplicas } = status;
  const parts = { fullyLabeledReplicas, readyReplicas, availableReplicas };
  return [
    ...validateCounts({ replicas, ...parts, observedGeneration, terminatingReplicas }, at),
    ...validateParts(parts, replicas, 'cannot be greater than status.replicas', at),
    ...validateParts({ availableReplicas }, readyReplicas ?? 0, 'cannot be greater than readyReplicas', at),
  ];
}

export function validateNotDecremented(count: number | undefined, old: number | undefined, path: Path): ErrorList {
  if (old === undefined || (count !== undefined && count >= old)) return [];
  return [invalid(path, count ?? 0, 'cannot be decremented')];
}

/** At least 0, or `25%`. */
export function validateCountOrPercent(value: IntOrString, path: Path): ErrorList {
  return typeof value === 'number' ? nonNegative(value, path) : invalidFor(path, named(value), isValidPercent(value));
}

export function validateAtMost100Percent(value: IntOrString, path: Path): ErrorList {
  const percent = percentOf(value);
  return percent !== undefined && percent > 100 ? [invalid(path, value, 'must not be greater than 100%')] : [];
}

/** The number, or the percentage as a number; 0 for text that is neither. */
export function countOrPercent(value: IntOrString): number {
  if (typeof value === 'number') return value;
  return percentOf(value) ?? (/^[+-]?[0-9]+$/.test(value) ? Number(value) : 0);
}

function percentOf(value: IntOrString): number | undefined {
  return typeof value === 'string' && isValidPercent(value).length === 0 ? Number(value.slice(0, -1)) : undefined;
}
