import { semanticEqual } from '@keelson/api/codec/equality';
import type { CSIDriver, CSIDriverSpec } from '@keelson/api/generated/types/storage/v1';
import { bumpGeneration } from '../../generation.ts';
import type { Strategy } from '../../strategy.ts';
import { validateCSIDriver, validateCSIDriverUpdate } from './validation.ts';

export const strategy: Strategy<CSIDriver> = {
  returnDeletedObject: true,
  allowUnconditionalUpdate: false,
  defaults({ spec }) {
    spec.attachRequired ??= true;
    spec.podInfoOnMount ??= false;
    spec.storageCapacity ??= false;
    spec.fsGroupPolicy ??= 'ReadWriteOnceWithFSType';
    if (!spec.volumeLifecycleModes?.length) spec.volumeLifecycleModes = ['Persistent'];
    spec.requiresRepublish ??= false;
    spec.seLinuxMount ??= false;
  },
  prepareForCreate(_ctx, { spec }) {
    delete spec.preventPodSchedulingIfMissing;
  },
  validate: (_ctx, obj) => validateCSIDriver(obj),
  warningsOnCreate: (_ctx, { spec }) => warnings(spec),
  prepareForUpdate(_ctx, obj, old) {
    if (old.spec.preventPodSchedulingIfMissing === undefined) delete obj.spec.preventPodSchedulingIfMissing;
    bumpGeneration(obj, old, 'spec');
  },
  validateUpdate: (_ctx, obj, old) => validateCSIDriverUpdate(obj, old),
  warningsOnUpdate: (_ctx, { spec }, old) =>
    semanticEqual(spec.tokenRequests, old.spec.tokenRequests) ? [] : warnings(spec),
};

function warnings({ tokenRequests, serviceAccountTokenInSecrets }: CSIDriverSpec): string[] {
  if (!tokenRequests?.length || serviceAccountTokenInSecrets !== undefined) return [];
  return [
    'spec.serviceAccountTokenInSecrets is unset; if supported by this CSI driver, set to true to prevent possible logging of tokens in volume attributes',
  ];
}
