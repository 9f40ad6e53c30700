import type { Pod } from '@keelson/api/generated/types/core/v1';
import type { PodDisruptionBudget } from '@keelson/api/generated/types/policy/v1';
import { Client } from '@keelson/client';
import { FakeTransport } from '@keelson/client/testing/transport';
import { manualWorld } from '@keelson/client/testing/world';
import { describe, expect, it } from 'vitest';
import { defaultProfile } from '../config/defaults.ts';
import { afterFilters } from '../cycle/algorithm.ts';
import { Verdicts } from '../cycle/verdicts.ts';
import type { PluginContext, PreemptionExtenders, Writer } from '../framework/plugin.ts';
import { Profile } from '../framework/profile.ts';
import { enoughCandidates } from '../plugins/default-preemption.ts';
import { registry } from '../plugins/registry.ts';
import { PodInfo } from '../pods/pod-info.ts';
import { TestCluster } from '../testing/cluster.ts';
import { container, makeNode, makePod } from '../testing/objects.ts';
import { bestOf, type Candidate } from './candidates.ts';
import { splitByBudgets } from './victims.ts';

interface Parts {
  readonly cpu?: string;
  readonly priority?: number;
  readonly started?: string;
  readonly labels?: Record<string, string>;
  readonly spec?: Partial<Pod['spec']>;
  readonly status?: Partial<Pod['status']>;
  readonly deleted?: boolean;
}

function pod(
  name: string,
  node: string,
  { cpu = '1', priority = 0, started, labels, spec, status, deleted }: Parts = {},
): Pod {
  return makePod(name, {
    ...(labels ? { labels } : {}),
    spec: { containers: [container({ cpu })], priority, ...(node ? { nodeName: node } : {}), ...spec },
    status: { ...(started ? { startTime: started } : {}), ...status },
    ...(deleted
      ? { metadata: { namespace: 'default', name, uid: `uid-${name}`, deletionTimestamp: '2026-01-01T00:00:00Z' } }
      : {}),
  });
}

const budget = (name: string, allowed: number, app: string): PodDisruptionBudget =>
  ({
    metadata: { namespace: 'default', name },
    spec: { selector: { matchLabels: { app } } },
    status: { disruptionsAllowed: allowed, currentHealthy: 1, desiredHealthy: 1, expectedPods: 1 },
  }) as PodDisruptionBudget;

/** A pod that fits nowhere: what the plugin makes of it, and what is written of it in the end. */
function postFilter(
  nodes: readonly string[],
  pods: readonly Pod[],
  preemptor: Pod,
  budgets: readonly PodDisruptionBudget[] = [],
  more: Partial<PluginContext> = {},
) {
  const cluster = new TestCluster(
    nodes.map((name) => makeNode(name)),
    pods,
  );
  cluster.put('pods', preemptor);
  cluster.put('poddisruptionbudgets.policy', ...budgets);
  const profile = new Profile(defaultProfile(), registry, { ...cluster.context, ...more });
  const { cycle } = profile.begin(new PodInfo(preemptor), cluster.snapshot.nodes);
  const verdicts = new Verdicts();
  for (const node of cluster.snapshot.nodes) {
    const rejection = cycle.filter(node);
    if (rejection) verdicts.set(node.name, rejection);
  }
  const plugin = profile.plugins.postFilter.find(({ name }) => name === 'DefaultPreemption')!;
  return {
    result: () => plugin.postFilter!(cycle.pod, cycle, verdicts),
    ending: () => afterFilters(profile, cycle, verdicts),
  };
}

/** The node it is nominated for, or why not. */
function preempt(...given: Parameters<typeof postFilter>) {
  const { nominate, rejection } = postFilter(...given).result();
  return rejection ? rejection.reasons[0] : nominate;
}

const full = (node: string, parts: Parts = {}) => pod(`on-${node}`, node, { cpu: '4', ...parts });
const important = (parts: Parts = {}) => pod('important', '', { cpu: '2', priority: 100, ...parts });

describe('preemption', () => {
  const nowhere = (nodes: number, why: string) => `preemption: 0/${nodes} nodes are available: ${why}.`;
  it.each<[string, Pod[], Pod, PodDisruptionBudget[], string]>([
    [
      'the node whose victim matters least',
      [full('a', { priority: 10 }), full('b', { priority: 5 })],
      important(),
      [],
      'b',
    ],
    [
      'nobody of equal priority goes',
      [full('a', { priority: 100 }), full('b', { priority: 100 })],
      important(),
      [],
      nowhere(2, '2 No preemption victims found for incoming pod'),
    ],
    [
      'what would not fit on an empty node',
      [full('a'), full('b')],
      important({ cpu: '5' }),
      [],
      nowhere(2, '2 Preemption is not helpful for scheduling'),
    ],
    [
      'where taking all away does not help',
      [full('a'), pod('x', 'b', { cpu: '3', priority: 200 }), pod('y', 'b', { cpu: '1' })],
      important({ cpu: '4' }),
      [],
      'a',
    ],
    [
      'budgets before priorities',
      [full('a', { labels: { app: 'db' } }), full('b', { priority: 50 })],
      important(),
      [budget('db', 0, 'db')],
      'b',
    ],
    [
      'a budget that allows it is no matter',
      [full('a', { labels: { app: 'db' } }), full('b', { priority: 50 })],
      important(),
      [budget('db', 1, 'db')],
      'a',
    ],
    [
      'a violated budget before no node at all',
      [full('a', { labels: { app: 'db' } }), full('b', { priority: 100 })],
      important(),
      [budget('db', 0, 'db')],
      'a',
    ],
    [
      'fewer victims',
      [pod('a1', 'a', { cpu: '2' }), pod('a2', 'a', { cpu: '2' }), full('b')],
      important({ cpu: '4' }),
      [],
      'b',
    ],
    [
      'younger victims',
      [full('a', { started: '2025-01-01T00:00:00Z' }), full('b', { started: '2025-06-01T00:00:00Z' })],
      important(),
      [],
      'b',
    ],
    [
      'who never preempts',
      [full('a'), full('b')],
      important({ spec: { preemptionPolicy: 'Never' } }),
      [],
      'preemption: not eligible due to preemptionPolicy=Never.',
    ],
    [
      'who waits for victims that are leaving',
      [
        full('a', {
          deleted: true,
          status: { conditions: [{ type: 'DisruptionTarget', status: 'True', reason: 'PreemptionByScheduler' }] },
        }),
        full('b'),
      ],
      important({ status: { nominatedNodeName: 'a' } }),
      [],
      'preemption: not eligible due to a terminating pod on the nominated node.',
    ],
  ])('%s', (_, pods, preemptor, budgets, outcome) => {
    expect(preempt(['a', 'b'], pods, preemptor, budgets)).toBe(outcome);
  });

  it('only those go that have to', () => {
    const pods = [
      pod('low', 'a', { cpu: '2', priority: 1 }),
      pod('middle', 'a', { cpu: '1', priority: 5 }),
      pod('high', 'a', { cpu: '1', priority: 50 }),
    ];
    expect(preempt(['a'], pods, important({ cpu: '2' }))).toBe('a');
    expect(preempt(['a'], pods, important({ cpu: '3' }))).toBe('a');
  });

  it('pods that only a victim keeps away fit when it leaves', () => {
    const term = { topologyKey: 'kubernetes.io/hostname', labelSelector: { matchLabels: { app: 'x' } } };
    const hostile = pod('hostile', 'a', {
      spec: { affinity: { podAntiAffinity: { requiredDuringSchedulingIgnoredDuringExecution: [term] } } },
    });
    expect(preempt(['a'], [hostile], important({ labels: { app: 'x' } }))).toBe('a');
  });

  it('spreading is judged as if the victims were gone', () => {
    const spread = {
      maxSkew: 1,
      topologyKey: 'kubernetes.io/hostname',
      whenUnsatisfiable: 'DoNotSchedule',
      labelSelector: { matchLabels: { app: 'x' } },
    };
    const pods = [
      pod('a1', 'a', { labels: { app: 'x' } }),
      pod('a2', 'a', { labels: { app: 'x' } }),
      full('b', { priority: 200 }),
      pod('b1', 'b', { cpu: '0', labels: { app: 'x' }, priority: 200 }),
    ];
    const outcome = preempt(
      ['a', 'b'],
      pods,
      important({ cpu: '1', labels: { app: 'x' }, spec: { topologySpreadConstraints: [spread] } }),
    );
    expect(outcome).toBe('a');
  });

  it('budgets are taken from in order', () => {
    const infos = ['p', 'q', 'r'].map((name) => new PodInfo(pod(name, 'a', { labels: { app: 'db' } })));
    const { violating, others } = splitByBudgets(infos, [budget('db', 1, 'db')]);
    expect([others.map(({ name }) => name), violating.map(({ name }) => name)]).toEqual([['p'], ['q', 'r']]);
    const gone = { ...budget('db', 0, 'db') };
    gone.status = { ...gone.status, disruptedPods: { p: '2026-01-01T00:00:00Z' } };
    expect(splitByBudgets(infos.slice(0, 1), [gone]).violating).toEqual([]);
  });

  it('the best candidate: each criterion in turn', () => {
    const candidate = (node: string, violations: number, ...pods: Pod[]): Candidate => ({
      node,
      victims: { violations, pods: pods.map((each) => new PodInfo(each)) },
    });
    const [low, high] = [
      (name: string) => pod(name, 'x', { priority: 1 }),
      (name: string) => pod(name, 'x', { priority: 9 }),
    ];
    const best = (...candidates: Candidate[]) => bestOf(candidates, 0)?.node;
    expect(best(candidate('a', 1, low('p')), candidate('b', 0, high('q')))).toBe('b');
    expect(best(candidate('a', 0, high('p')), candidate('b', 0, low('q'), low('r')))).toBe('b');
    expect(best(candidate('a', 0, high('p'), high('q')), candidate('b', 0, high('r'), low('s')))).toBe('b');
    expect(best(candidate('a', 0, low('p'), low('q')), candidate('b', 0, low('r')))).toBe('b');
    expect(best()).toBeUndefined();
  });

  it('so many candidates are enough', () => {
    const args = { minCandidateNodesPercentage: 10, minCandidateNodesAbsolute: 100 };
    expect([10, 500, 5000].map((nodes) => enoughCandidates(nodes, args))).toEqual([10, 100, 500]);
  });
});

describe('extenders', () => {
  const given = [full('a', { priority: 10 }), full('b', { priority: 5 })];
  const saying = (choose: (candidates: readonly Candidate[]) => readonly Candidate[]): PreemptionExtenders => ({
    hasSayInPreemption: () => true,
    preempt: async (_, candidates) => choose(candidates),
  });
  const why = '2 Insufficient cpu';
  it.each<[string, (candidates: readonly Candidate[]) => readonly Candidate[], object]>([
    ['leave what is best without them', (all) => all, { nominate: 'b', message: '' }],
    ['take it away', (all) => all.filter(({ node }) => node !== 'b'), { nominate: 'a', message: '' }],
    [
      'take all away',
      () => [],
      { message: 'no new claims to deallocate, preemption: no candidate node for preemption' },
    ],
    [
      'fail',
      () => {
        throw new Error(why);
      },
      { message: `preemption: ${why}` },
    ],
  ])('%s', async (_, choose, ending) => {
    const found = postFilter(['a', 'b'], given, important(), [], { extenders: saying(choose) });
    expect(await found.ending()).toEqual(ending);
  });
});

describe('victims are taken away', () => {
  function taking(isAsync: boolean, status = 200) {
    const refused = { kind: 'Status', code: 403, reason: 'Forbidden', message: 'not allowed' };
    const transport = new FakeTransport(({ method }) =>
      method === 'DELETE' && status === 403 ? { status, body: refused } : { body: {} },
    );
    const client = new Client({ transport, component: 'test', world: manualWorld() });
    const activated: string[] = [];
    const writer: Writer = {
      client,
      recorder: { event: () => {} } as never,
      activate: (pods) => void activated.push(...pods.map(({ name }) => name)),
      giveUp: () => false,
      preempted: () => {},
      evicting: () => () => {},
      claimCreated: () => {},
      awaiting: () => () => {},
      clearNominations: async () => {},
    };
    const isEnabled = (gate: string) => gate !== 'SchedulerAsyncPreemption' || isAsync;
    const { ending } = postFilter(['a'], [full('a')], important(), [], { writer, isEnabled });
    const deleted = () => transport.requests.some(({ method }) => method === 'DELETE');
    return { ending, deleted, activated };
  }

  it.each([true, false])('beside other pods (%s), or before the next one is looked at', async (isAsync) => {
    const { ending, deleted } = taking(isAsync);
    expect(await ending()).toEqual({ nominate: 'a', message: '' });
    expect(deleted()).toBe(!isAsync);
    await expect.poll(deleted).toBe(true);
  });

  it('a failure is the outcome where it is waited for', async () => {
    const waiting = taking(false, 403);
    expect(await waiting.ending()).toEqual({ message: expect.stringContaining('not allowed') });
    const going = taking(true, 403);
    expect(await going.ending()).toEqual({ nominate: 'a', message: '' });
    await expect.poll(() => going.activated).toEqual(['important']);
    expect(waiting.activated).toEqual([]);
  });
});
