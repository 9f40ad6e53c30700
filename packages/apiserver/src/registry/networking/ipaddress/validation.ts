/** Compare pkg/apis/networking/validation: ValidateIPAddress. */

import { semanticEqual } from '@keelson/api/codec/equality';
import { type ErrorList, invalid, Path, required } from '@keelson/api/field';
import type { IPAddress } from '@keelson/api/generated/types/networking/v1';
import { isDNS1123Subdomain, isPathSegmentName } from '@keelson/api/validation/names';
import { invalidFor } from '../../validation/fields.ts';
import { internalValue } from '../../validation/internal.ts';
import { validateKubeObjectMetaUpdate } from '../../validation/objectmeta.ts';
import { validateSegment } from '../reference.ts';

const PARENT = Path.of('spec', 'parentRef');

export function validateIPAddress({ spec }: IPAddress): ErrorList {
  if (!spec.parentRef) return [required(PARENT)];
  const { group, resource, name, namespace } = spec.parentRef;
  return [
    ...(group ? invalidFor(PARENT.child('group'), group, isDNS1123Subdomain(group)) : []),
    ...validateSegment(resource ?? '', PARENT.child('resource')),
    ...validateSegment(name ?? '', PARENT.child('name')),
    ...(namespace ? invalidFor(PARENT.child('namespace'), namespace, isPathSegmentName(namespace)) : []),
  ];
}

export function validateIPAddressUpdate(address: IPAddress, old: IPAddress): ErrorList {
  const { parentRef } = address.spec;
  const shown = () => internalValue('io.k8s.api.networking.v1.ParentReference', parentRef);
  return [
    ...validateIPAddress(address),
    ...validateKubeObjectMetaUpdate(address.metadata, old.metadata, Path.of('metadata')),
    ...(semanticEqual(parentRef, old.spec.parentRef) ? [] : [invalid(PARENT, shown(), 'field is immutable')]),
  ];
}
