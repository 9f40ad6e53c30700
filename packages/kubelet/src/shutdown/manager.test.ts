import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { MetricsRegistry } from '@keelson/component/metrics/registry';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { nodeReference } from '../node/agent.ts';
import { testNode } from '../testing/node.ts';
import { container, podOf } from '../testing/pods.ts';
import { NodeShutdown, type NodeShutdownOptions } from './manager.ts';
import { groupByPriority } from './periods.ts';
import { TestLogind } from './testing.ts';

const MESSAGE = 'Pod was terminated in response to imminent node shutdown.';
const PERIODS = [
  { priority: 2_000_000_000, seconds: 10 },
  { priority: 0, seconds: 20 },
];

let directory: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'keelson-shutdown-'));
});
afterEach(() => rm(directory, { recursive: true, force: true }));

const podWith = (name: string, more: { priority?: number; grace?: number; stops?: string } = {}) =>
  podOf(
    { containers: [container('a')], priority: more.priority ?? 0, terminationGracePeriodSeconds: more.grace ?? 30 },
    { name, uid: name, annotations: more.stops ? { 'keelson.dev/simulated-stop-time': more.stops } : {} },
  );

function shutdownWith(more: Partial<NodeShutdownOptions> = {}) {
  const logind = new TestLogind();
  const metrics = new MetricsRegistry();
  const changed: boolean[] = [];
  const node = testNode({ alsoAdmit: () => shutdown.admit() });
  const { manager } = node;
  const shutdown: NodeShutdown = new NodeShutdown({
    world: node.world,
    recorder: { event: (_about, _type, reason, message) => void node.events.push(`${reason}: ${message}`) },
    node: nodeReference('n1'),
    periods: PERIODS,
    logind,
    directory,
    metrics,
    pods: () => manager.active(),
    evict: (uid, notice) => manager.evict(uid, notice),
    phaseOf: (uid) => manager.worker(uid)?.state.phase,
    changed: () => void changed.push(shutdown.problems().length > 0),
    ...more,
  });
  const state = async () => JSON.parse(await readFile(join(directory, 'graceful_node_shutdown_state'), 'utf8'));
  const figure = async (what: string) =>
    Number(new RegExp(`^kubelet_graceful_shutdown_${what}_time_seconds (\\S+)$`, 'm').exec(await metrics.text())?.[1]);
  /** Lets the clock and what writes files go on until something is so. */
  const until = (check: () => unknown) =>
    vi.waitFor(
      async () => {
        await node.pass(500);
        await check();
      },
      { timeout: 30_000, interval: 1 },
    );
  return { ...node, shutdown, logind, changed, state, figure, until };
}

describe('groupByPriority', () => {
  it.each([
    [-5, 0],
    [0, 0],
    [9, 0],
    [10, 1],
    [99, 1],
    [100, 2],
    [2_000_000_000, 2],
  ])('a pod of priority %i is of group %i', (priority, index) => {
    const periods = [100, 0, 10].map((each) => ({ priority: each, seconds: 1 }));
    const groups = groupByPriority(periods, [podWith('web', { priority })]);
    expect(groups.map(({ pods }) => pods.length)).toEqual([0, 1, 2].map((each) => (each === index ? 1 : 0)));
  });
});

describe('NodeShutdown', () => {
  it('has the machine wait for as long as pods may take', async () => {
    const { shutdown, logind } = shutdownWith();
    await shutdown.start();
    expect([logind.asked, logind.locks]).toEqual([['delay 30000', 'lock', 'watch'], 1]);
    shutdown.stop();
    expect(logind.locks).toBe(0);
  });

  it('asks for no more than there is', async () => {
    const { shutdown, logind } = shutdownWith();
    logind.delay = 30_000;
    await shutdown.start();
    expect(logind.asked).toEqual(['lock', 'watch']);
  });

  it('goes on without a machine that waits long enough', async () => {
    const { shutdown, logind, until } = shutdownWith();
    logind.takes = false;
    let started = false;
    void shutdown.start().then(() => {
      started = true;
    });
    await until(() => expect(started).toBe(true));
    expect(logind.asked).toEqual(['delay 30000']);
  });

  it('does nothing where pods have no time', async () => {
    const { shutdown, logind } = shutdownWith({ periods: [] });
    await shutdown.start();
    expect(logind.asked).toEqual([]);
  });

  it('ends pods by priority, refuses others, and lets the machine go', async () => {
    const node = shutdownWith();
    const { shutdown, logind, manager, until } = node;
    await shutdown.start();
    const [web, dns] = [podWith('web', { stops: '5s' }), podWith('dns', { priority: 2_000_000_001, grace: 3 })];
    for (const pod of [web, dns]) await node.put(pod);
    await until(() => expect(manager.active().map(({ status }) => status?.phase)).toEqual(['Running', 'Running']));
    const begun = Math.floor(node.world.clock.now() / 1000);

    logind.announce(true);
    await until(() => expect(manager.worker('web')?.state.phase).toBe('terminating'));
    expect(manager.worker('web')?.state).toMatchObject({ ending: { cause: 'evicted', graceSeconds: 20 } });
    expect([manager.worker('dns')?.state.phase, logind.locks, node.changed]).toEqual(['syncing', 1, [true]]);
    expect(await node.figure('end')).toBe(0);
    await node.put(podWith('late'));
    await until(() =>
      expect(node.stored('late')?.status).toMatchObject({
        phase: 'Failed',
        reason: 'NodeShutdown',
        message: 'Pod was rejected: Pod was rejected as the node is shutting down.',
      }),
    );

    await until(() => expect(manager.worker('dns')?.state.phase).not.toBe('syncing'));
    expect(manager.worker('web')?.state.phase ?? 'finished').toBe('finished');
    expect(manager.worker('dns')?.state).toMatchObject({ ending: { graceSeconds: 3 } });
    await until(() => expect(logind.locks).toBe(0));
    await until(() => {
      for (const name of ['web', 'dns']) {
        expect(node.stored(name)?.status).toMatchObject({ phase: 'Failed', reason: 'Terminated', message: MESSAGE });
        expect(node.stored(name)?.status?.conditions).toContainEqual(
          expect.objectContaining({ type: 'DisruptionTarget', status: 'True', reason: 'TerminationByKubelet' }),
        );
      }
    });
    expect(node.events).toContain('Shutdown: Shutdown manager detected shutdown event');
    const { startTime, endTime } = await node.state();
    expect([await node.figure('start'), await node.figure('end')]).toEqual(
      [startTime, endTime].map((time) => Math.floor(Date.parse(time) / 1000)),
    );
    expect(await node.figure('start')).toBeGreaterThanOrEqual(begun);
    expect(await node.figure('end')).toBeGreaterThanOrEqual(begun + 5);
  });

  it('leaves pods that take too long to the end of the machine', async () => {
    const pods = [podWith('web'), podWith('dns', { priority: 2_000_000_000 })];
    const ended: [name: string, at: number][] = [];
    const node = shutdownWith({
      pods: () => pods,
      evict: (uid) => void ended.push([uid, node.world.clock.now()]),
      phaseOf: () => 'terminating',
    });
    await node.shutdown.start();
    node.logind.announce(true);
    await node.until(() => expect(node.logind.locks).toBe(0));
    const [first, second] = ended;
    expect([first?.[0], second?.[0], ended.length]).toEqual(['web', 'dns', 2]);
    expect(second![1] - first![1]).toBeGreaterThanOrEqual(20_000);
    await node.until(() =>
      expect(node.events).toContain(
        'ExceededGracePeriod: Container runtime did not kill the pod within specified grace period.',
      ),
    );
  });

  it('takes pods again where the machine does not go down after all', async () => {
    const { shutdown, logind, until, events } = shutdownWith();
    await shutdown.start();
    logind.announce(true);
    await until(() => expect(logind.locks).toBe(0));
    expect(shutdown.admit()).toBeDefined();
    logind.announce(false);
    await until(() => expect(logind.locks).toBe(1));
    expect([shutdown.admit(), shutdown.problems()]).toEqual([undefined, []]);
    expect(events).toContain('Shutdown: Shutdown manager detected shutdown cancellation');
  });

  it('comes back when the bus does', async () => {
    const { shutdown, logind, until } = shutdownWith();
    await shutdown.start();
    logind.disconnect();
    await until(() => expect(logind.asked).toEqual(['delay 30000', 'lock', 'watch', 'lock', 'watch']));
    expect(logind.locks).toBe(1);
  });

  it('tells of the last time', async () => {
    const state = { startTime: '2026-01-01T00:00:10.5Z', endTime: '0001-01-01T00:00:00Z' };
    await writeFile(join(directory, 'graceful_node_shutdown_state'), JSON.stringify(state));
    const { shutdown, figure } = shutdownWith();
    expect([await figure('start'), await figure('end')]).toEqual([0, 0]);
    await shutdown.start();
    expect([await figure('start'), await figure('end')]).toEqual([1_767_225_610, 0]);
  });
});
