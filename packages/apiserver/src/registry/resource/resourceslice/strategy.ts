import type { ResourceSlice } from '@keelson/api/generated/types/resource/v1';
import type { Device as BetaDevice } from '@keelson/api/generated/types/resource/v1beta1';
import { structType } from '@keelson/api/schema';
import type { IsEnabled } from '../../../gates.ts';
import { dropDisabledFields, fieldsOf, type GatedFields } from '../../gatedfields.ts';
import { bumpGeneration, startGeneration } from '../../generation.ts';
import type { Strategy } from '../../strategy.ts';
import { defaultTaint } from '../taints.ts';
import { validateSlice } from './validation.ts';

const SPEC_TYPE = structType('io.k8s.api.resource.v1.ResourceSliceSpec');
const DEFAULT_MULTIPLIER = '1';

const devices = ({ spec }: ResourceSlice) => spec.devices ?? [];
const attributes = (slice: ResourceSlice) => devices(slice).flatMap((device) => Object.values(device.attributes ?? {}));
const capacities = (slice: ResourceSlice) => devices(slice).flatMap((device) => Object.values(device.capacity ?? {}));

/** Mappings of node resources and lists as attributes are alpha. */
const GATED: readonly GatedFields<ResourceSlice>[] = [
  ['DRADeviceTaints', fieldsOf(devices, 'taints')],
  [
    'DRAPartitionableDevices',
    fieldsOf(({ spec }) => [spec], 'sharedCounters', 'perDeviceNodeSelection'),
    fieldsOf(devices, 'consumesCounters', 'nodeName', 'nodeSelector', 'allNodes'),
  ],
  ['DRADeviceBindingConditions', fieldsOf(devices, 'bindingConditions', 'bindingFailureConditions', 'bindsToNode')],
  ['DRAConsumableCapacity', fieldsOf(devices, 'allowMultipleAllocations'), fieldsOf(capacities, 'requestPolicy')],
  [undefined, fieldsOf(devices, 'nodeAllocatableResourceMappings')],
  [undefined, fieldsOf(attributes, 'bools', 'ints', 'strings', 'versions')],
];

export const makeStrategy = (isEnabled: IsEnabled): Strategy<ResourceSlice> => ({
  returnDeletedObject: true,
  defaults({ spec }, _version, now) {
    for (const device of spec.devices ?? []) {
      // In v1beta1 the device is below `basic`.
      const { nodeAllocatableResourceMappings, taints } = (device as BetaDevice).basic ?? device;
      for (const taint of taints ?? []) defaultTaint(taint, now);
      for (const mapping of Object.values(nodeAllocatableResourceMappings ?? {})) {
        mapping.allocationMultiplier ??= DEFAULT_MULTIPLIER;
      }
    }
  },
  prepareForCreate(_ctx, obj) {
    startGeneration(obj);
    dropDisabledFields(GATED, isEnabled, obj, undefined);
  },
  validate: (_ctx, obj) => validateSlice(obj),
  warningsOnCreate: (_ctx, obj) => driverWarnings(obj),
  prepareForUpdate(_ctx, obj, old) {
    bumpGeneration(obj, old, 'spec', SPEC_TYPE);
    dropDisabledFields(GATED, isEnabled, obj, old);
  },
  validateUpdate: (_ctx, obj, old) => validateSlice(obj, old),
  warningsOnUpdate: (_ctx, obj) => driverWarnings(obj),
  selectableFields: ({ spec }) => ({ 'spec.nodeName': spec.nodeName ?? '', 'spec.driver': spec.driver }),
});

function driverWarnings({ spec: { driver } }: ResourceSlice): string[] {
  if (driver === driver.toLowerCase()) return [];
  return [`spec.driver: driver names should be lowercase; ${JSON.stringify(driver)} contains uppercase characters`];
}
