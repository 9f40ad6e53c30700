/** Compare pkg/apis/resource/validation: ValidateResourceSlice. */
import { type ErrorList, invalid, Path, required } from '@keelson/api/field';
import type {
  CounterSet,
  Device,
  ResourcePool,
  ResourceSlice,
  ResourceSliceSpec,
} from '@keelson/api/generated/types/resource/v1';
import { nameIsDNSSubdomain } from '@keelson/api/validation/names';
import { immutableField, immutableName, invalidFor } from '../../validation/fields.ts';
import { internalList } from '../../validation/internal.ts';
import { validateNodeSelector } from '../../validation/nodeselector.ts';
import { validateSet } from '../collections.ts';
import { validateDriverName, validateLabel, validatePoolName } from '../names.ts';
import { validateCounters, validateDevice } from './device.ts';

const MAX_DEVICES = 128;
/** Where devices have taints, counters or lists as attributes. */
const MAX_ADVANCED_DEVICES = 64;
const MAX_COUNTER_SETS = 8;
const SPEC = Path.of('spec');

/** @param old the slice before an update */
export function validateSlice({ spec }: ResourceSlice, old?: ResourceSlice): ErrorList {
  const oldDevices = new Map((old?.spec.devices ?? []).toReversed().map((device) => [device.name, device]));
  const errors = [
    ...validateDriverName(spec.driver, SPEC.child('driver')),
    ...validatePool(spec.pool, SPEC.child('pool')),
    ...(old ? validateIdentity(spec, old.spec) : []),
    ...validateNodes(spec),
  ];
  if (spec.sharedCounters && spec.devices)
    errors.push(invalid(SPEC, '', 'only one of `sharedCounters` or `devices` is allowed'));
  return [
    ...errors,
    ...validateSet(
      spec.devices,
      spec.devices?.some(isAdvanced) ? MAX_ADVANCED_DEVICES : MAX_DEVICES,
      (device, p) => validateDevice(device, oldDevices.get(device.name), spec.perDeviceNodeSelection === true, p),
      ({ name }) => name,
      SPEC.child('devices'),
    ),
    ...validateSet(
      spec.sharedCounters,
      MAX_COUNTER_SETS,
      validateCounterSet,
      ({ name }) => name,
      SPEC.child('sharedCounters'),
    ),
  ];
}

function validateIdentity(spec: ResourceSliceSpec, old: ResourceSliceSpec): ErrorList {
  return [
    ...immutableField(spec.pool.name, old.pool.name, SPEC.child('pool', 'name')),
    ...immutableField(spec.driver, old.driver, SPEC.child('driver')),
    ...immutableName(spec.nodeName, old.nodeName, SPEC.child('nodeName')),
  ];
}

function validatePool({ name, resourceSliceCount, generation }: ResourcePool, path: Path): ErrorList {
  const errors = validatePoolName(name, path.child('name'));
  if (resourceSliceCount <= 0)
    errors.push(invalid(path.child('resourceSliceCount'), resourceSliceCount, 'must be greater than zero'));
  if (generation < 0)
    errors.push(invalid(path.child('generation'), generation, 'must be greater than or equal to zero'));
  return errors;
}

/** Which nodes the devices can be used from. */
function validateNodes({ nodeName, nodeSelector, allNodes, perDeviceNodeSelection }: ResourceSliceSpec): ErrorList {
  const errors: ErrorList = [];
  const given: string[] = [];
  if (nodeName) {
    given.push('`nodeName`');
    errors.push(...invalidFor(SPEC.child('nodeName'), nodeName, nameIsDNSSubdomain(nodeName, false)));
  } else if (nodeName === '') {
    errors.push(invalid(SPEC.child('nodeName'), '', 'must be either unset or set to a non-empty string'));
  }
  if (nodeSelector) {
    const { nodeSelectorTerms: terms } = nodeSelector;
    given.push('`nodeSelector`');
    errors.push(...validateNodeSelector(nodeSelector, false, SPEC.child('nodeSelector')));
    if (terms?.length !== 1) {
      const shown = internalList('io.k8s.api.core.v1.NodeSelectorTerm', terms);
      const at = SPEC.child('nodeSelector', 'nodeSelectorTerms');
      errors.push(invalid(at, shown, 'must have exactly one node selector term'));
    }
  }
  for (const [key, value] of Object.entries({ allNodes, perDeviceNodeSelection })) {
    if (value) given.push(`\`${key}\``);
    else if (value === false) errors.push(invalid(SPEC.child(key), false, 'must be either unset or set to true'));
  }
  const rule = 'exactly one of `nodeName`, `nodeSelector`, `allNodes`, `perDeviceNodeSelection` is required';
  if (given.length === 0) errors.push(required(SPEC, rule));
  if (given.length > 1) errors.push(invalid(SPEC, `{${given.join(', ')}}`, `${rule}, but multiple fields are set`));
  return errors;
}

function isAdvanced({ taints, consumesCounters, attributes }: Device): boolean {
  if (taints?.length || consumesCounters?.length) return true;
  return Object.values(attributes ?? {}).some(({ bools, ints, strings, versions }) =>
    [bools, ints, strings, versions].some((list) => list !== undefined),
  );
}

function validateCounterSet({ name, counters }: CounterSet, path: Path): ErrorList {
  const at = path.child('name');
  return [
    ...(name === '' ? [required(at)] : validateLabel(name, at)),
    ...validateCounters(counters, path.child('counters')),
  ];
}
