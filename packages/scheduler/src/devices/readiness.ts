/** Whether devices that have to be prepared for a node are ready (DeviceBindingConditions). */
import type {
  AllocatedDeviceStatus,
  DeviceRequestAllocationResult,
  ResourceClaim,
} from '@keelson/api/generated/types/resource/v1';

/** The driver says that a device cannot be had. */
export interface Failure {
  readonly failure: string;
}

export function readinessOf({ metadata, status }: ResourceClaim): 'ready' | 'waiting' | Failure {
  if (!status?.allocation) return 'waiting';
  for (const result of status.allocation.devices.results ?? []) {
    const { bindingConditions = [], bindingFailureConditions = [] } = result;
    if (bindingConditions.length === 0) continue;
    const conditions = statusOf(result, status.devices)?.conditions;
    if (!conditions) return 'waiting';
    const isTrue = (type: string) => conditions.find((each) => each.type === type && each.status === 'True');
    for (const type of bindingFailureConditions) {
      const failed = isTrue(type);
      if (!failed) continue;
      const { reason, message } = failed;
      const what = `claim=${metadata.name}, reason=${reason}, message=${JSON.stringify(message)}`;
      return { failure: `device binding failed: ${what}` };
    }
    if (!bindingConditions.every(isTrue)) return 'waiting';
  }
  return 'ready';
}

export function hasBindingConditions({ status }: ResourceClaim): boolean {
  return (status?.allocation?.devices.results ?? []).some(({ bindingConditions }) => bindingConditions?.length);
}

/** Whether its devices have not become ready in time. */
export function isLate(claim: ResourceClaim, now: number, timeoutMs: number): boolean {
  const since = claim.status?.allocation?.allocationTimestamp;
  if (!since || !hasBindingConditions(claim)) return false;
  return Date.parse(String(since)) + timeoutMs < now;
}

function statusOf(
  { driver, pool, device, shareID }: DeviceRequestAllocationResult,
  devices: readonly AllocatedDeviceStatus[] = [],
): AllocatedDeviceStatus | undefined {
  return devices.find(
    (each) => each.driver === driver && each.pool === pool && each.device === device && each.shareID === shareID,
  );
}
