import type { Device, DeviceAttribute, ResourceSlice } from '@keelson/api/generated/types/resource/v1';
import type { Device as BetaDevice } from '@keelson/api/generated/types/resource/v1beta1';
import { structType } from '@keelson/api/schema';
import { bumpGeneration, startGeneration } from '../../generation.ts';
import type { Strategy } from '../../strategy.ts';
import { defaultTaint } from '../taints.ts';
import { validateSlice } from './validation.ts';

const SPEC_TYPE = structType('io.k8s.api.resource.v1.ResourceSliceSpec');
const DEFAULT_MULTIPLIER = '1';

export const strategy: Strategy<ResourceSlice> = {
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
    dropDisabledFields(obj, undefined);
  },
  validate: (_ctx, obj) => validateSlice(obj),
  warningsOnCreate: (_ctx, obj) => driverWarnings(obj),
  prepareForUpdate(_ctx, obj, old) {
    bumpGeneration(obj, old, 'spec', SPEC_TYPE);
    dropDisabledFields(obj, old);
  },
  validateUpdate: (_ctx, obj, old) => validateSlice(obj, old),
  warningsOnUpdate: (_ctx, obj) => driverWarnings(obj),
  selectableFields: ({ spec }) => ({ 'spec.nodeName': spec.nodeName ?? '', 'spec.driver': spec.driver }),
};

function driverWarnings({ spec: { driver } }: ResourceSlice): string[] {
  if (driver === driver.toLowerCase()) return [];
  return [`spec.driver: driver names should be lowercase; ${JSON.stringify(driver)} contains uppercase characters`];
}

const LISTS = ['bools', 'ints', 'strings', 'versions'] as const;

/** Mappings of node resources and lists as attributes are alpha: only objects that have them already keep them. */
function dropDisabledFields(obj: ResourceSlice, old: ResourceSlice | undefined): void {
  dropMappings(obj, old);
  const usesLists = (attribute: DeviceAttribute) => LISTS.some((key) => attribute[key] !== undefined);
  if (old?.spec.devices?.some((device) => Object.values(device.attributes ?? {}).some(usesLists))) return;
  for (const { attributes } of obj.spec.devices ?? []) {
    for (const attribute of Object.values(attributes ?? {})) for (const key of LISTS) delete attribute[key];
  }
}

function dropMappings(obj: ResourceSlice, old: ResourceSlice | undefined): void {
  const uses = ({ nodeAllocatableResourceMappings: m }: Device) => m !== undefined && Object.keys(m).length > 0;
  if (old?.spec.devices?.some(uses)) return;
  for (const device of obj.spec.devices ?? []) delete device.nodeAllocatableResourceMappings;
}
