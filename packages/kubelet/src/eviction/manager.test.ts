import type { Pod, PodSpec } from '@keelson/api/generated/types/core/v1';
import type { EventRecorder } from '@keelson/client';
import { manualWorld } from '@keelson/client/testing/world';
import { describe, expect, it } from 'vitest';
import { nodeReference } from '../node/agent.ts';
import type { Filesystem } from '../node/filesystem.ts';
import { container, podOf } from '../testing/pods.ts';
import { storageExcess } from './local-storage.ts';
import { type Eviction, EvictionManager, type EvictionPolicy } from './manager.ts';
import { rank } from './ranking.ts';
import type { Figures, PodUsage } from './signals.ts';
import { parseThresholds } from './thresholds.ts';

const MIB = 2 ** 20;
const GIB = 2 ** 30;

const usage = (more: Partial<PodUsage> = {}): PodUsage => ({
  containers: [],
  volumes: new Map(),
  own: new Map(),
  storage: { bytes: 0, inodes: 0 },
  ...more,
});

interface Given {
  readonly priority?: number;
  readonly requests?: Record<string, string>;
}

const pod = (
  name: string,
  { priority = 0, requests = {} }: Given = {},
  more: Omit<Partial<PodSpec>, 'containers'> = {},
): Pod => podOf({ containers: [container('c', { resources: { requests } })], priority, ...more }, { name, uid: name });

const filesystem = (available: number, device = 1): Filesystem => ({
  device,
  capacityBytes: 100 * GIB,
  availableBytes: available,
  inodes: 1000,
  inodesFree: 900,
});

function figuresOf(more: Partial<Figures> = {}): Figures {
  return {
    memory: { availableBytes: 2 * GIB, capacityBytes: 4 * GIB },
    nodefs: filesystem(50 * GIB),
    imagefs: filesystem(50 * GIB),
    processes: { running: 10, max: 1000 },
    pods: new Map(),
    ...more,
  };
}

function managerOf(policy: Partial<EvictionPolicy> = {}) {
  const world = manualWorld();
  const events: string[] = [];
  const annotations: unknown[] = [];
  const recorder: EventRecorder = {
    event: (_about, _type, reason, message, more) => {
      events.push(`${reason}: ${message}`);
      if (more?.annotations) annotations.push(more.annotations);
    },
  };
  const evicted = new Map<string, Eviction>();
  const calls: string[] = [];
  const state = { figures: figuresOf(), pods: [] as Pod[], room: () => {} };
  const manager = new EvictionManager({
    world,
    recorder,
    node: nodeReference('n1'),
    policy: {
      thresholds: parseThresholds({
        hard: { 'memory.available': '100Mi', 'nodefs.available': '10%', 'pid.available': '100' },
        soft: { 'memory.available': '1Gi' },
        softGracePeriod: { 'memory.available': '1m' },
      }),
      transitionMs: 300_000,
      maxGraceSeconds: 20,
      limitStorage: true,
      ...policy,
    },
    figures: () => Promise.resolve(state.figures),
    pods: () => state.pods.filter(({ metadata }) => !evicted.has(metadata.uid!)),
    evict: ({ metadata }, how) => void evicted.set(metadata.uid!, how),
    isFinished: () => true,
    reclaim: {
      containers: async () => void calls.push('containers'),
      images: async () => {
        calls.push('images');
        state.room();
      },
    },
  });
  return { world, manager, events, annotations, evicted, calls, state };
}

describe('EvictionManager', () => {
  it('ends one pod at a time, the one that is furthest over what it requested', async () => {
    const { manager, events, annotations, evicted, state } = managerOf();
    state.pods = [pod('modest', { requests: { memory: '1Gi' } }), pod('greedy', { requests: { memory: '64Mi' } })];
    const containers = [{ name: 'c', memoryBytes: 512 * MIB }];
    state.figures = figuresOf({
      memory: { availableBytes: 50 * MIB, capacityBytes: 4 * GIB },
      pods: new Map([
        ['modest', usage({ memoryBytes: 900 * MIB })],
        ['greedy', usage({ memoryBytes: 512 * MIB, containers })],
      ]),
    });
    expect(await manager.synchronize()).toEqual(['greedy']);
    const message =
      'The node was low on resource: memory. Threshold quantity: 100Mi, available: 50Mi. Container c was using 512Mi, request is 64Mi, has larger consumption of memory. ';
    expect(events).toEqual(['EvictionThresholdMet: Attempting to reclaim memory', `Evicted: ${message}`]);
    expect(annotations).toEqual([
      { offending_containers: 'c', offending_containers_usage: '512Mi', starved_resource: 'memory' },
    ]);
    const condition = { type: 'DisruptionTarget', status: 'True', reason: 'TerminationByKubelet', message };
    expect(evicted.get('greedy')).toEqual({
      message,
      graceSeconds: 1,
      condition: { ...condition, observedGeneration: 1 },
    });
    expect(manager.pressures).toEqual(['MemoryPressure']);
  });

  it.each([
    [30, 20],
    [5, 5],
    [0, 1],
  ])('gives a pod that asks for %d s at most the grace of soft thresholds', async (own, want) => {
    const { manager, evicted, state, world } = managerOf();
    state.pods = [pod('a', {}, { terminationGracePeriodSeconds: own })];
    state.figures = figuresOf({ memory: { availableBytes: 500 * MIB, capacityBytes: 4 * GIB } });
    expect(await manager.synchronize()).toEqual([]);
    await world.pass(60_000);
    expect(await manager.synchronize()).toEqual(['a']);
    expect(evicted.get('a')!.graceSeconds).toBe(want);
  });

  it('makes room on a disk before it ends a pod', async () => {
    const { manager, calls, events, state } = managerOf();
    state.pods = [pod('a')];
    state.figures = figuresOf({ nodefs: filesystem(GIB) });
    state.room = () => {
      state.figures = figuresOf();
    };
    expect(await manager.synchronize()).toEqual([]);
    expect(calls).toEqual(['containers', 'images']);
    expect(events).toEqual(['EvictionThresholdMet: Attempting to reclaim ephemeral-storage']);
    state.room = () => {};
    state.figures = figuresOf({ nodefs: filesystem(GIB) });
    expect(await manager.synchronize()).toEqual(['a']);
    expect(manager.pressures).toEqual(['DiskPressure']);
  });

  it('removes no images for the disk of volumes where they have one of their own', async () => {
    const { manager, calls, state } = managerOf();
    state.pods = [pod('a')];
    state.figures = figuresOf({ nodefs: filesystem(GIB), imagefs: filesystem(50 * GIB, 2) });
    expect(await manager.synchronize()).toEqual(['a']);
    expect(calls).toEqual([]);
  });

  it('leaves pods alone that the node cannot be without', async () => {
    const { manager, evicted, state } = managerOf();
    state.pods = [pod('a', { priority: 2_000_001_000 })];
    state.figures = figuresOf({ processes: { running: 950, max: 1000 } });
    expect(await manager.synchronize()).toEqual([]);
    expect([...evicted.keys(), ...manager.pressures]).toEqual(['PIDPressure']);
  });

  it('ends pods that keep more than they may, all of them', async () => {
    const { manager, events, evicted, state } = managerOf();
    const volumes = [{ name: 'v', emptyDir: { sizeLimit: '1Mi' } }];
    state.pods = [pod('a', {}, { volumes }), pod('b'), pod('c', {}, { volumes })];
    const big = usage({ volumes: new Map([['v', { bytes: 2 * MIB, inodes: 1 }]]) });
    state.figures = figuresOf({
      pods: new Map([
        ['a', big],
        ['b', usage()],
        ['c', big],
      ]),
    });
    expect(await manager.synchronize()).toEqual(['a', 'c']);
    const message = 'Usage of EmptyDir volume "v" exceeds the limit "1Mi". ';
    expect(events).toEqual([`Evicted: ${message}`, `Evicted: ${message}`]);
    expect(evicted.get('a')).toEqual({ message, graceSeconds: 1, condition: undefined });
  });

  it('looks every ten seconds, and again as soon as a pod is gone', async () => {
    const { manager, world, evicted, state } = managerOf();
    state.pods = [pod('a'), pod('b')];
    manager.start();
    await world.pass(9_000);
    state.figures = figuresOf({ memory: { availableBytes: 0, capacityBytes: 4 * GIB } });
    await world.pass(500);
    expect(evicted.size).toBe(0);
    await world.pass(1_000);
    expect([...evicted.keys()]).toEqual(['a']);
    await world.pass(1_500);
    expect([...evicted.keys()]).toEqual(['a', 'b']);
    manager.stop();
  });
});

describe('admission under pressure', () => {
  const tolerant = { tolerations: [{ key: 'node.kubernetes.io/memory-pressure', operator: 'Exists' }] };
  const memory = { memory: { availableBytes: 0, capacityBytes: 4 * GIB } };
  const disk = { nodefs: filesystem(0) };
  it.each([
    ['nothing is short', {}, pod('a'), undefined],
    ['memory', memory, pod('a'), 'The node had condition: [MemoryPressure]. '],
    ['memory, and it asks for some', memory, pod('a', { requests: { memory: '1Mi' } }), undefined],
    ['memory, and it tolerates that', memory, pod('a', {}, tolerant), undefined],
    ['disk, and it tolerates something else', disk, pod('a', {}, tolerant), 'The node had condition: [DiskPressure]. '],
    ['disk', disk, pod('a', { requests: { memory: '1Mi' } }), 'The node had condition: [DiskPressure]. '],
    ['disk, and it is critical', disk, pod('a', { priority: 2_000_000_000 }), undefined],
    ['both', { ...memory, ...disk }, pod('a', {}, tolerant), 'The node had condition: [MemoryPressure DiskPressure]. '],
  ] as const)('%s', async (_what, figures, candidate, message) => {
    const { manager, state } = managerOf();
    state.figures = figuresOf(figures);
    await manager.synchronize();
    expect(manager.admit(candidate)).toEqual(message && { reason: 'Evicted', message });
  });
});

describe('rank', () => {
  const disk = (bytes: number, inodes = 0) => usage({ containers: [{ name: 'c', layer: { bytes, inodes } }] });
  const order = (
    signal: Parameters<typeof rank>[1],
    pods: Record<string, [Given, PodUsage | undefined]>,
    more = {},
  ) => {
    const known = Object.entries(pods).flatMap(([name, [, used]]) => (used ? [[name, used] as const] : []));
    const all = Object.entries(pods).map(([name, [given]]) => pod(name, given));
    return rank(all, signal, figuresOf({ pods: new Map(known), ...more })).map(({ metadata }) => metadata.name);
  };

  it('memory: over their requests, then by priority, then by how much they are over', () =>
    expect(
      order('memory.available', {
        within: [{ requests: { memory: '2Gi' } }, usage({ memoryBytes: GIB })],
        important: [{ priority: 5 }, usage({ memoryBytes: GIB })],
        little: [{}, usage({ memoryBytes: MIB })],
        much: [{ requests: { memory: '1Mi' } }, usage({ memoryBytes: 3 * MIB })],
        unknown: [{ priority: 9 }, undefined],
      }),
    ).toEqual(['unknown', 'much', 'little', 'important', 'within']));

  it('processes: by priority, then by number', () =>
    expect(
      order('pid.available', {
        few: [{}, usage({ processes: 1 })],
        many: [{}, usage({ processes: 9 })],
        important: [{ priority: 1 }, usage({ processes: 99 })],
      }),
    ).toEqual(['many', 'few', 'important']));

  it('disk: what is on it counts', () => {
    const pods = {
      layer: [{}, disk(2 * GIB)] as [Given, PodUsage],
      logs: [{}, usage({ containers: [{ name: 'c', logs: { bytes: GIB, inodes: 1 } }] })] as [Given, PodUsage],
    };
    const own = { imagefs: filesystem(GIB, 2) };
    expect(order('nodefs.available', pods)).toEqual(['layer', 'logs']);
    expect(order('nodefs.available', pods, own)).toEqual(['logs', 'layer']);
    expect(order('imagefs.available', pods, own)).toEqual(['layer', 'logs']);
  });

  it('inodes: nobody requests them', () =>
    expect(order('nodefs.inodesFree', { few: [{}, disk(9, 1)], many: [{}, disk(1, 9)] })).toEqual(['many', 'few']));
});

describe('storageExcess', () => {
  const limited = podOf({
    containers: [container('c', { resources: { limits: { 'ephemeral-storage': '2Mi' } } })],
    volumes: [
      { name: 'v', emptyDir: { sizeLimit: '1Mi' } },
      { name: 'free', emptyDir: {} },
    ],
  });
  const bytes = (n: number) => ({ bytes: n, inodes: 1 });
  it.each([
    ['nothing', usage(), false, undefined],
    ['just as much as it may', usage({ volumes: new Map([['v', bytes(MIB)]]) }), false, undefined],
    [
      'a volume',
      usage({ volumes: new Map([['v', bytes(MIB + 1)]]) }),
      false,
      'Usage of EmptyDir volume "v" exceeds the limit "1Mi". ',
    ],
    ['one without a limit', usage({ volumes: new Map([['free', bytes(GIB)]]) }), false, undefined],
    [
      'all together',
      usage({ storage: bytes(3 * MIB) }),
      false,
      'Pod ephemeral local storage usage exceeds the total limit of containers 2Mi. ',
    ],
    [
      'a container',
      usage({ containers: [{ name: 'c', layer: bytes(2 * MIB), logs: bytes(MIB) }] }),
      false,
      'Container c exceeded its local ephemeral storage limit "2Mi". ',
    ],
    [
      'a layer on a disk of its own',
      usage({ containers: [{ name: 'c', layer: bytes(2 * MIB), logs: bytes(MIB) }] }),
      true,
      undefined,
    ],
  ])('%s', (_what, used, ownDisk, message) => expect(storageExcess(limited, used, ownDisk)?.message).toBe(message));
});
