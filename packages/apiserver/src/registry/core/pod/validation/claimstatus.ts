/** What a pod's status says of its device claims. */

import { duplicate, type ErrorList, invalid, named, type Path, required } from '@keelson/api/field';
import type { Pod, PodExtendedResourceClaimStatus, PodSpec } from '@keelson/api/generated/types/core/v1';
import { Quantity } from '@keelson/api/quantity';
import { isNativeResource } from '@keelson/api/resources/names';
import { declaredContainers } from '@keelson/api/resources/pod-parts';
import { nameIsDNSSubdomain } from '@keelson/api/validation/names';
import { invalidFor } from '../../../validation/fields.ts';
import { dnsLabel } from './names.ts';

/** @param path of the status */
export function validateClaimStatuses(pod: Pod, path: Path): ErrorList {
  return [
    ...validateNamedClaims(pod, path.child('resourceClaimStatuses')),
    ...validateExtendedClaim(
      pod.status.extendedResourceClaimStatus,
      pod.spec,
      path.child('extendedResourceClaimStatus'),
    ),
    ...validateNodeAllocatable(pod, path.child('nodeAllocatableResourceClaimStatuses')),
  ];
}

function validateNamedClaims({ spec, status }: Pod, path: Path): ErrorList {
  const names = new Set<string>();
  return (status.resourceClaimStatuses ?? []).flatMap(({ name, resourceClaimName }, i) => {
    const at = path.index(i);
    const errors: ErrorList = [];
    if (!spec.resourceClaims?.some((claim) => claim.name === name))
      errors.push(invalid(at.child('name'), name, 'must match the name of an entry in `spec.resourceClaims`'));
    if (names.has(name)) errors.push(duplicate(at.child('name'), name));
    names.add(name);
    if (resourceClaimName !== undefined)
      errors.push(
        ...invalidFor(
          at.child('resourceClaimName'),
          named(resourceClaimName),
          nameIsDNSSubdomain(resourceClaimName, false),
        ),
      );
    return errors;
  });
}

function validateExtendedClaim(
  status: PodExtendedResourceClaimStatus | undefined,
  spec: PodSpec,
  path: Path,
): ErrorList {
  if (!status) return [];
  const { requestMappings, resourceClaimName: claim = '' } = status;
  const mappingsAt = path.child('requestMappings');
  const mappings = requestMappings ?? [];
  const errors: ErrorList =
    mappings.length === 0 ? [required(mappingsAt, 'at least one request mapping is required')] : [];
  const containers = new Map(declaredContainers(spec).map((container) => [container.name, container]));
  const seen = new Set<string>();
  for (const [i, { containerName, resourceName, requestName }] of mappings.entries()) {
    const at = mappingsAt.index(i);
    const container = containers.get(containerName);
    if (!container)
      errors.push(
        invalid(
          at.child('containerName'),
          containerName,
          'must match the name of an entry in spec.initContainers.name or spec.containers.name',
        ),
      );
    else if (container.resources?.requests?.[resourceName] === undefined)
      errors.push(
        invalid(
          at.child('resourceName'),
          resourceName,
          'must match the extended resource name of an entry in spec.initContainers.resources.requests or spec.containers.resources.requests',
        ),
      );
    errors.push(...dnsLabel(requestName, path.child('requestName')));
    const key = JSON.stringify([containerName, resourceName, requestName]);
    if (seen.has(key))
      for (const [name, value] of Object.entries({ containerName, resourceName, requestName }))
        errors.push(duplicate(at.child(name), value));
    seen.add(key);
  }
  const at = path.child('resourceClaimName');
  return [...errors, ...(claim === '' ? [required(at)] : invalidFor(at, claim, nameIsDNSSubdomain(claim, false)))];
}

function validateNodeAllocatable({ spec, status }: Pod, path: Path): ErrorList {
  const known = new Set([
    ...(spec.resourceClaims ?? []).map((claim) => claim.resourceClaimName),
    ...(status.resourceClaimStatuses ?? []).map((claim) => claim.resourceClaimName),
  ]);
  return (status.nodeAllocatableResourceClaimStatuses ?? []).flatMap((claim, i) => {
    const at = path.index(i);
    const { resourceClaimName: name = '', containers, resources = {} } = claim;
    const errors: ErrorList = [];
    if (name === '') errors.push(required(at.child('resourceClaimName'), 'must not be empty'));
    if (!known.has(name))
      errors.push(invalid(at.child('resourceClaimName'), name, 'no mapping found in pod reference'));
    if (!containers?.length) errors.push(required(at.child('containers'), 'must not be empty'));
    if (Object.keys(resources ?? {}).length === 0) errors.push(required(at.child('resources'), 'must not be empty'));
    for (const [resource, amount] of Object.entries(resources ?? {})) {
      const key = at.child('resources').key(resource);
      if (!isNativeResource(resource)) errors.push(invalid(key, resource, 'must be a node allocatable resource name'));
      if (Quantity.parse(amount).sign() < 0) errors.push(invalid(key, amount, 'must be non-negative'));
    }
    return errors;
  });
}
