import type { Pod } from '@keelson/api/generated/types/core/v1';
import { MetricsRegistry } from '@keelson/component/metrics/registry';
import { describe, expect, test } from 'vitest';
import { defaultProfile } from '../config/defaults.ts';
import { Profile } from '../framework/profile.ts';
import { SchedulerMetrics } from '../metrics.ts';
import { registry } from '../plugins/registry.ts';
import { PodInfo } from '../pods/pod-info.ts';
import { TestCluster } from '../testing/cluster.ts';
import { makeNode, makePod, type PodParts } from '../testing/objects.ts';
import { Algorithm } from './algorithm.ts';
import { Ranking } from './batch.ts';

const whole = { requests: { cpu: '4' } };
const half = { requests: { cpu: '2' } };

/** Without spreading by default, with which upstream takes no pods to be alike. */
function profileOf(cluster: TestCluster, spreads = false): Profile {
  const profile = defaultProfile();
  const args = new Map(profile.args);
  if (!spreads) args.set('PodTopologySpread', { defaultingType: 'List', defaultConstraints: [] });
  return new Profile({ ...profile, args }, registry, cluster.context);
}

function schedulerOf(spreads = false) {
  // Each is worse than the one before.
  const taints = (count: number) =>
    Array.from({ length: count }, (_, i) => ({ key: `k${i}`, effect: 'PreferNoSchedule' }));
  const nodes = ['a', 'b', 'c', 'd'].map((name, i) => makeNode(name, { spec: { taints: taints(i) } }));
  const cluster = new TestCluster(nodes);
  const metricsRegistry = new MetricsRegistry();
  const time = { seconds: 0 };
  const levels = {
    pending: () => ({ active: 0, backoff: 0, unschedulable: 0, gated: 0 }),
    cached: () => ({ nodes: 0, pods: 0, assumed_pods: 0 }),
    inFlight: () => new Map<string, number>(),
  };
  const algorithm = new Algorithm({
    snapshot: cluster.snapshot,
    percentageOfNodesToScore: 0,
    extenders: undefined,
    random: () => 0.5,
    metrics: new SchedulerMetrics(metricsRegistry, levels, () => time.seconds),
    batches: true,
  });
  const profile = profileOf(cluster, spreads);
  let count = 0;
  const schedule = async (parts: PodParts) => {
    const pod = makePod(`p${count++}`, parts);
    const { outcome } = await algorithm.schedule(profile, new PodInfo(pod));
    if (outcome.kind !== 'placed') return outcome.kind;
    const placed: Pod = { ...pod, spec: { ...pod.spec, nodeName: outcome.node } };
    cluster.put('pods', placed);
    return `${outcome.node} of ${outcome.evaluated}`;
  };
  /** What batches came to, without the name of the profile. */
  const counts = async () =>
    (await metricsRegistry.text())
      .split('\n')
      .flatMap((line) => /^scheduler_batch_.*"(\w+)"\} (\d+)$/.exec(line)?.slice(1).join(' ') ?? []);
  return { cluster, schedule, counts, time };
}

describe('pods that are alike', () => {
  test('and fill their nodes go on with the ranking of the first', async () => {
    const { schedule, counts } = schedulerOf();
    const found = [];
    for (let i = 0; i < 5; i++) found.push(await schedule(whole));
    expect(found).toEqual(['a of 4', 'b of 1', 'c of 1', 'd of 1', 'unschedulable']);
    expect(await counts()).toEqual(['hint_used 3', 'no_hint 2']);
  });

  test.each<[string, PodParts[], number, string[]]>([
    ['leave room on their nodes', [half, half], 0, ['no_hint 2', 'node_not_full 1']],
    ['come long after one another', [whole, whole], 1, ['no_hint 2', 'expired 1']],
    ['are not', [whole, { ...whole, labels: { app: 'x' } }], 0, ['no_hint 2', 'pod_incompatible 1']],
    [
      'have others between them',
      [whole, { requests: { cpu: '5' } }, whole],
      0,
      ['no_hint 3', 'pod_incompatible 1', 'pod_skipped 1'],
    ],
  ])('but %s do not', async (_, pods, pause, expected) => {
    const { schedule, counts, time } = schedulerOf();
    for (const parts of pods) {
      await schedule(parts);
      time.seconds += pause;
    }
    expect(await counts()).toEqual(expected);
  });

  test('find the node that they were to get changed', async () => {
    const { cluster, schedule, counts } = schedulerOf();
    await schedule(whole);
    cluster.put('pods', makePod('other', { ...half, spec: { nodeName: 'b' } }));
    expect(await schedule(whole)).toMatch(/^c /);
    expect(await counts()).toEqual(['hint_not_used 1', 'no_hint 1']);
  });

  test('are none where pods are spread by default', async () => {
    const { schedule, counts } = schedulerOf(true);
    await schedule(whole);
    await schedule(whole);
    expect(await counts()).toEqual(['no_hint 2', 'pod_not_batchable 2']);
  });
});

describe('a signature', () => {
  const sign = (parts: PodParts) => profileOf(new TestCluster()).sign(new PodInfo(makePod('p', parts)));
  const withVolume = (volume: object) => ({ spec: { volumes: [{ name: `v${Math.random()}`, ...volume }] } });
  const affinity = (values: string[]) => ({
    spec: {
      affinity: {
        nodeAffinity: {
          requiredDuringSchedulingIgnoredDuringExecution: {
            nodeSelectorTerms: [{ matchExpressions: [{ key: 'zone', operator: 'In', values }] }],
          },
        },
      },
    },
  });
  const tolerations = (...keys: string[]) => ({ spec: { tolerations: keys.map((key) => ({ key })) } });

  test.each<[string, PodParts, PodParts]>([
    ['names of volumes', withVolume({ emptyDir: {} }), withVolume({ emptyDir: {} })],
    ['secrets', withVolume({ secret: { secretName: 'a' } }), withVolume({ secret: { secretName: 'b' } })],
    ['the order of tolerations', tolerations('a', 'b'), tolerations('b', 'a')],
    ['the order of values', affinity(['a', 'b']), affinity(['b', 'a'])],
    ['the order of labels', { labels: { a: '1', b: '2' } }, { labels: { b: '2', a: '1' } }],
    ['priority', { spec: { priority: 1 } }, { spec: { priority: 2 } }],
  ])('does not tell apart %s', (_, a, b) => {
    expect(sign(a)).toBeTypeOf('string');
    expect(sign(a)).toBe(sign(b));
  });

  test.each<[string, PodParts, PodParts]>([
    ['requests', whole, half],
    ['labels', { labels: { a: '1' } }, { labels: { a: '2' } }],
    ['tolerations', tolerations('a'), tolerations('b')],
    ['values', affinity(['a']), affinity(['b'])],
    ['node selectors', { spec: { nodeSelector: { a: '1' } } }, { spec: { nodeSelector: { a: '2' } } }],
    [
      'claims',
      withVolume({ persistentVolumeClaim: { claimName: 'a' } }),
      withVolume({ persistentVolumeClaim: { claimName: 'b' } }),
    ],
  ])('tells apart %s', (_, a, b) => expect(sign(a)).not.toBe(sign(b)));

  test.each<[string, PodParts]>([
    ['affinity to other pods', { spec: { affinity: { podAntiAffinity: {} } } }],
    ['claims for devices', { spec: { resourceClaims: [{ name: 'r', resourceClaimName: 'c' }] } }],
    [
      'constraints of their own',
      { spec: { topologySpreadConstraints: [{ maxSkew: 1, topologyKey: 'k', whenUnsatisfiable: 'DoNotSchedule' }] } },
    ],
  ])('pods with %s have none', (_, parts) => expect(sign(parts)).toBeUndefined());
});

test('a ranking gives the best first, and of equals one by chance', () => {
  const chances = [0.1, 0.2, 0.9, 0.3, 0.4];
  const nodes = new TestCluster(['a', 'b', 'c', 'd', 'e'].map((name) => makeNode(name))).snapshot.nodes;
  const ranking = new Ranking(nodes, [5, 7, 5, 9, 1], 3, () => chances.shift()!);
  expect(ranking.size).toBe(4);
  expect([1, 2, 3, 4, 5].map(() => ranking.next())).toEqual(['b', 'c', 'a', 'e', undefined]);
});
