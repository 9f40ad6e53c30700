/** Compare pkg/apis/storage/validation: ValidateCSIStorageCapacity. */

import { semanticEqual } from '@keelson/api/codec/equality';
import { type ErrorList, invalid, Path } from '@keelson/api/field';
import type { CSIStorageCapacity } from '@keelson/api/generated/types/storage/v1';
import { nameIsDNSSubdomain } from '@keelson/api/validation/names';
import { immutableField, invalidFor } from '../../validation/fields.ts';
import { shownSelector, validateLabelSelector } from '../../validation/labelselector.ts';
import { validateKubeObjectMetaUpdate } from '../../validation/objectmeta.ts';
import { validateNonNegativeQuantity } from '../../validation/resources.ts';

const TOPOLOGY = Path.of('nodeTopology');
const CLASS = Path.of('storageClassName');

/** @param laxLabelValues the selector may hold values that are no label values: the stored one does */
export function validateCSIStorageCapacity(obj: CSIStorageCapacity, laxLabelValues: boolean): ErrorList {
  const { nodeTopology, storageClassName, capacity } = obj;
  return [
    ...validateLabelSelector(nodeTopology, { allowInvalidLabelValueInSelector: laxLabelValues }, TOPOLOGY),
    ...invalidFor(CLASS, storageClassName, nameIsDNSSubdomain(storageClassName, false)),
    ...(capacity === undefined ? [] : validateNonNegativeQuantity(capacity, Path.of('capacity'))),
  ];
}

export function validateCSIStorageCapacityUpdate(obj: CSIStorageCapacity, old: CSIStorageCapacity): ErrorList {
  const laxLabelValues = validateLabelSelector(old.nodeTopology, {}, TOPOLOGY).length > 0;
  return [
    ...validateCSIStorageCapacity(obj, laxLabelValues),
    ...validateKubeObjectMetaUpdate(obj.metadata, old.metadata, Path.of('metadata')),
    ...(semanticEqual(obj.nodeTopology, old.nodeTopology)
      ? []
      : [invalid(TOPOLOGY, shownSelector(obj.nodeTopology), 'field is immutable')]),
    ...immutableField(obj.storageClassName, old.storageClassName, CLASS),
  ];
}
