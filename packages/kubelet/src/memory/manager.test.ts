import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Pod } from '@keelson/api/generated/types/core/v1';
import { manualWorld } from '@keelson/client/testing/world';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { container, podOf } from '../testing/pods.ts';
import { numaOf } from '../topology/testing.ts';
import { MemoryManager, type MemoryManagerOptions, type MemorySettings } from './manager.ts';

const GI = 2 ** 30;
const amounts = { cpu: '1', memory: '1Gi' };
const a = container('a', { resources: { requests: amounts, limits: amounts } });
const HOW = { nodes: undefined, preferred: false, early: false };

describe('MemoryManager', () => {
  let directory: string;
  let pods: Pod[];
  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'memory-'));
    pods = [];
  });
  afterEach(() => rm(directory, { recursive: true }));

  const start = (settings: Partial<MemorySettings> = {}, more: Partial<MemoryManagerOptions> = {}) =>
    MemoryManager.start({
      world: manualWorld(),
      settings: { policy: 'Static', reserved: [{ numaNode: 0, limits: { memory: '1Gi' } }], ...settings },
      machine: numaOf(2, 2 * GI),
      kept: { memory: '1Gi', cpu: '1' },
      directory,
      pods: () => pods,
      ready: () => true,
      ...more,
    });
  const file = async () => JSON.parse(await readFile(join(directory, 'memory_manager_state'), 'utf8'));

  it('gives memory of nodes, remembers whose it is, and takes it back', async () => {
    const memory = await start();
    pods = [podOf({ containers: [a] }, { uid: 'u1' })];
    await memory.allocate(pods[0]!, a, HOW);
    expect((await file()).entries).toEqual({ u1: { a: [{ numaAffinity: [0], type: 'memory', size: GI }] } });
    const again = await start();
    expect([again.nodesOf('u1', 'a'), again.blocksOf('u1', 'a')]).toEqual([
      [0],
      [{ nodes: [0], type: 'memory', size: GI }],
    ]);
    expect(again.allocatable()).toEqual([
      { nodes: [0], type: 'memory', size: GI },
      { nodes: [1], type: 'memory', size: 2 * GI },
    ]);
    const other = podOf({ containers: [a] }, { uid: 'u2' });
    pods = [other];
    await again.allocate(other, a, HOW);
    await again.stop();
    expect(Object.keys((await file()).entries)).toEqual(['u2']);
  });

  it('gives none without a policy, and says so on disk', async () => {
    const memory = await start({ policy: 'None' });
    expect([memory.wants(podOf({ containers: [a] })), memory.nodesOf('u1', 'a')]).toEqual([false, []]);
    expect(await file()).toEqual({ policyName: 'None', machineState: {}, checksum: expect.any(Number) });
    await expect(start()).rejects.toThrow(
      `start memory manager error: could not restore state from checkpoint: [memorymanager] configured policy "Static" differs from state checkpoint policy "None", please drain this node and delete the memory manager checkpoint file "${directory}/memory_manager_state" before restarting Kubelet`,
    );
  });

  it.each<[string, Partial<MemorySettings>, Partial<MemoryManagerOptions>, string]>([
    [
      'reserves of a node that there is not',
      { reserved: [{ numaNode: 7, limits: { memory: '1Gi' } }] },
      {},
      'the reserved memory configuration references a NUMA node 7 that does not exist on this machine',
    ],
    [
      'reserves something else than is kept',
      { reserved: [{ numaNode: 0, limits: { memory: '2Gi' } }] },
      {},
      'the total amount "2Gi" of type "memory" is not equal to the value "1Gi" determined by Node Allocatable feature',
    ],
    [
      'reserves nothing',
      { reserved: [] },
      { kept: {} },
      '[memorymanager] you should specify the system reserved memory',
    ],
  ])('does not start when it %s', async (_, settings, more, message) => {
    await expect(start(settings, more)).rejects.toThrow(message);
  });

  it('does not start with what is of another machine', async () => {
    await start();
    await expect(start({}, { machine: numaOf(2, 3 * GI) })).rejects.toThrow(
      'start memory manager error: [memorymanager] the expected machine state is different from the real one',
    );
  });
});
