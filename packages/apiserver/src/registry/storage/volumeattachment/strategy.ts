import type { VolumeAttachment } from '@keelson/api/generated/types/storage/v1';
import { defaultVolumeSpec } from '../../core/persistentvolume/defaults.ts';
import { statusView } from '../../statusview.ts';
import type { Strategy, ViewSubresource } from '../../strategy.ts';
import { validateVolumeAttachment, validateVolumeAttachmentUpdate } from './validation.ts';

export const strategy: Strategy<VolumeAttachment> = {
  returnDeletedObject: true,
  defaults({ spec: { source } }) {
    if (source.inlineVolumeSpec) defaultVolumeSpec(source.inlineVolumeSpec);
  },
  allowUnconditionalUpdate: false,
  prepareForCreate(_ctx, obj) {
    obj.status = { attached: false };
  },
  validate: (_ctx, obj) => validateVolumeAttachment(obj),
  prepareForUpdate(_ctx, obj, old) {
    obj.status = old.status;
  },
  updateChecks: ['new metadata', 'kind'],
  validateUpdate: (_ctx, obj, old) => validateVolumeAttachmentUpdate(obj, old),
  resetFields: { 'storage.k8s.io/v1': { 'f:status': {} } },
};

export const status: ViewSubresource<VolumeAttachment> = statusView(['storage.k8s.io/v1'], {
  updateChecks: ['new metadata', 'kind'],
  validateUpdate: (_ctx, obj, old) => validateVolumeAttachmentUpdate(obj, old),
});
