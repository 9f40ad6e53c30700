/**
 * The shapes of v1beta1, where a request has the fields of `exactly` itself, and a device those that v1beta1 puts into
 * `basic`. Compare pkg/apis/resource/v1beta1/conversion.go.
 */

import type {
  Device,
  DeviceRequest,
  ResourceClaimSpec,
  ResourceSliceSpec,
} from '@keelson/api/generated/types/resource/v1';
import type {
  ResourceClaimSpec as BetaClaimSpec,
  Device as BetaDevice,
  DeviceRequest as BetaRequest,
  ResourceSliceSpec as BetaSliceSpec,
} from '@keelson/api/generated/types/resource/v1beta1';
import type { KubeObject } from '@keelson/api/object';
import type { VersionConversion } from '../strategy.ts';

/** The shapes that strategies know. */
export const STORED_AS = { group: 'resource.k8s.io', version: 'v1' } as const;

/** A conversion of the part of an object below `spec`, or `spec.spec`. */
export function convertsSpec<Stored, Beta>(
  toStored: (spec: Beta) => Stored,
  fromStored: (spec: Stored) => Beta,
  path: 'spec' | 'spec.spec' = 'spec',
): VersionConversion {
  const change = <A, B>(object: KubeObject, convert: (spec: A) => B): KubeObject => {
    if (path === 'spec') return { ...object, spec: convert(object.spec as A) };
    const outer = object.spec as { spec: A };
    return { ...object, spec: { ...outer, spec: convert(outer.spec) } };
  };
  return {
    toStorage: (object) => change(object, toStored),
    fromStorage: (object) => change(object, fromStored),
  };
}

export function claimToStored({ devices, ...rest }: BetaClaimSpec): ResourceClaimSpec {
  const requests = devices.requests?.map(requestToStored) ?? null;
  return { ...rest, devices: { ...devices, requests } };
}

export function claimFromStored({ devices, ...rest }: ResourceClaimSpec): BetaClaimSpec {
  const requests = devices.requests?.map(requestFromStored) ?? null;
  return { ...rest, devices: { ...devices, requests } };
}

function requestToStored({ name, firstAvailable, ...exactly }: BetaRequest): DeviceRequest {
  const isSet = Object.values(exactly).some((value) => value !== undefined && value !== '');
  return {
    name,
    ...(isSet && { exactly: { ...exactly, deviceClassName: exactly.deviceClassName ?? '' } }),
    ...(firstAvailable && { firstAvailable }),
  };
}

function requestFromStored({ name, exactly, firstAvailable }: DeviceRequest): BetaRequest {
  return { name, deviceClassName: '', ...exactly, ...(firstAvailable && { firstAvailable }) };
}

export function sliceToStored({ devices, ...rest }: BetaSliceSpec): ResourceSliceSpec {
  return { ...rest, ...(devices && { devices: devices.map(({ name, basic }): Device => ({ name, ...basic })) }) };
}

/** Empty names and `false` are not told from none there. */
export function sliceFromStored({ allNodes, devices, nodeName, ...rest }: ResourceSliceSpec): BetaSliceSpec {
  const where = { ...(nodeName && { nodeName }), ...(allNodes && { allNodes }) };
  return {
    ...where,
    ...rest,
    ...(devices && { devices: devices.map(({ name, ...basic }): BetaDevice => ({ name, basic })) }),
  };
}
