/** Claims for devices. */

import { duplicate, type ErrorList, forbidden, invalid, type Path, required } from '@keelson/api/field';
import type { PodResourceClaim } from '@keelson/api/generated/types/core/v1';
import type { ObjectMeta } from '@keelson/api/object';
import { MIRROR_POD } from '@keelson/api/resources/pod-parts';
import { nameIsDNSSubdomain } from '@keelson/api/validation/names';
import { invalidFor } from '../../../validation/fields.ts';
import { internalValue } from '../../../validation/internal.ts';
import { dnsLabel, NOWHERE } from './names.ts';

export function validateResourceClaims(
  claims: readonly PodResourceClaim[],
  metadata: ObjectMeta | undefined,
  path: Path,
): ErrorList {
  const names = new Set<string>();
  const mirrored = metadata?.annotations?.[MIRROR_POD] !== undefined;
  return claims.flatMap((claim, i) =>
    mirrored
      ? [forbidden(NOWHERE, 'static pods do not support resource claims')]
      : validateResourceClaim(claim, names, path.index(i)),
  );
}

function validateResourceClaim(claim: PodResourceClaim, names: Set<string>, path: Path): ErrorList {
  const { name = '', resourceClaimName, resourceClaimTemplateName } = claim;
  const at = path.child('name');
  const errors: ErrorList = [];
  if (name === '') errors.push(required(at));
  else if (names.has(name)) errors.push(duplicate(at, name));
  else errors.push(...dnsLabel(name, at));
  if (name !== '') names.add(name);
  const shown = () => internalValue('io.k8s.api.core.v1.PodResourceClaim', claim);
  if (resourceClaimName !== undefined && resourceClaimTemplateName !== undefined)
    errors.push(
      invalid(path, shown(), 'at most one of `resourceClaimName` or `resourceClaimTemplateName` may be specified'),
    );
  if (resourceClaimName === undefined && resourceClaimTemplateName === undefined)
    errors.push(invalid(path, shown(), 'must specify one of: `resourceClaimName`, `resourceClaimTemplateName`'));
  for (const [key, value] of Object.entries({ resourceClaimName, resourceClaimTemplateName }))
    if (value !== undefined) errors.push(...invalidFor(path.child(key), value, nameIsDNSSubdomain(value, false)));
  return errors;
}
