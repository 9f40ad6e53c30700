import { manualWorld } from '@keelson/client/testing/world';
import { expect, test } from 'vitest';
import type { Figures } from '../eviction/signals.ts';
import { container, podOf } from '../testing/pods.ts';
import type { KubeletView } from '../view.ts';
import { resourceMetrics } from './resource-metrics.ts';
import { summaryOf } from './summary.ts';

const filesystem = { device: 1, capacityBytes: 1000, availableBytes: 400, inodes: 100, inodesFree: 90 };
const disk = (bytes: number, inodes: number) => ({ bytes, inodes });

const figures: Figures = {
  nodefs: filesystem,
  imagefs: { ...filesystem, availableBytes: 300 },
  processes: { running: 7, max: 99 },
  pods: new Map([
    [
      'u1',
      {
        containers: [{ name: 'a', layer: disk(20, 2), logs: disk(30, 3) }],
        volumes: new Map([['v', disk(40, 4)]]),
        own: new Map([['d', { filesystem: { ...filesystem, availableBytes: 500 }, used: disk(50, 5) }]]),
        storage: disk(90, 9),
      },
    ],
  ]),
};

test('the summary tells of disks, of the machine and of pods', async () => {
  const view = {
    nodeName: 'n1',
    world: manualWorld(),
    runtime: {
      stats: async () => [{ uid: 'u1', name: 'web', namespace: 'default', containers: [{ id: 'c', name: 'a' }] }],
    },
    pods: () => [
      podOf({ containers: [container('a')], volumes: [{ name: 'd', persistentVolumeClaim: { claimName: 'c' } }] }),
    ],
    figures: async () => figures,
  } as unknown as KubeletView;
  const time = '2026-01-01T00:00:00Z';
  const of = (used: number, inodes: number, availableBytes = 400) => ({
    time,
    availableBytes,
    capacityBytes: 1000,
    usedBytes: used,
    inodesFree: 90,
    inodes: 100,
    inodesUsed: inodes,
  });
  const image = of(700, 10, 300);
  expect(await summaryOf(view)).toMatchObject({
    node: {
      fs: of(600, 10),
      runtime: { imageFs: image, containerFs: image },
      rlimit: { time, maxpid: 99, curproc: 7 },
    },
    pods: [
      {
        containers: [{ name: 'a', rootfs: of(20, 2, 300), logs: of(30, 3) }],
        volume: [
          { ...of(40, 4), name: 'v' },
          { ...of(50, 5, 500), name: 'd', pvcRef: { name: 'c', namespace: 'default' } },
        ],
        'ephemeral-storage': of(90, 9),
      },
    ],
  });
});

test('pressure is told of containers and of their pods', async () => {
  const stall = (total: number) => ({ total, avg10: 1.5, avg60: 1, avg300: 0.5 });
  const pressure = { some: stall(20), full: stall(10) };
  const at = Date.parse('2026-01-01T00:00:01Z');
  const usage = {
    cpu: { at, coreNanoseconds: 1, pressure },
    memory: { at, workingSetBytes: 1, pressure },
    io: { at, pressure },
  };
  const stats = [
    { uid: 'u1', name: 'web', namespace: 'default', ...usage, containers: [{ id: 'a', name: 'a', ...usage }] },
  ];
  const view = {
    nodeName: 'n1',
    world: manualWorld(),
    runtime: { stats: async () => stats },
    pods: () => [podOf({ containers: [container('a')] })],
  } as unknown as KubeletView;
  const told = {
    cpu: { psi: pressure },
    memory: { psi: pressure },
    io: { time: '2026-01-01T00:00:01Z', psi: pressure },
  };
  expect(await summaryOf(view)).toMatchObject({ pods: [{ ...told, containers: [{ name: 'a', ...told }] }] });
});

test('swap is told of containers, of their pods and of the node', async () => {
  const container = (name: string, usedBytes: number) => ({
    id: name,
    name,
    swap: { at: Date.parse('2026-01-01T00:00:01Z'), usedBytes, availableBytes: 10 },
  });
  const stats = [{ uid: 'u1', name: 'web', namespace: 'default', containers: [container('a', 1), container('b', 2)] }];
  const view = {
    nodeName: 'n1',
    world: manualWorld(),
    runtime: { stats: async () => stats },
    pods: () => [podOf({ containers: [] })],
  } as unknown as KubeletView;
  const time = '2026-01-01T00:00:01Z';
  expect(await summaryOf(view)).toMatchObject({
    node: { swap: { swapAvailableBytes: expect.any(Number), swapUsageBytes: expect.any(Number) } },
    pods: [
      {
        containers: [
          { name: 'a', swap: { time, swapAvailableBytes: 10, swapUsageBytes: 1 } },
          { name: 'b', swap: { time, swapAvailableBytes: 10, swapUsageBytes: 2 } },
        ],
        swap: { time, swapAvailableBytes: 20, swapUsageBytes: 3 },
      },
    ],
  });
  const metrics = await resourceMetrics(view);
  expect(metrics).toContain('container_swap_usage_bytes{container="b",namespace="default",pod="web"} 2 ');
  expect(metrics).toContain('container_swap_limit_bytes{container="b",namespace="default",pod="web"} 12 ');
  expect(metrics).toContain('pod_swap_usage_bytes{namespace="default",pod="web"} 3 ');
  expect(metrics).toMatch(/^node_swap_usage_bytes \d+ /m);
});

test('the metrics server is told of the node, and since when containers run', async () => {
  const cpu = { at: 1000, coreNanoseconds: 2e9 };
  const stats = [{ uid: 'u1', name: 'web', namespace: 'default', cpu, containers: [{ id: 'c', name: 'a', cpu }] }];
  const running = { name: 'a', state: { running: { startedAt: '2026-01-01T00:00:01Z' } } };
  const pod = {
    ...podOf({ containers: [container('a')] }),
    status: { phase: 'Running', containerStatuses: [running] },
  };
  const view = {
    nodeName: 'n1',
    world: manualWorld(),
    runtime: { stats: async () => stats },
    pods: () => [pod],
  } as unknown as KubeletView;
  const metrics = await resourceMetrics(view);
  expect(metrics).toMatch(/^node_cpu_usage_seconds_total [1-9][\d.]* \d+$/m);
  expect(metrics).toMatch(/^node_memory_working_set_bytes [1-9]\d* \d+$/m);
  expect(metrics).toContain('container_start_time_seconds{container="a",namespace="default",pod="web"} 1767225601\n');
  expect(metrics).toContain('container_cpu_usage_seconds_total{container="a",namespace="default",pod="web"} 2 1000\n');
});
