/** Compare pkg/apis/core/validation: ValidateResourceQuota. */
import { semanticEqual } from '@keelson/api/codec/equality';
import { type ErrorList, invalid, Path } from '@keelson/api/field';
import type { ResourceQuota } from '@keelson/api/generated/types/core/v1';
import { validateResourceName, validateResourceQuantity } from '../../validation/resources.ts';
import { isStandardQuotaResource } from './resources.ts';
import { validateScopeSelector, validateScopes } from './scopes.ts';

const SPEC = Path.of('spec');
const STATUS = Path.of('status');

export function validateResourceQuota(quota: ResourceQuota): ErrorList {
  return [...validateSpec(quota), ...validateResourceQuotaStatus(quota)];
}

/** Scopes may not change. */
export function validateResourceQuotaUpdate(quota: ResourceQuota, old: ResourceQuota): ErrorList {
  const errors = validateSpec(quota);
  const sorted = (scopes: readonly string[] | undefined) => [...new Set(scopes)].sort();
  if (!semanticEqual(sorted(quota.spec.scopes), sorted(old.spec.scopes)))
    errors.push(invalid(SPEC.child('scopes'), quota.spec.scopes, 'field is immutable'));
  return errors;
}

export function validateResourceQuotaStatus({ status }: ResourceQuota): ErrorList {
  return [...validateAmounts(status.hard, STATUS.child('hard')), ...validateAmounts(status.used, STATUS.child('used'))];
}

function validateSpec({ spec }: ResourceQuota): ErrorList {
  return [
    ...validateAmounts(spec.hard, SPEC.child('hard')),
    ...(spec.scopes?.length ? validateScopes(spec, SPEC.child('scopes')) : []),
    ...validateScopeSelector(spec, SPEC.child('scopeSelector')),
  ];
}

function validateAmounts(amounts: Record<string, string> | undefined, path: Path): ErrorList {
  return Object.entries(amounts ?? {}).flatMap(([name, text]) => {
    const at = path.key(name);
    const errors = validateResourceName(name, at);
    if (!name.includes('/') && !isStandardQuotaResource(name))
      errors.push(invalid(at, name, 'must be a standard resource for quota'));
    return [...errors, ...validateResourceQuantity(name, text, at)];
  });
}
