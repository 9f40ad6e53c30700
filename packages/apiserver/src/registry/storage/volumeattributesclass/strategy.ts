import type { VolumeAttributesClass } from '@keelson/api/generated/types/storage/v1';
import type { Strategy } from '../../strategy.ts';
import { validateVolumeAttributesClass, validateVolumeAttributesClassUpdate } from './validation.ts';

export const strategy: Strategy<VolumeAttributesClass> = {
  returnDeletedObject: true,
  validate: (_ctx, obj) => validateVolumeAttributesClass(obj),
  updateChecks: ['metadata', 'new metadata', 'kind'],
  validateUpdate: (_ctx, obj, old) => validateVolumeAttributesClassUpdate(obj, old),
};
