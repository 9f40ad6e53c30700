import type { StorageClass } from '@keelson/api/generated/types/storage/v1';
import type { Strategy } from '../../strategy.ts';
import { validateStorageClass, validateStorageClassUpdate, warnings } from './validation.ts';

export const strategy: Strategy<StorageClass> = {
  returnDeletedObject: true,
  defaults(obj) {
    obj.reclaimPolicy ??= 'Delete';
    obj.volumeBindingMode ??= 'Immediate';
  },
  validate: (_ctx, obj) => validateStorageClass(obj),
  warningsOnCreate: (_ctx, obj) => warnings(obj),
  updateChecks: ['new metadata', 'kind'],
  validateUpdate: (_ctx, obj, old) => validateStorageClassUpdate(obj, old),
  warningsOnUpdate: (_ctx, obj) => warnings(obj),
};
