/** Compare pkg/apis/coordination/validation: ValidateLeaseSpec. */
import { type ErrorList, forbidden, named, notSupported, Path } from '@keelson/api/field';
import type { Lease } from '@keelson/api/generated/types/coordination/v1';
import { isQualifiedName } from '@keelson/api/validation/names';
import { invalidFor, nonNegative, positive } from '../../validation/fields.ts';

export const OLDEST_EMULATION_VERSION = 'OldestEmulationVersion';

export function validateLease({ spec }: Lease): ErrorList {
  const path = Path.of('spec');
  const errors: ErrorList = [];
  if (spec.leaseDurationSeconds !== undefined)
    errors.push(...positive(spec.leaseDurationSeconds, path.child('leaseDurationSeconds')));
  if (spec.leaseTransitions !== undefined)
    errors.push(...nonNegative(spec.leaseTransitions, path.child('leaseTransitions')));
  if (spec.strategy !== undefined)
    errors.push(...validateCoordinatedLeaseStrategy(spec.strategy, path.child('strategy')));
  if (spec.preferredHolder && !spec.strategy)
    errors.push(forbidden(path.child('preferredHolder'), 'may only be specified if `strategy` is defined'));
  return errors;
}

/** A known strategy, or somebody's own with a domain. The errors name the field twice, as upstream's do. */
export function validateCoordinatedLeaseStrategy(strategy: string, path: Path): ErrorList {
  const at = path.child('strategy');
  if (strategy.includes('/')) return invalidFor(at, named(strategy), isQualifiedName(strategy));
  return strategy === OLDEST_EMULATION_VERSION ? [] : [notSupported(at, strategy, [OLDEST_EMULATION_VERSION])];
}
