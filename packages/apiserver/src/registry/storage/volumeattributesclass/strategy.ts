import type { VolumeAttributesClass } from '@keelson/api/generated/types/storage/v1';
import type { Strategy } from '../../strategy.ts';
import { validateVolumeAttributesClass, validateVolumeAttributesClassChange } from './validation.ts';

export const strategy: Strategy<VolumeAttributesClass> = {
  returnDeletedObject: true,
  validate: (_ctx, obj) => validateVolumeAttributesClass(obj),
  updateChecks: ['metadata', 'change', 'new metadata', 'kind'],
  validateChange: validateVolumeAttributesClassChange,
  validateUpdate: (_ctx, obj) => validateVolumeAttributesClass(obj),
};
