import type { PersistentVolume } from '@keelson/api/generated/types/core/v1';
import { formatTime } from '@keelson/api/time';
import type { IsEnabled } from '../../../gates.ts';
import { dropDisabledFields, fieldsOf, type GatedFields } from '../../gatedfields.ts';
import type { Strategy, ViewSubresource } from '../../strategy.ts';
import { defaults } from './defaults.ts';
import { validateMountOptions, validatePersistentVolume, validatePersistentVolumeUpdate } from './validation.ts';
import { warnings } from './warnings.ts';

const GATED: readonly GatedFields<PersistentVolume>[] = [
  ['VolumeAttributesClass', fieldsOf(({ spec }) => [spec], 'volumeAttributesClassName')],
];

export function makeStrategy(isEnabled: IsEnabled): Strategy<PersistentVolume> {
  const may = { move: isEnabled('MutablePVNodeAffinity'), changeClass: isEnabled('VolumeAttributesClass') };
  return {
    returnDeletedObject: true,
    defaults,
    prepareForCreate({ now }, obj) {
      obj.status = { phase: 'Pending', lastPhaseTransitionTime: formatTime(now) };
      dropDisabledFields(GATED, isEnabled, obj, undefined);
    },
    validate: (_ctx, obj) => [...validatePersistentVolume(obj), ...validateMountOptions(obj)],
    warningsOnCreate: (_ctx, obj) => warnings(obj),
    prepareForUpdate(_ctx, obj, old) {
      obj.status = old.status;
      dropDisabledFields(GATED, isEnabled, obj, old);
    },
    updateChecks: ['new metadata', 'kind'],
    validateUpdate: (_ctx, obj, old) => validatePersistentVolumeUpdate(obj, old, may),
    warningsOnUpdate: (_ctx, obj) => warnings(obj),
    resetFields: { v1: { 'f:status': {} } },
  };
}

export const status: ViewSubresource<PersistentVolume> = {
  type: 'view',
  strategy: {
    prepareForUpdate({ now }, obj, old) {
      obj.spec = old.spec;
      const { phase, lastPhaseTransitionTime: time } = obj.status;
      const { phase: oldPhase, lastPhaseTransitionTime: oldTime } = old.status;
      if (phase === oldPhase) {
        if (time == null && oldTime != null) obj.status.lastPhaseTransitionTime = oldTime;
      } else if (time == null || time === oldTime) {
        obj.status.lastPhaseTransitionTime = formatTime(now);
      }
    },
    validateUpdate: () => [],
    resetFields: { v1: { 'f:spec': {} } },
  },
};
