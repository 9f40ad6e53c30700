/** When pods have to leave their devices (pkg/controller/devicetainteviction). */
import type { Pod } from '@keelson/api/generated/types/core/v1';
import type {
  DeviceRequestAllocationResult,
  DeviceTaint,
  ResourceClaim,
  ResourceSlice,
} from '@keelson/api/generated/types/resource/v1';
import { claimOfPod } from '@keelson/api/resources/pod-claims';
import { tolerates } from '@keelson/api/resources/tolerations';
import { millisOf } from '@keelson/api/time';
import { isControlledBy } from '@keelson/client';

/** What is known of claims and devices. */
export interface Devices {
  /** @param key `namespace/name` */
  claim(key: string): ResourceClaim | undefined;
  /** Of a pool, all generations. */
  slices(pool: string): readonly ResourceSlice[];
}

/** A pool, unlike any other of the cluster. */
export function poolId(driver: string, pool: string): string {
  return `${driver}/${pool}`;
}

/** Milliseconds since 1970; undefined if it may stay. */
export function evictionTime(pod: Pod, devices: Devices): number | undefined {
  if (!pod.spec.nodeName) return undefined;
  const times = (pod.spec.resourceClaims ?? []).flatMap((podClaim) => {
    const found = claimOfPod(pod, podClaim);
    if (found.state !== 'named') return [];
    const claim = devices.claim(`${pod.metadata.namespace}/${found.name}`);
    if (!claim || (found.generated && !isControlledBy(claim, pod))) return [];
    if (!claim.status?.reservedFor?.some(({ uid }) => uid === pod.metadata.uid)) return [];
    return (claim.status.allocation?.devices?.results ?? []).flatMap((result) => timesOf(result, devices));
  });
  return times.length === 0 ? undefined : Math.min(...times);
}

/** When each taint ends its use that is not tolerated for good. */
function timesOf(result: DeviceRequestAllocationResult, devices: Devices): number[] {
  return evictingTaints(result, devices.slices(poolId(result.driver, result.pool))).flatMap((taint) => {
    const tolerations = (result.tolerations ?? []).filter(
      (toleration) => toleration.effect === 'NoExecute' && tolerates(toleration, taint),
    );
    if (!taint.timeAdded || tolerations.some(({ tolerationSeconds }) => tolerationSeconds === undefined)) return [];
    const seconds = tolerations.map(({ tolerationSeconds = 0 }) => Math.max(0, tolerationSeconds));
    return [millisOf(taint.timeAdded) + (seconds.length === 0 ? 0 : Math.min(...seconds) * 1000)];
  });
}

/** Those of the device, as the newest generation of its pool tells. */
function evictingTaints({ device }: DeviceRequestAllocationResult, slices: readonly ResourceSlice[]): DeviceTaint[] {
  const newest = Math.max(...slices.map(({ spec }) => spec.pool.generation));
  const current = slices.filter(({ spec }) => spec.pool.generation === newest);
  const found = current.flatMap(({ spec }) => spec.devices ?? []).find(({ name }) => name === device);
  return (found?.taints ?? []).filter(({ effect }) => effect === 'NoExecute');
}
