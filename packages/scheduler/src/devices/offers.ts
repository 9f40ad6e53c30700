/** What drivers offer and claims ask for, as far as gates of devices let them. */
import type { Device, ResourceClaim, ResourceSlice } from '@keelson/api/generated/types/resource/v1';
import { storeKey } from '@keelson/client';
import type { IsEnabled } from '../gates.ts';

const OFFERED = [
  'DRAConsumableCapacity',
  'DRADeviceBindingConditions',
  'DRADeviceTaints',
  'DRAPartitionableDevices',
] as const;

/**
 * The slices without what cannot be had: devices that have to be prepared, slices whose devices share counters. A device that
 * may be shared is for one, and taints keep nobody off, where their gates are disabled.
 */
export function offered(slices: Iterable<ResourceSlice>, isEnabled: IsEnabled): Iterable<ResourceSlice> {
  if (OFFERED.every(isEnabled)) return slices;
  const cannotBeHad = ({ spec }: ResourceSlice) =>
    !isEnabled('DRAPartitionableDevices') &&
    (spec.perDeviceNodeSelection !== undefined || !!spec.sharedCounters?.length);
  return [...slices]
    .filter((slice) => !cannotBeHad(slice))
    .map((slice) => ({
      ...slice,
      spec: { ...slice.spec, devices: (slice.spec.devices ?? []).flatMap((device) => offer(device, isEnabled)) },
    }));
}

function offer(device: Device, isEnabled: IsEnabled): Device[] {
  if (!isEnabled('DRADeviceBindingConditions') && device.bindingConditions?.length) return [];
  const offered = { ...device };
  if (!isEnabled('DRADeviceTaints')) delete offered.taints;
  if (!isEnabled('DRAConsumableCapacity')) delete offered.allowMultipleAllocations;
  return [offered];
}

/** Why a claim can get nothing: it asks for what a gate does not let it. */
export function whyDisabled(claim: ResourceClaim, isEnabled: IsEnabled): string | undefined {
  const key = storeKey(claim);
  for (const { name, exactly, firstAvailable = [] } of claim.spec.devices.requests ?? []) {
    if (firstAvailable.length > 0 && !isEnabled('DRAPrioritizedList'))
      return `resource claim ${key}, request ${name}: has subrequests, but the DRAPrioritizedList feature is disabled`;
    if (isEnabled('DRAConsumableCapacity')) continue;
    const capacity = (what: string) =>
      `claim ${key}, ${what}: has capacity requests, but the DRAConsumableCapacity feature is disabled`;
    if (exactly?.capacity) return capacity(`request ${name}`);
    const alternative = firstAvailable.find((each) => each.capacity);
    if (alternative) return capacity(`subrequest ${alternative.name}`);
  }
  return undefined;
}
