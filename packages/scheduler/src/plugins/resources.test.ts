import type { Pod } from '@keelson/api/generated/types/core/v1';
import { describe, expect, it } from 'vitest';
import { defaultArgs } from '../config/defaults.ts';
import type { NodeResourcesBalancedAllocationArgs, NodeResourcesFitArgs } from '../config/types.ts';
import { helps, TestCluster } from '../testing/cluster.ts';
import { driver, exactly, makeClaim, makeClass, makeClassOf, makeDevice, makeSlice } from '../testing/devices.ts';
import { container, makeNode, makePod } from '../testing/objects.ts';
import { nodeResourcesBalancedAllocation } from './node-resources-balanced-allocation.ts';
import { nodeResourcesFit } from './node-resources-fit.ts';

const args = defaultArgs.NodeResourcesFit as NodeResourcesFitArgs;
type Requests = Record<string, string>;
const on = (node: string, requests: Requests, name = 'there'): Pod =>
  makePod(name, { requests, spec: { nodeName: node, containers: [container(requests)] } });

describe('NodeResourcesFit', () => {
  const gpu = 'example.com/gpu';
  it.each<[string, Requests, Requests, string]>([
    ['nothing asked for', { cpu: '4' }, {}, ''],
    ['room', { cpu: '3' }, { cpu: '1', memory: '8Gi' }, ''],
    ['too little left', { cpu: '3' }, { cpu: '1001m' }, 'Insufficient cpu'],
    ['more than there is', {}, { cpu: '5' }, '!Insufficient cpu'],
    ['several', { cpu: '4', memory: '8Gi' }, { cpu: '1', memory: '1' }, 'Insufficient cpu, Insufficient memory'],
    ['storage', {}, { 'ephemeral-storage': '1' }, '!Insufficient ephemeral-storage'],
    ['devices', { [gpu]: '1' }, { [gpu]: '2' }, `Insufficient ${gpu}`],
    ['devices that are not there', {}, { 'example.com/other': '1' }, '!Insufficient example.com/other'],
    ['none of a device', {}, { 'example.com/other': '0' }, ''],
    ['huge pages', {}, { 'hugepages-2Mi': '2Mi' }, '!Insufficient hugepages-2Mi'],
  ])('%s', (_, used, requests, reason) => {
    const cluster = new TestCluster([makeNode('n', { allocatable: { [gpu]: '2' } })], [on('n', used)]);
    expect(cluster.filter(nodeResourcesFit(args, cluster.context), makePod('p', { requests }))).toEqual(
      reason ? { n: reason } : {},
    );
  });

  it('counts pods', () => {
    const cluster = new TestCluster([makeNode('n', { allocatable: { pods: '1' } })], [on('n', {})]);
    expect(cluster.filter(nodeResourcesFit(args, cluster.context), makePod('p', { requests: { cpu: '5' } }))).toEqual({
      n: '!Too many pods, Insufficient cpu',
    });
  });

  it('leaves out what others look after', () => {
    const cluster = new TestCluster([makeNode('n')]);
    const pod = makePod('p', { requests: { 'example.com/a': '1', 'other.com/b': '1' } });
    const ignoring = { ...args, ignoredResources: ['example.com/a'] };
    expect(cluster.filter(nodeResourcesFit(ignoring, cluster.context), pod)).toEqual({
      n: '!Insufficient other.com/b',
    });
    expect(
      cluster.filter(nodeResourcesFit({ ...ignoring, ignoredResourceGroups: ['other.com'] }, cluster.context), pod),
    ).toEqual({});
  });

  it('leaves to devices what a node does not have by itself and a class stands behind', () => {
    const own = makeNode('own', { allocatable: { [gpu]: '1' } });
    const cluster = new TestCluster([own, makeNode('none', { allocatable: { [gpu]: '0' } }), makeNode('devices')]);
    const plugin = nodeResourcesFit(args, cluster.context);
    const pod = makePod('p', { requests: { [gpu]: '2' } });
    const short = `!Insufficient ${gpu}`;
    expect(cluster.filter(plugin, pod)).toEqual({ own: short, none: short, devices: short });
    cluster.put('deviceclasses.resource.k8s.io', makeClassOf(gpu, 'c'));
    expect(cluster.filter(plugin, pod)).toEqual({ own: short });
    expect(helps(plugin, pod, undefined, makeNode('n'), 1)).toBe(true);
    expect(helps(plugin, pod, makeNode('n'), makeNode('n'), 1)).toBe(true);
    const implicit = makePod('q', { requests: { 'deviceclass.resource.kubernetes.io/c': '2' } });
    expect(cluster.filter(plugin, implicit)).toEqual({});
  });

  it('what helps', () => {
    const plugin = nodeResourcesFit(args, new TestCluster().context);
    const pod = makePod('p', { requests: { cpu: '5' } });
    const [small, large] = [makeNode('n'), makeNode('n', { allocatable: { cpu: '8' } })];
    expect(helps(plugin, pod, small, large, 1)).toBe(true);
    expect(helps(plugin, pod, undefined, large, 1)).toBe(true);
    expect(helps(plugin, pod, undefined, small, 1)).toBe(false);
    expect(helps(plugin, pod, large, large, 1)).toBe(false);
    expect(helps(plugin, pod, on('n', {}), undefined)).toBe(true);
    expect(helps(plugin, pod, makePod('unscheduled'), undefined)).toBe(false);
    expect(helps(plugin, pod, on('n', { cpu: '2' }), on('n', { cpu: '1' }))).toBe(true);
    expect(helps(plugin, pod, on('n', { memory: '2' }), on('n', { memory: '1' }))).toBe(false);
  });

  it.each<[string, boolean, string | undefined, string | undefined, string]>([
    ['a class that stands behind it', true, undefined, gpu, gpu],
    ['a class of another resource', false, undefined, 'example.com/other', gpu],
    ['the class that it names', true, undefined, undefined, 'deviceclass.resource.kubernetes.io/c'],
    ['a class that comes to stand behind it', true, '', gpu, gpu],
    ['another change of the class', false, gpu, gpu, gpu],
  ])('%s helps: %s', (_, expected, before, after, resource) => {
    const plugin = nodeResourcesFit(args, new TestCluster().context);
    const named = (name?: string) => (name ? makeClassOf(name, 'c') : makeClass('c'));
    const pod = makePod('p', { requests: { [resource]: '1' } });
    const old = before === undefined ? undefined : named(before);
    expect(helps(plugin, pod, old, named(after), 2)).toBe(expected);
  });

  const resources = [
    { name: 'cpu', weight: 1 },
    { name: 'memory', weight: 1 },
  ];
  const nodes = [makeNode('empty'), makeNode('half'), makeNode('full')];
  const used = [on('half', { cpu: '2', memory: '4Gi' }), on('full', { cpu: '4', memory: '8Gi' }, 'b')];
  it.each<[string, NodeResourcesFitArgs['scoringStrategy'], Requests, Record<string, number>]>([
    [
      'LeastAllocated',
      { type: 'LeastAllocated', resources },
      { cpu: '1', memory: '2Gi' },
      { empty: 75, half: 25, full: 0 },
    ],
    [
      'MostAllocated',
      { type: 'MostAllocated', resources },
      { cpu: '1', memory: '2Gi' },
      { empty: 25, half: 75, full: 100 },
    ],
    ['what is not asked for is made up', { type: 'LeastAllocated', resources }, {}, { empty: 97, half: 47, full: 0 }],
    [
      'weights',
      {
        type: 'LeastAllocated',
        resources: [
          { name: 'cpu', weight: 3 },
          { name: 'memory', weight: 1 },
        ],
      },
      { cpu: '2', memory: '8Gi' },
      { empty: 37, half: 0, full: 0 },
    ],
    [
      'RequestedToCapacityRatio',
      {
        type: 'RequestedToCapacityRatio',
        resources,
        requestedToCapacityRatio: {
          shape: [
            { utilization: 0, score: 0 },
            { utilization: 50, score: 8 },
            { utilization: 100, score: 10 },
          ],
        },
      },
      { cpu: '1', memory: '2Gi' },
      { empty: 40, half: 90, full: 100 },
    ],
    [
      'devices that the pod does not ask for do not count',
      { type: 'MostAllocated', resources: [{ name: 'example.com/gpu', weight: 1 }] },
      {},
      { empty: 0, half: 0, full: 0 },
    ],
  ])('scores: %s', (_, scoringStrategy, requests, scores) => {
    const cluster = new TestCluster(nodes, used);
    expect(
      cluster.score(nodeResourcesFit({ ...args, scoringStrategy }, cluster.context), makePod('p', { requests })),
    ).toEqual(scores);
  });

  describe('of what devices stand for', () => {
    const resources = [{ name: gpu, weight: 1 }];
    const held = (name: string, node: string, device: string) =>
      makeClaim(
        name,
        [exactly('r')],
        {},
        {
          allocation: { devices: { results: [{ request: 'r', driver, pool: node, device }] } },
        },
      );
    const devices = (count: number) => Array.from({ length: count }, (_, i) => makeDevice(`d${i}`));
    const inCluster = () =>
      new TestCluster([
        makeNode('four'),
        makeNode('two'),
        makeNode('none'),
        makeNode('own', { allocatable: { [gpu]: '8' } }),
      ])
        .put('deviceclasses.resource.k8s.io', makeClassOf(gpu, 'c'))
        .put('resourceslices.resource.k8s.io', makeSlice('four', devices(4)), makeSlice('two', devices(2)))
        .put('resourceclaims.resource.k8s.io', held('a', 'four', 'd0'), held('b', 'four', 'd3'));
    const pod = makePod('p', { requests: { [gpu]: '1' } });

    it.each<[NodeResourcesFitArgs['scoringStrategy']['type'], Record<string, number>]>([
      ['LeastAllocated', { four: 25, two: 50, none: 0, own: 87 }],
      ['MostAllocated', { four: 75, two: 50, none: 0, own: 12 }],
    ])('%s', (type, scores) => {
      const cluster = inCluster();
      const plugin = nodeResourcesFit({ ...args, scoringStrategy: { type, resources } }, cluster.context);
      expect(cluster.score(plugin, pod)).toEqual(scores);
      expect(cluster.score(plugin, makePod('q', { requests: { cpu: '1' } }))).toEqual({
        four: 0,
        two: 0,
        none: 0,
        own: 0,
      });
    });

    it('counts the devices that the class takes, and none where its selector breaks', () => {
      const scoringStrategy = { type: 'MostAllocated', resources } as const;
      const cluster = inCluster();
      const plugin = nodeResourcesFit({ ...args, scoringStrategy }, cluster.context);
      const selected = (expression: string) => {
        const made = makeClassOf(gpu, 'c');
        const spec = { ...made.spec, selectors: [{ cel: { expression } }] };
        cluster.put('deviceclasses.resource.k8s.io', Object.assign(made, { spec }));
        return cluster.score(plugin, pod, ['four', 'two']);
      };
      expect(selected(`device.driver == "${driver}"`)).toEqual({ four: 75, two: 50 });
      expect(selected('device.driver == "other"')).toEqual({ four: 0, two: 0 });
      expect(selected('device.attributes["a"].b')).toEqual({ four: 0, two: 0 });
    });

    it('balances them against the rest', () => {
      const cluster = inCluster();
      const both = { resources: [{ name: 'cpu', weight: 1 }, ...resources] };
      const plugin = nodeResourcesBalancedAllocation(both, cluster.context);
      expect(cluster.score(plugin, makePod('p', { requests: { [gpu]: '1', cpu: '2' } }), ['four', 'none'])).toEqual({
        four: 81,
        none: 75,
      });
    });
  });
});

describe('NodeResourcesBalancedAllocation', () => {
  const args = defaultArgs.NodeResourcesBalancedAllocation as NodeResourcesBalancedAllocationArgs;
  it('prefers what the pod makes more even', () => {
    const cluster = new TestCluster(
      [makeNode('a'), makeNode('memory-heavy'), makeNode('cpu-heavy')],
      [on('memory-heavy', { memory: '4Gi' }), on('cpu-heavy', { cpu: '2' }, 'b')],
    );
    const plugin = nodeResourcesBalancedAllocation(args, cluster.context);
    expect(cluster.score(plugin, makePod('p', { requests: { cpu: '2' } }))).toEqual({
      a: 62,
      'memory-heavy': 87,
      'cpu-heavy': 62,
    });
  });
  it('has nothing to say of pods that ask for nothing', () => {
    const cluster = new TestCluster([makeNode('a')]);
    expect(cluster.score(nodeResourcesBalancedAllocation(args, cluster.context), makePod('p'))).toEqual({});
  });
});
