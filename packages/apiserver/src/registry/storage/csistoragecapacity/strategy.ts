import { Path } from '@keelson/api/field';
import type { CSIStorageCapacity } from '@keelson/api/generated/types/storage/v1';
import { warningsForNodeSelector } from '../../deprecatedlabels.ts';
import type { Strategy } from '../../strategy.ts';
import { validateCSIStorageCapacity, validateCSIStorageCapacityUpdate } from './validation.ts';

export const strategy: Strategy<CSIStorageCapacity> = {
  allowUnconditionalUpdate: false,
  validate: (_ctx, obj) => validateCSIStorageCapacity(obj, false),
  warningsOnCreate: (_ctx, obj) => warnings(obj),
  updateChecks: ['new metadata', 'kind'],
  validateUpdate: (_ctx, obj, old) => validateCSIStorageCapacityUpdate(obj, old),
  warningsOnUpdate: (_ctx, obj) => warnings(obj),
};

function warnings({ nodeTopology }: CSIStorageCapacity): string[] {
  return warningsForNodeSelector(nodeTopology, Path.of('nodeTopology'));
}
