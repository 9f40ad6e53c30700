/** What claims and templates of claims have in common. Compare pkg/apis/resource/v1/defaults.go. */
import type {
  DeviceSubRequest,
  DeviceToleration,
  ExactDeviceRequest,
  ResourceClaimSpec,
} from '@keelson/api/generated/types/resource/v1';

import type { ResourceClaimSpec as BetaSpec } from '@keelson/api/generated/types/resource/v1beta1';
import { fieldsOf, type GatedFields } from '../gatedfields.ts';

/** What a claim asks for, each alternative by itself. */
export const requestsOf = ({ devices }: ResourceClaimSpec) =>
  (devices.requests ?? []).flatMap(({ exactly, firstAvailable }) => [
    ...(exactly ? [exactly] : []),
    ...(firstAvailable ?? []),
  ]);

/** What of a claim's spec is there by feature gates alone (pkg/api/resourceclaimspec). */
export const SPEC_FIELDS: readonly GatedFields<ResourceClaimSpec>[] = [
  ['DRAPrioritizedList', fieldsOf(({ devices }) => devices.requests ?? [], 'firstAvailable')],
  ['DRADeviceTaints', fieldsOf(requestsOf, 'tolerations')],
  [
    'DRAConsumableCapacity',
    fieldsOf(({ devices }) => devices.constraints ?? [], 'distinctAttribute'),
    fieldsOf(requestsOf, 'capacity'),
  ],
];

const EXACT_COUNT = 'ExactCount';

export function defaultClaimSpec({ devices }: ResourceClaimSpec | BetaSpec): void {
  for (const request of devices.requests ?? []) {
    // In v1beta1 a request has these fields itself.
    const exactly = 'deviceClassName' in request ? (request.deviceClassName ? request : undefined) : request.exactly;
    for (const one of [exactly, ...(request.firstAvailable ?? [])]) if (one) defaultRequest(one);
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
