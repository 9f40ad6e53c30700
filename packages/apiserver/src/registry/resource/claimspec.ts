/** What claims and templates of claims have in common. Compare pkg/apis/resource/v1/defaults.go. */
import type {
  DeviceSubRequest,
  DeviceToleration,
  ExactDeviceRequest,
  ResourceClaimSpec,
} from '@keelson/api/generated/types/resource/v1';

const EXACT_COUNT = 'ExactCount';

export function defaultClaimSpec({ devices }: ResourceClaimSpec): void {
  for (const { exactly, firstAvailable } of devices.requests ?? []) {
    for (const request of [exactly, ...(firstAvailable ?? [])]) if (request) defaultRequest(request);
  }
}

function defaultRequest(request: ExactDeviceRequest | DeviceSubRequest): void {
  request.allocationMode ||= EXACT_COUNT;
  if (request.allocationMode === EXACT_COUNT) request.count ||= 1;
  defaultTolerations(request.tolerations);
}

export function defaultTolerations(tolerations: readonly DeviceToleration[] | null | undefined): void {
  for (const toleration of tolerations ?? []) toleration.operator ||= 'Equal';
}
