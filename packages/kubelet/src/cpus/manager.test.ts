import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Pod } from '@keelson/api/generated/types/core/v1';
import { manualWorld } from '@keelson/client/testing/world';
import { MetricsRegistry } from '@keelson/component/metrics/registry';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { container, exited, podOf, running, stateOf, statusOf } from '../testing/pods.ts';
import { exclusiveMetrics } from '../topology/metrics.ts';
import { SINGLE } from '../topology/testing.ts';
import { CpuManager, type CpuManagerOptions, type CpuSettings } from './manager.ts';
import { parseCpus } from './set.ts';

const STATIC: CpuSettings = {
  policy: 'static',
  wholeCores: false,
  strict: false,
  distribute: false,
  byCache: false,
  reconcileMs: 10_000,
};
const amounts = { cpu: '2', memory: '1Mi' };
const a = container('a', { resources: { requests: amounts, limits: amounts } });
const guaranteed = (uid: string) => podOf({ containers: [a] }, { uid });
const HOW = { nodes: undefined, preferred: false, early: false };

describe('CpuManager', () => {
  let directory: string;
  let pods: Pod[];
  let updates: string[];
  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'cpus-'));
    [pods, updates] = [[], []];
  });
  afterEach(() => rm(directory, { recursive: true }));

  const start = (settings: Partial<CpuSettings> = {}, more: Partial<CpuManagerOptions> = {}) =>
    CpuManager.start({
      world: manualWorld(),
      settings: { ...STATIC, ...settings },
      machine: SINGLE,
      kept: '500m',
      directory,
      runtime: {
        pod: async () => stateOf(statusOf(a, running())),
        updateContainer: async (id, { cpusetCpus }) => void updates.push(`${id} ${cpusetCpus}`),
      },
      pods: () => pods,
      ready: () => true,
      ...more,
    });
  const file = () => readFile(join(directory, 'cpu_manager_state'), 'utf8');

  it('gives CPUs, and remembers whose they are', async () => {
    const cpus = await start();
    pods = [guaranteed('u1')];
    await cpus.allocate(pods[0]!, a, HOW);
    expect(JSON.parse(await file())).toMatchObject({ defaultCpuSet: '0,2-4,6-7', entries: { u1: { a: '1,5' } } });
    const again = await start();
    expect([again.listFor('u1', 'a'), again.listFor('u2', 'b')]).toEqual(['1,5', '0,2-4,6-7']);
    expect([again.hasOwn(pods[0]!), again.hasOwn(pods[0]!, 'b'), again.hasOwn(guaranteed('u2'))]).toEqual([
      true,
      false,
      false,
    ]);
    expect([...again.allocatable]).toEqual([1, 2, 3, 4, 5, 6, 7]);
  });

  it('gives back what ended pods have, once all pods are known', async () => {
    let ready = false;
    const cpus = await start({}, { ready: () => ready });
    await cpus.allocate(guaranteed('u1'), a, HOW);
    pods = [guaranteed('u2')];
    await cpus.allocate(pods[0]!, a, HOW);
    expect([cpus.listFor('u1', 'a'), cpus.listFor('u2', 'a')]).toEqual(['1,5', '2,6']);
    ready = true;
    cpus.hints(pods[0]!, a);
    expect(cpus.own('u1', 'a').size).toBe(0);
    await cpus.stop();
    expect(JSON.parse(await file())).toMatchObject({ defaultCpuSet: '0-1,3-5,7', entries: { u2: { a: '2,6' } } });
  });

  it('moves containers that run to where they may, once', async () => {
    const cpus = await start();
    pods = [guaranteed('u1')];
    await cpus.reconcile();
    await cpus.allocate(pods[0]!, a, HOW);
    await cpus.reconcile();
    await cpus.reconcile();
    expect(updates).toEqual(['a-0 0-7', 'a-0 1,5']);
  });

  it('is counted', async () => {
    const registry = new MetricsRegistry();
    const cpus = await start({}, { metrics: exclusiveMetrics(registry) });
    pods = ['u1', 'u2', 'u3'].map(guaranteed);
    for (const pod of pods) await cpus.allocate(pod, a, HOW);
    await expect(cpus.allocate(guaranteed('u4'), a, HOW)).rejects.toThrow('not enough cpus available');
    const text = await registry.text();
    expect(text).toContain('kubelet_cpu_manager_pinning_requests_total 4\n');
    expect(text).toContain('kubelet_cpu_manager_pinning_errors_total 1\n');
    expect(text).toContain('kubelet_cpu_manager_shared_pool_size_millicores 1000\n');
    expect(text).toContain('kubelet_cpu_manager_exclusive_cpu_allocation_count 6\n');
  });

  it('leaves alone what has ended, and what is where it may be', async () => {
    const there = { ...statusOf(a, running()), resources: { cpusetCpus: '0,1,2-7' } };
    const runtime = {
      pod: async () => stateOf(there, statusOf(container('b'), exited(0))),
      updateContainer: async (id: string) => void updates.push(id),
    };
    pods = [guaranteed('u1')];
    await (await start({}, { runtime })).reconcile();
    expect(updates).toEqual([]);
  });

  it('gives nobody any without a policy, and says so on disk', async () => {
    const cpus = await start({ policy: 'none' }, { kept: undefined });
    expect([cpus.wants(guaranteed('u1')), cpus.listFor('u1', 'a'), cpus.isExclusive]).toEqual([
      false,
      undefined,
      false,
    ]);
    expect(await file()).toBe('{"policyName":"none","defaultCpuSet":"","checksum":1353318690}');
    await expect(start()).rejects.toThrow(
      `start cpu manager error: could not restore state from checkpoint: configured policy "static" differs from state checkpoint policy "none", please drain this node and delete the CPU manager checkpoint file "${directory}/cpu_manager_state" before restarting Kubelet`,
    );
  });

  it.each<[string, Partial<CpuSettings>, Partial<CpuManagerOptions>, string]>([
    [
      'nothing is kept',
      {},
      { kept: undefined },
      '[cpumanager] unable to determine reserved CPU resources for static policy',
    ],
    [
      'other CPUs are named than are kept',
      { reserved: parseCpus('0-1') },
      {},
      'new static policy error: [cpumanager] unable to reserve the required amount of CPUs (size of 0-1 did not equal 1)',
    ],
    [
      'CPUs are named that there are not',
      { reserved: parseCpus('8') },
      {},
      'reserved-cpus: 8 is not a subset of online-cpus: 0-7',
    ],
  ])('does not start where %s', async (_, settings, more, message) => {
    await expect(start(settings, more)).rejects.toThrow(message);
  });

  it('does not start with what is of another machine', async () => {
    await writeFile(join(directory, 'cpu_manager_state'), '{"policyName":"static","defaultCpuSet":"0-1","checksum":0}');
    await expect(start()).rejects.toThrow(
      'start cpu manager error: current set of available CPUs "0-7" doesn\'t match with CPUs in state "0-1"',
    );
  });
});
