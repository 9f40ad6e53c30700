import type { Device, DeviceAttribute, ResourceSlice } from '@keelson/api/generated/types/resource/v1';
import { formatTime } from '@keelson/api/time';
import { bumpGeneration, startGeneration } from '../../generation.ts';
import type { Strategy, StrategyContext } from '../../strategy.ts';
import { validateSlice } from './validation.ts';

const DEFAULT_MULTIPLIER = '1';

export const strategy: Strategy<ResourceSlice> = {
  returnDeletedObject: true,
  defaults({ spec }) {
    for (const { nodeAllocatableResourceMappings } of spec.devices ?? []) {
      for (const mapping of Object.values(nodeAllocatableResourceMappings ?? {})) {
        mapping.allocationMultiplier ??= DEFAULT_MULTIPLIER;
      }
    }
  },
  prepareForCreate(ctx, obj) {
    startGeneration(obj);
    dropDisabledFields(obj, undefined);
    dateTaints(ctx, obj);
  },
  validate: (_ctx, obj) => validateSlice(obj),
  warningsOnCreate: (_ctx, obj) => driverWarnings(obj),
  prepareForUpdate(ctx, obj, old) {
    dateTaints(ctx, obj);
    bumpGeneration(obj, old, 'spec');
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

function dateTaints(ctx: StrategyContext, { spec }: ResourceSlice): void {
  for (const { taints } of spec.devices ?? []) {
    for (const taint of taints ?? []) taint.timeAdded ??= formatTime(ctx.now);
  }
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
