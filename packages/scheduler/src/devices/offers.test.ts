import type { Device, ResourceSlice } from '@keelson/api/generated/types/resource/v1';
import { describe, expect, it } from 'vitest';
import type { Gate } from '../gates.ts';
import { exactly, makeClaim, makeDevice, makeSlice } from '../testing/devices.ts';
import { offered, whyDisabled } from './offers.ts';

const without = (gate?: Gate) => (each: Gate) => each !== gate;
const plain = makeDevice('plain');
const prepared = makeDevice('prepared', { bindingConditions: ['ready'], bindingFailureConditions: ['broken'] });
const tainted = makeDevice('tainted', { taints: [{ key: 'k', effect: 'NoSchedule' }] });
const shared = makeDevice('shared', { allowMultipleAllocations: true });
const devices = [plain, prepared, tainted, shared];
const partitioned = makeSlice('n', [], { sharedCounters: [{ name: 'c', counters: {} }] });
const anywhere = makeSlice('n', [], { perDeviceNodeSelection: true });

describe('what is offered', () => {
  it.each<[Gate | undefined, Device[]]>([
    [undefined, devices],
    ['DRADeviceBindingConditions', [plain, tainted, shared]],
    ['DRADeviceTaints', [plain, prepared, makeDevice('tainted'), shared]],
    ['DRAConsumableCapacity', [plain, prepared, tainted, makeDevice('shared')]],
    ['DRAPartitionableDevices', devices],
  ])('without %s', (gate, expected) => {
    const [slice] = [...offered([makeSlice('n', devices)], without(gate))];
    expect(slice!.spec.devices).toEqual(expected);
  });

  it.each<[Gate | undefined, ResourceSlice[]]>([
    [undefined, [partitioned, anywhere]],
    ['DRAPartitionableDevices', []],
  ])('of devices that share counters, without %s', (gate, expected) => {
    expect([...offered([partitioned, anywhere], without(gate))]).toEqual(expected);
  });
});

const capacity = { requests: { memory: '1Gi' } };
const alternatives = (more: object = {}) => ({
  name: 'r',
  firstAvailable: [{ name: 'best', deviceClassName: 'gpu', ...more }],
});

it.each<[string, Gate | undefined, string | undefined]>([
  ['alternatives', undefined, undefined],
  [
    'alternatives',
    'DRAPrioritizedList',
    'resource claim default/c, request r: has subrequests, but the DRAPrioritizedList feature is disabled',
  ],
  ['capacity', 'DRAPrioritizedList', undefined],
  [
    'capacity',
    'DRAConsumableCapacity',
    'claim default/c, request r: has capacity requests, but the DRAConsumableCapacity feature is disabled',
  ],
  [
    'alternatives with capacity',
    'DRAConsumableCapacity',
    'claim default/c, subrequest best: has capacity requests, but the DRAConsumableCapacity feature is disabled',
  ],
])('a claim for %s without %s', (what, gate, expected) => {
  const requests = {
    alternatives: alternatives(),
    capacity: exactly('r', { capacity }),
    'alternatives with capacity': alternatives({ capacity }),
  };
  expect(whyDisabled(makeClaim('c', [requests[what as keyof typeof requests]]), without(gate))).toBe(expected);
});
