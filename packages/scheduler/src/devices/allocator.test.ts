import type { Device, ResourceClaim, ResourceSlice } from '@keelson/api/generated/types/resource/v1';
import { describe, expect, it } from 'vitest';
import { exactly, makeClaim, makeClass, makeDevice, makeSlice } from '../testing/devices.ts';
import { makeNode } from '../testing/objects.ts';
import { type Allocated, Allocator } from './allocator.ts';
import { quantity } from './capacity.ts';
import { Pools } from './pools.ts';
import { Selectors } from './selectors.ts';

const nobody: Allocated = { devices: new Set(), shares: new Map() };
const classes = new Map(
  [
    makeClass('gpu'),
    makeClass('big', "device.capacity['gpu.example.com'].memory.compareTo(quantity('40Gi')) >= 0"),
  ].map((each) => [each.metadata.name, each]),
);

interface Parts {
  readonly slices: ResourceSlice[];
  readonly claims: ResourceClaim[];
  readonly node?: string;
  readonly allocated?: Allocated;
  readonly steps?: number;
}

function allocate({ slices, claims, node = 'n', allocated = nobody, steps = 10_000 }: Parts) {
  const parts = { classes: (name: string) => classes.get(name), selectors: new Selectors(), allocated, steps };
  return new Allocator(claims, { ...parts, pools: new Pools(slices) }).allocate(
    makeNode(node, { labels: { zone: 'a' } }),
  );
}

/** By claim: each device that it gets, with the request. */
function devices(parts: Parts) {
  const found = allocate(parts);
  if (typeof found === 'string') return found;
  return found.map((each) =>
    (each.devices.results ?? []).map(({ request, device }) => `${request}=${device}`).join(' '),
  );
}

const memory = (value: string) => ({ capacity: { memory: { value } } });
const model = (string: string) => ({ attributes: { model: { string } } });
const ab = [makeDevice('a', model('x')), makeDevice('b', model('y'))];

describe('requests', () => {
  it('get devices of the node in their order, each once', () => {
    const slices = [makeSlice('n', ab), makeSlice('other', [makeDevice('c')])];
    const [one, two] = [makeClaim('one', [exactly('r')]), makeClaim('two', [exactly('r')])];
    expect(devices({ slices, claims: [one, two] })).toEqual(['r=a', 'r=b']);
    expect(devices({ slices, claims: [makeClaim('both', [exactly('r', { count: 2 })])] })).toEqual(['r=a r=b']);
    expect(devices({ slices, claims: [makeClaim('three', [exactly('r', { count: 3 })])] })).toBe('none');
    expect(devices({ slices, claims: [one], node: 'other' })).toEqual(['r=c']);
    const allocated = { ...nobody, devices: new Set(['gpu.example.com/n/a']) };
    expect(devices({ slices, claims: [one], allocated })).toEqual(['r=b']);
    const all = exactly('r', { allocationMode: 'All' });
    expect(devices({ slices, claims: [makeClaim('all', [all])] })).toEqual(['r=a r=b']);
    expect(devices({ slices, claims: [makeClaim('all', [all])], allocated })).toBe('none');
    expect(devices({ slices, claims: [makeClaim('all', [all])], node: 'bare' })).toBe('none');
    const admin = exactly('r', { allocationMode: 'All', adminAccess: true });
    expect(devices({ slices, claims: [makeClaim('all', [admin])], allocated })).toEqual(['r=a r=b']);
  });

  it('are for devices that selectors of the class and their own take', () => {
    const slices = [makeSlice('n', [makeDevice('s', memory('16Gi')), makeDevice('l', memory('80Gi'))])];
    const big = (expression: string) =>
      makeClaim('c', [exactly('r', { deviceClassName: 'big', selectors: [{ cel: { expression } }] })]);
    expect(devices({ slices, claims: [big('true')] })).toEqual(['r=l']);
    expect(devices({ slices, claims: [big("device.driver == 'other'")] })).toBe('none');
    const broken = [big("device.attributes['gpu.example.com'].nope == 1")];
    expect(() => allocate({ slices, claims: broken })).toThrow('claim default/c: selector #0: CEL runtime error');
    expect(() => allocate({ slices, claims: [big('device.')] })).toThrow('CEL compile error');
  });

  it('go back for others that have less choice', () => {
    const slices = [makeSlice('n', ab)];
    const expression = "device.attributes['gpu.example.com'].model == 'x'";
    const picky = exactly('picky', { selectors: [{ cel: { expression } }] });
    expect(devices({ slices, claims: [makeClaim('c', [exactly('any'), picky])] })).toEqual(['any=b picky=a']);
  });

  it('with alternatives get the first that can be had', () => {
    const want = (count: number, name: string) => ({ name, deviceClassName: 'gpu', count });
    const claim = makeClaim('c', [{ name: 'r', firstAvailable: [want(3, 'three'), want(2, 'two')] }]);
    expect(devices({ slices: [makeSlice('n', ab)], claims: [claim] })).toEqual(['r/two=a r/two=b']);
    const many = Array.from({ length: 40 }, (_, i) => makeDevice(`d${i}`));
    const two = makeClaim('c', [
      exactly('most', { count: 31 }),
      { name: 'r', firstAvailable: [want(2, 'two'), want(1, 'one')] },
    ]);
    const found = allocate({ slices: [makeSlice('n', many)], claims: [two] });
    expect((found as { devices: { results: unknown[] } }[])[0]!.devices.results).toHaveLength(32);
  });

  it('for more than a claim can have are refused, and long searches are given up', () => {
    const claims = [makeClaim('c', [exactly('r', { count: 33 })])];
    const message = 'claim default/c: number of requested devices 33 exceeds the claim limit of 32';
    expect(() => allocate({ slices: [makeSlice('n', ab)], claims })).toThrow(message);
    const many = Array.from({ length: 30 }, (_, i) => makeDevice(`d${i}`, model(`${i}`)));
    const constraints = [{ matchAttribute: 'gpu.example.com/model' }];
    const pairs = [makeClaim('c', [exactly('r', { count: 2 })], { constraints })];
    const slices = [makeSlice('n', many)];
    expect(() => allocate({ slices, claims: pairs, steps: 100 })).toThrow(
      'node n: timed out trying to allocate devices',
    );
    expect(allocate({ slices, claims: pairs })).toBe('none');
  });
});

describe('constraints', () => {
  const slices = [makeSlice('n', [...ab, makeDevice('c', model('y'))])];
  const two = (constraint: object) => [makeClaim('c', [exactly('r', { count: 2 })], { constraints: [constraint] })];
  it.each<[object, unknown]>([
    [{ matchAttribute: 'gpu.example.com/model' }, ['r=b r=c']],
    [{ distinctAttribute: 'gpu.example.com/model' }, ['r=a r=b']],
    [{ matchAttribute: 'gpu.example.com/nope' }, 'none'],
    [{ matchAttribute: 'gpu.example.com/nope', requests: ['other'] }, ['r=a r=b']],
  ])('%j', (constraint, found) => expect(devices({ slices, claims: two(constraint) })).toEqual(found));
});

describe('pools', () => {
  const claims = [makeClaim('c', [exactly('r')])];
  const pool = (more: object) => ({ pool: { name: 'n', generation: 1, resourceSliceCount: 1, ...more } });
  it('that are not complete or make no sense give nothing', () => {
    const incomplete = makeSlice('n', ab, pool({ resourceSliceCount: 2 }));
    expect(devices({ slices: [incomplete], claims })).toBe('none');
    const all = [makeClaim('c', [exactly('r', { allocationMode: 'All' })])];
    const what = 'claim default/c, request r: asks for all devices, but resource pool gpu.example.com/n is currently';
    expect(() => allocate({ slices: [incomplete], claims: all })).toThrow(`${what} being updated`);
    const twice = makeSlice('n', [ab[0]!, ab[0]!]);
    expect(devices({ slices: [twice], claims })).toBe('invalid resource pools were encountered');
    expect(() => allocate({ slices: [twice], claims: all })).toThrow(`${what} invalid`);
  });
  it('count in their newest generation', () => {
    const newer = makeSlice('n', [makeDevice('new')], pool({ generation: 2 }));
    expect(devices({ slices: [newer, makeSlice('n', ab)], claims })).toEqual(['r=new']);
  });
  it('can be reached from some nodes, all, or differ by device', () => {
    const anywhere = (more: object) => {
      const { nodeName: _, ...spec } = makeSlice('net', ab, more).spec;
      return [{ ...makeSlice('net', ab), spec }];
    };
    const zone = (value: string) => ({
      nodeSelectorTerms: [{ matchExpressions: [{ key: 'zone', operator: 'In', values: [value] }] }],
    });
    expect(allocate({ slices: anywhere({ allNodes: true }), claims })).not.toHaveProperty('0.nodeSelector');
    expect(allocate({ slices: anywhere({ nodeSelector: zone('a') }), claims })).toHaveProperty(
      '0.nodeSelector',
      zone('a'),
    );
    expect(devices({ slices: anywhere({ nodeSelector: zone('b') }), claims })).toBe('none');
    const own = [makeDevice('a', { nodeName: 'other' }), makeDevice('b', { nodeName: 'n' })];
    const each = anywhere({ perDeviceNodeSelection: true, devices: own });
    expect(devices({ slices: each, claims })).toEqual(['r=b']);
    const named = { nodeSelectorTerms: [{ matchFields: [{ key: 'metadata.name', operator: 'In', values: ['n'] }] }] };
    expect(allocate({ slices: each, claims })).toHaveProperty('0.nodeSelector', named);
  });
});

describe('devices', () => {
  const claim = (more: object = {}) => makeClaim('c', [exactly('r', more)]);
  it('with taints are for those that tolerate them', () => {
    const slices = [makeSlice('n', [makeDevice('a', { taints: [{ key: 'k', value: 'v', effect: 'NoSchedule' }] })])];
    expect(devices({ slices, claims: [claim()] })).toBe('none');
    expect(devices({ slices, claims: [claim({ tolerations: [{ key: 'k', value: 'v' }] })] })).toEqual(['r=a']);
    expect(devices({ slices, claims: [claim({ tolerations: [{ operator: 'Exists' }] })] })).toEqual(['r=a']);
    expect(devices({ slices, claims: [claim({ tolerations: [{ key: 'k', value: 'w' }] })] })).toBe('none');
  });

  it('that are parts of one share its counters', () => {
    const part = (name: string, value: string): Device =>
      makeDevice(name, { consumesCounters: [{ counterSet: 'card', counters: { memory: { value } } }] });
    const pool = { name: 'n', generation: 1, resourceSliceCount: 2 };
    const { devices: _, ...shared } = makeSlice('n', [], { pool }).spec;
    const sharedCounters = [{ name: 'card', counters: { memory: { value: '40Gi' } } }];
    const slices: ResourceSlice[] = [
      makeSlice('n', [part('half-0', '20Gi'), part('whole', '40Gi'), part('half-1', '20Gi')], { pool }),
      { ...makeSlice('counters', []), spec: { ...shared, sharedCounters } },
    ];
    expect(devices({ slices, claims: [claim({ count: 2 })] })).toEqual(['r=half-0 r=half-1']);
    expect(devices({ slices, claims: [claim({ count: 3 })] })).toBe('none');
    const allocated = { ...nobody, devices: new Set(['gpu.example.com/n/whole']) };
    expect(devices({ slices, claims: [claim()], allocated })).toBe('none');
  });

  it('that many share are given away by amounts', () => {
    const requestPolicy = { default: '1Gi', validRange: { min: '1Gi', step: '1Gi', max: '8Gi' } };
    const capacity = { memory: { value: '10Gi', requestPolicy } };
    const slices = [makeSlice('n', [makeDevice('a', { allowMultipleAllocations: true, capacity })])];
    const asking = (memory: string) => [claim({ capacity: { requests: { memory } } })];
    const allocated = { ...nobody, shares: new Map([['gpu.example.com/n/a', new Map([['memory', quantity('6Gi')]])]]) };
    const consumed = (found: unknown) => (found as { devices: { results: object[] } }[])[0]!.devices.results[0];
    expect(consumed(allocate({ slices, claims: asking('2500Mi'), allocated }))).toMatchObject({
      consumedCapacity: { memory: '3Gi' },
      shareID: expect.any(String),
    });
    expect(consumed(allocate({ slices, claims: [claim()], allocated }))).toMatchObject({
      consumedCapacity: { memory: '1Gi' },
    });
    expect(devices({ slices, claims: asking('5Gi'), allocated })).toBe('none');
    expect(devices({ slices, claims: asking('9Gi') })).toBe('none');
    expect(devices({ slices, claims: [claim({ capacity: { requests: { nope: '1' } } })] })).toBe('none');
    const both = [makeClaim('one', [exactly('r')]), makeClaim('two', [exactly('r')])];
    expect(devices({ slices, claims: both, allocated })).toEqual(['r=a', 'r=a']);
  });
});

it('the configuration of class and claim comes with the devices', () => {
  const opaque = (driver: string) => ({ opaque: { driver, parameters: {} } }) as never;
  classes.set('set', { ...makeClass('set'), spec: { config: [opaque('of-class')] } });
  const requests = [exactly('x', { deviceClassName: 'set' }), exactly('y', { deviceClassName: 'set' })];
  const config = [{ ...(opaque('all') as object) }, { requests: ['y'], ...(opaque('y') as object) }] as never;
  const claims = [makeClaim('c', requests, { config })];
  const found = allocate({ slices: [makeSlice('n', ab)], claims }) as { devices: { config: object[] } }[];
  expect(found[0]!.devices.config).toMatchObject([
    { source: 'FromClass', requests: ['x', 'y'], opaque: { driver: 'of-class' } },
    { source: 'FromClaim', opaque: { driver: 'all' } },
    { source: 'FromClaim', requests: ['y'], opaque: { driver: 'y' } },
  ]);
});
