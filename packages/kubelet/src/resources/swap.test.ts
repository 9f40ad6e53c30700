import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ResourceRequirements } from '@keelson/api/generated/types/core/v1';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { CgroupFiles } from '../cgroups/files.ts';
import { nodeReference } from '../node/agent.ts';
import { container, podOf } from '../testing/pods.ts';
import { Swap, type SwapSettings } from './swap.ts';

const GI = 2 ** 30;
const OFF = 'Filename\tType\tSize\tUsed\tPriority\n';
const ON = `${OFF}/dev/sdb partition 8388604 0 -2\n`;

/** A kernel, of which it is read what it has. */
const kernel = (version: 1 | 2, { swap = OFF, limits = true } = {}): CgroupFiles => {
  const root = version === 2 ? '- cgroup2 cgroup2 rw' : '- tmpfs tmpfs rw';
  const files: Record<string, string> = {
    '/proc/self/mountinfo': `30 20 0:26 / /sys/fs/cgroup rw,nosuid ${root}\n`,
    '/proc/self/cgroup': version === 2 ? '0::/system.slice/kubelet.service\n' : '9:memory:/\n0::/\n',
    '/proc/swaps': swap,
    ...(limits
      ? {
          [version === 2
            ? '/sys/fs/cgroup/system.slice/kubelet.service/memory.swap.max'
            : '/sys/fs/cgroup/memory/memory.memsw.limit_in_bytes']: '0',
        }
      : {}),
  };
  const read = async (path: string) => files[path] ?? Promise.reject(new Error(`ENOENT ${path}`));
  return { read } as unknown as CgroupFiles;
};

async function swapOf(files: CgroupFiles, settings: Partial<SwapSettings> = {}) {
  const directory = await mkdtemp(join(tmpdir(), 'keelson-swap-'));
  onTestFinished(() => rm(directory, { recursive: true, force: true }));
  const events: string[] = [];
  const swap = await Swap.start({
    settings: { behavior: 'LimitedSwap', failIfOn: false, ...settings },
    machine: { memoryBytes: 16 * GI, swapBytes: 8 * GI },
    files,
    recorder: { event: (_about, _type, reason) => void events.push(reason) },
    node: nodeReference('n1'),
    directory,
  });
  expect(await readdir(directory)).toEqual([]);
  return { swap, events };
}

const asking = (resources: ResourceRequirements, more = {}) => {
  const one = container('a', { resources });
  return { pod: podOf({ containers: [one, container('b')], ...more }), one };
};
const burstable = { requests: { memory: '4Gi' } };

describe('Swap', () => {
  it.each([
    ['as much as it asks for of the memory', burstable, {}, 2 * GI],
    ['a limit is no request', { limits: { memory: '8Gi' }, requests: { memory: '1Gi' } }, {}, GI / 2],
    ['it asks for no memory', { requests: { cpu: '1' } }, {}, 0],
    ['it asks for all that it may have', { limits: { memory: '1Gi' }, requests: { memory: '1Gi' } }, {}, 0],
    ['its pod is critical', burstable, { priority: 2_000_000_000 }, 0],
    ['it asks for more than there is', { requests: { memory: '17Gi' } }, {}, 0],
    ['its pod is of best effort', {}, {}, 0],
  ])('%s', async (_what, resources, more, bytes) => {
    const { swap } = await swapOf(kernel(2));
    const { pod, one } = asking(resources, more);
    const given = { unified: { 'memory.oom.group': '1' } };
    expect(swap.resourcesOf(pod, one, given)).toEqual({
      unified: { 'memory.oom.group': '1', 'memory.swap.max': String(bytes) },
    });
  });

  it.each([
    ['there is none for anybody', kernel(2), { unified: { 'memory.swap.max': '0' } }],
    ['version 1 limits both together', kernel(1), { memorySwapLimit: GI }],
    ['the kernel limits none', kernel(2, { limits: false }), {}],
    ['the kernel of version 1 limits none', kernel(1, { limits: false }), {}],
  ])('NoSwap: %s', async (_what, files, want) => {
    const { swap } = await swapOf(files, { behavior: 'NoSwap' });
    const { pod, one } = asking(burstable);
    expect(swap.resourcesOf(pod, one, { memoryLimit: GI })).toEqual(want);
  });

  it('refuses what the machine is not fit for', async () => {
    await expect(swapOf(kernel(1))).rejects.toThrow(
      'swap feature is enabled and LimitedSwap but it is only supported with cgroupv2',
    );
    await expect(swapOf(kernel(2, { swap: ON }), { failIfOn: true })).rejects.toThrow(
      'running with swap on is not supported, please disable swap or set --fail-swap-on flag to false',
    );
    await expect(swapOf(kernel(2, { swap: OFF }), { failIfOn: true })).resolves.toBeDefined();
    expect((await swapOf(kernel(2))).events).toEqual([]);
  });

  it('does not resize memory where the share of swap would be another', async () => {
    const refused = 'In-place resize of containers with swap is not supported.';
    const { swap } = await swapOf(kernel(2));
    const before = asking(burstable).pod;
    const problem = (resources: ResourceRequirements) => swap.resizeProblem(asking(resources).pod, before);
    expect(problem({ requests: { memory: '5Gi' } })).toBe(refused);
    expect(problem({ requests: { memory: '4Gi', cpu: '1' } })).toBeUndefined();
    const none = await swapOf(kernel(2), { behavior: 'NoSwap' });
    expect(none.swap.resizeProblem(asking({ requests: { memory: '5Gi' } }).pod, before)).toBeUndefined();
    const restarting = [{ resourceName: 'memory', restartPolicy: 'RestartContainer' }];
    const of = (memory: string) =>
      podOf({ containers: [container('a', { resources: { requests: { memory } }, resizePolicy: restarting })] });
    expect(swap.resizeProblem(of('5Gi'), of('4Gi'))).toBeUndefined();
  });
});
