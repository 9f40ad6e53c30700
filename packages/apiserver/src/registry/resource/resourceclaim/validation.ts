/** Compare pkg/apis/resource/validation: ValidateResourceClaim, ValidateResourceClaimStatusUpdate. */

import { semanticEqual } from '@keelson/api/codec/equality';
import { type ErrorList, forbidden, invalid, notSupported, Path, required, tooLong, tooMany } from '@keelson/api/field';
import type {
  AllocatedDeviceStatus,
  AllocationResult,
  DeviceAllocationConfiguration,
  DeviceRequestAllocationResult,
  NetworkDeviceData,
  ResourceClaim,
  ResourceClaimConsumerReference,
} from '@keelson/api/generated/types/resource/v1';
import { structType } from '@keelson/api/schema';
import { validateConditions } from '../../validation/conditions.ts';
import { internalValue } from '../../validation/internal.ts';
import { validateInterfaceAddress } from '../../validation/ip.ts';
import { validateNodeSelector } from '../../validation/nodeselector.ts';
import { validateList, validateSet } from '../collections.ts';
import {
  MAX_CONFIG,
  type RequestNames,
  requestNames,
  validateClaimSpec,
  validateRequestRef,
  validateRequestRefs,
} from '../deviceclaim.ts';
import { validateBindingConditions, validateConfiguration, validateRawObject } from '../devices.ts';
import { validateDriverName, validateLabel, validatePoolName, validateUID } from '../names.ts';
import { deviceId, shownDeviceId } from './deviceid.ts';

const ALLOCATION_TYPE = structType('io.k8s.api.resource.v1.AllocationResult');
const SPEC_TYPE = structType('io.k8s.api.resource.v1.ResourceClaimSpec');
const MAX_RESERVED_FOR = 256;
const MAX_RESULTS = 32;
const MAX_CONDITIONS = 8;
const MAX_IPS = 16;
const MAX_INTERFACE_NAME = 256;
const MAX_HARDWARE_ADDRESS = 128;
const IMMUTABLE = 'field is immutable';

export function validateClaim({ spec }: ResourceClaim): ErrorList {
  return validateClaimSpec(spec, Path.of('spec'));
}

export function validateClaimUpdate(obj: ResourceClaim, old: ResourceClaim): ErrorList {
  if (semanticEqual(obj.spec, old.spec, SPEC_TYPE)) return [];
  return [invalid(Path.of('spec'), internalValue(SPEC_TYPE.name, obj.spec), IMMUTABLE)];
}

export function validateClaimStatusUpdate({ metadata, spec, status }: ResourceClaim, old: ResourceClaim): ErrorList {
  const path = Path.of('status');
  const reserved = path.child('reservedFor');
  const allocated = new Set((status.allocation?.devices?.results ?? []).map(deviceId));
  return [
    ...validateSet(status.reservedFor, MAX_RESERVED_FOR, validateConsumer, ({ uid }) => uid, reserved),
    ...validateSet(
      status.devices,
      Number.POSITIVE_INFINITY,
      (device, p) => validateDeviceStatus(device, allocated, p),
      deviceId,
      path.child('devices'),
      shownDeviceId,
    ),
    ...validateReservation(status, old.status, metadata.deletionTimestamp !== undefined, reserved),
    ...validateAllocation(
      status.allocation,
      old.status.allocation,
      requestNames(spec.devices),
      path.child('allocation'),
    ),
  ];
}

function validateConsumer(consumer: ResourceClaimConsumerReference, path: Path): ErrorList {
  return (['resource', 'name', 'uid'] as const).flatMap((key) => (consumer[key] ? [] : [required(path.child(key))]));
}

/** Only what is allocated is reserved, and nothing more of it once it is to be given back. */
function validateReservation(
  status: ResourceClaim['status'],
  old: ResourceClaim['status'],
  deleted: boolean,
  path: Path,
): ErrorList {
  if (!status.reservedFor?.length) return [];
  if (!status.allocation) return [forbidden(path, 'may not be specified when `allocated` is not set')];
  const isOld = (consumer: ResourceClaimConsumerReference) =>
    old.reservedFor?.some((other) => semanticEqual(consumer, other)) ?? false;
  if (!deleted || status.reservedFor.every(isOld)) return [];
  const problem = 'new entries may not be added while `deallocationRequested` or `deletionTimestamp` are set';
  return [forbidden(path, problem)];
}

/** What is allocated may go, not change; what is unchanged is not looked at again. */
function validateAllocation(
  allocation: AllocationResult | undefined,
  old: AllocationResult | undefined,
  names: RequestNames,
  path: Path,
): ErrorList {
  if (!allocation) return [];
  if (old) {
    if (semanticEqual(allocation, old, ALLOCATION_TYPE)) return [];
    return [invalid(path, internalValue(ALLOCATION_TYPE.name, allocation), IMMUTABLE)];
  }
  const { devices, nodeSelector } = allocation;
  const at = path.child('devices');
  return [
    ...validateList(devices?.results, MAX_RESULTS, (r, p) => validateResult(r, names, p), at.child('results')),
    // Those of the class and those of the claim.
    ...validateList(devices?.config, 2 * MAX_CONFIG, (c, p) => validateConfig(c, names, p), at.child('config')),
    ...(nodeSelector ? validateNodeSelector(nodeSelector, false, path.child('nodeSelector')) : []),
  ];
}

function validateResult(result: DeviceRequestAllocationResult, names: RequestNames, path: Path): ErrorList {
  return [
    ...validateRequestRef(result.request, names, path.child('request')),
    ...validateDriverName(result.driver, path.child('driver')),
    ...validatePoolName(result.pool, path.child('pool')),
    ...validateLabel(result.device, path.child('device')),
    ...validateBindingConditions(result, path),
    ...(result.shareID === undefined ? [] : validateUID(result.shareID, path.child('shareID'))),
  ];
}

const SOURCES = ['FromClaim', 'FromClass'];

function validateConfig(config: DeviceAllocationConfiguration, names: RequestNames, path: Path): ErrorList {
  const at = path.child('source');
  const { source } = config;
  const errors: ErrorList = [];
  if (source === '') errors.push(required(at));
  else if (!SOURCES.includes(source)) errors.push(notSupported(at, source, SOURCES));
  return [
    ...errors,
    ...validateRequestRefs(config.requests, names, path.child('requests')),
    ...validateConfiguration(config, false, path),
  ];
}

function validateDeviceStatus(device: AllocatedDeviceStatus, allocated: ReadonlySet<string>, path: Path): ErrorList {
  const { conditions, data, networkData } = device;
  const at = path.child('conditions');
  const errors = [
    ...validateDriverName(device.driver, path.child('driver')),
    ...validatePoolName(device.pool, path.child('pool')),
    ...validateLabel(device.device, path.child('device')),
    ...(device.shareID === undefined ? [] : validateUID(device.shareID, path.child('shareID'))),
  ];
  if (!allocated.has(deviceId(device)))
    errors.push(invalid(path, shownDeviceId(device), 'must be an allocated device in the claim'));
  if (conditions && conditions.length > MAX_CONDITIONS) errors.push(tooMany(at, conditions.length, MAX_CONDITIONS));
  return [
    ...errors,
    ...validateConditions(conditions, at),
    ...(data === undefined || data === null ? [] : validateRawObject(data, false, path.child('data'))),
    ...(networkData ? validateNetworkData(networkData, path.child('networkData')) : []),
  ];
}

function validateNetworkData(
  { interfaceName = '', hardwareAddress = '', ips }: NetworkDeviceData,
  path: Path,
): ErrorList {
  const errors: ErrorList = [];
  if (Buffer.byteLength(interfaceName) > MAX_INTERFACE_NAME)
    errors.push(tooLong(path.child('interfaceName'), MAX_INTERFACE_NAME));
  if (Buffer.byteLength(hardwareAddress) > MAX_HARDWARE_ADDRESS)
    errors.push(tooLong(path.child('hardwareAddress'), MAX_HARDWARE_ADDRESS));
  return [
    ...errors,
    ...validateSet(
      ips,
      MAX_IPS,
      (ip, p) => validateInterfaceAddress(p, ip),
      (ip) => ip,
      path.child('ips'),
    ),
  ];
}
