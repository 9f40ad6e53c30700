/** One device of a slice. Compare pkg/apis/resource/validation: validateDevice. */
import { semanticEqual } from '@keelson/api/codec/equality';
import { type ErrorList, invalid, notFound, type Path, required, tooLong } from '@keelson/api/field';
import type {
  Counter,
  Device,
  DeviceAttribute,
  DeviceCounterConsumption,
  NodeAllocatableResourceMapping,
} from '@keelson/api/generated/types/resource/v1';
import { Quantity } from '@keelson/api/quantity';
import { isNativeResource } from '@keelson/api/resources/names';
import { nameIsDNSSubdomain } from '@keelson/api/validation/names';
import { invalidFor } from '../../validation/fields.ts';
import { internalValue } from '../../validation/internal.ts';
import { validateNodeSelector } from '../../validation/nodeselector.ts';
import { parseSemver } from '../../validation/semver.ts';
import { validateList, validateMap, validateSet } from '../collections.ts';
import { validateBindingConditions } from '../devices.ts';
import { MAX_QUALIFIED_NAME, validateLabel, validateQualifiedName } from '../names.ts';
import { validateTaint } from '../taints.ts';
import { validateCapacity } from './capacity.ts';

const MAX_ATTRIBUTES_AND_CAPACITIES = 32;
const MAX_ATTRIBUTE_VALUES = 48;
const MAX_ATTRIBUTE_VALUE = 64;
const MAX_TAINTS = 16;
const MAX_COUNTERS = 32;
const MAX_COUNTER = 63;
const MAX_CONSUMPTIONS = 2;
const UNBOUNDED = Number.POSITIVE_INFINITY;

/**
 * @param old the device of the same name before an update: its taints are not looked at again
 * @param selectsNodes each device of the slice says for itself which nodes it is for
 */
export function validateDevice(device: Device, old: Device | undefined, selectsNodes: boolean, path: Path): ErrorList {
  const { attributes, capacity, taints } = device;
  const shareable = device.allowMultipleAllocations === true;
  return [
    ...validateLabel(device.name, path.child('name')),
    ...validateAmounts(device, path),
    ...validateMap(
      attributes,
      UNBOUNDED,
      MAX_QUALIFIED_NAME,
      validateQualifiedName,
      validateAttribute,
      path.child('attributes'),
    ),
    ...validateMap(
      capacity,
      UNBOUNDED,
      MAX_QUALIFIED_NAME,
      validateQualifiedName,
      (c, p) => validateCapacity(c, shareable, p),
      path.child('capacity'),
    ),
    ...(old && semanticEqual(old.taints, taints)
      ? []
      : validateList(taints, MAX_TAINTS, (taint, at) => validateTaint(taint, at), path.child('taints'))),
    ...validateSet(
      device.consumesCounters,
      MAX_CONSUMPTIONS,
      validateConsumption,
      ({ counterSet }) => counterSet,
      path.child('consumesCounters'),
    ),
    ...validateNodes(device, selectsNodes, path),
    ...validateBindingConditions(device, path),
    ...validateMappings(device, path.child('nodeAllocatableResourceMappings')),
  ];
}

function validateAmounts({ attributes = {}, capacity = {} }: Device, path: Path): ErrorList {
  const errors: ErrorList = [];
  const names = Object.keys(attributes).length + Object.keys(capacity).length;
  if (names > MAX_ATTRIBUTES_AND_CAPACITIES) {
    const rule = `the total number of attributes and capacities must not exceed ${MAX_ATTRIBUTES_AND_CAPACITIES}`;
    errors.push(invalid(path, names, rule));
  }
  const values = Object.values(attributes).reduce((sum, attribute) => sum + (listedValues(attribute) || 1), 0);
  if (values > MAX_ATTRIBUTE_VALUES)
    errors.push(invalid(path, values, `the total number of attribute values must not exceed ${MAX_ATTRIBUTE_VALUES}`));
  return errors;
}

function listedValues({ bools, ints, strings, versions }: DeviceAttribute): number {
  return [bools, ints, strings, versions].reduce((sum, list) => sum + (list?.length ?? 0), 0);
}

function validateAttribute(attribute: DeviceAttribute, path: Path): ErrorList {
  const { string, version, strings = [], versions = [] } = attribute;
  const errors = [
    ...(string === undefined ? [] : validateString(string, path.child('string'))),
    ...(version === undefined ? [] : validateVersion(version, path.child('version'))),
  ];
  for (const key of ['bools', 'ints', 'strings', 'versions'] as const) {
    if (attribute[key]?.length === 0) errors.push(invalid(path.child(key), [], 'must not be empty if specified'));
    if (key === 'strings') errors.push(...strings.flatMap((s, i) => validateString(s, path.child(key).index(i))));
    if (key === 'versions') errors.push(...versions.flatMap((v, i) => validateVersion(v, path.child(key).index(i))));
  }
  const given = Object.values(attribute).filter((value) => value !== undefined).length;
  if (given === 1) return errors;
  const shown = given === 0 ? '' : internalValue('io.k8s.api.resource.v1.DeviceAttribute', attribute);
  return [...errors, invalid(path, shown, 'exactly one value must be specified')];
}

function validateString(value: string, path: Path): ErrorList {
  return Buffer.byteLength(value) > MAX_ATTRIBUTE_VALUE ? [tooLong(path, MAX_ATTRIBUTE_VALUE)] : [];
}

function validateVersion(value: string, path: Path): ErrorList {
  const problem = 'must be a string compatible with semver.org spec 2.0.0';
  return [...(parseSemver(value) ? [] : [invalid(path, value, problem)]), ...validateString(value, path)];
}

function validateConsumption({ counterSet, counters }: DeviceCounterConsumption, path: Path): ErrorList {
  const at = path.child('counterSet');
  return [
    ...(counterSet === '' ? [required(at)] : validateLabel(counterSet, at)),
    ...validateCounters(counters, path.child('counters')),
  ];
}

/** The counters of a set, or those that a device uses of one. Any amount goes. */
export function validateCounters(counters: Record<string, Counter> | undefined, path: Path): ErrorList {
  if (!counters || Object.keys(counters).length === 0) return [required(path)];
  return validateMap(counters, MAX_COUNTERS, MAX_COUNTER, validateLabel, () => [], path);
}

function validateNodes({ nodeName, nodeSelector, allNodes }: Device, selectsNodes: boolean, path: Path): ErrorList {
  if (!selectsNodes) {
    if (nodeName === undefined && nodeSelector === undefined && allNodes === undefined) return [];
    const problem =
      '`nodeName`, `nodeSelector` and `allNodes` can only be set if `perDeviceNodeSelection` is set to true in the ResourceSlice spec';
    return [invalid(path, null, problem)];
  }
  const errors: ErrorList = [];
  const given: string[] = [];
  if (nodeName) {
    given.push('`nodeName`');
    errors.push(...invalidFor(path.child('nodeName'), nodeName, nameIsDNSSubdomain(nodeName, false)));
  } else if (nodeName === '') {
    errors.push(invalid(path.child('nodeName'), '', 'must not be empty'));
  }
  if (nodeSelector) {
    given.push('`nodeSelector`');
    errors.push(...validateNodeSelector(nodeSelector, false, path.child('nodeSelector')));
  }
  if (allNodes) given.push('`allNodes`');
  else if (allNodes === false)
    errors.push(invalid(path.child('allNodes'), false, 'must be either unset or set to true'));
  const rule =
    'exactly one of `nodeName`, `nodeSelector`, or `allNodes` is required when `perDeviceNodeSelection` is set to true in the ResourceSlice spec';
  if (given.length === 0) errors.push(required(path, rule));
  if (given.length > 1) errors.push(invalid(path, `{${given.join(', ')}}`, rule));
  return errors;
}

function validateMappings(
  { nodeAllocatableResourceMappings: mappings = {}, capacity = {} }: Device,
  path: Path,
): ErrorList {
  return Object.entries(mappings).flatMap(([name, mapping]) => {
    const at = path.key(name);
    return [
      ...(isNativeResource(name) ? [] : [invalid(at, name, 'must be a node allocatable resource name')]),
      ...validateMapping(mapping, capacity, at),
    ];
  });
}

function validateMapping(
  { allocationMultiplier: multiplier, capacityKey }: NodeAllocatableResourceMapping,
  capacity: Readonly<Record<string, unknown>>,
  path: Path,
): ErrorList {
  if (multiplier === undefined && capacityKey === undefined)
    return [invalid(path, '', 'at least one of allocationMultiplier or capacityKey must be set')];
  const errors: ErrorList = [];
  if (multiplier !== undefined && Quantity.parse(multiplier).sign() <= 0)
    errors.push(invalid(path.child('allocationMultiplier'), multiplier, 'must be positive'));
  const at = path.child('capacityKey');
  if (capacityKey === '') errors.push(invalid(at, '', 'capacityKey must not be an empty string'));
  else if (capacityKey !== undefined && !Object.hasOwn(capacity, capacityKey)) errors.push(notFound(at, capacityKey));
  return errors;
}
