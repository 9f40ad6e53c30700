import type { Affinity, Pod, PodAffinityTerm, TopologySpreadConstraint } from '@keelson/api/generated/types/core/v1';
import type { TypedObject } from '@keelson/api/object';
import { describe, expect, it } from 'vitest';
import type { InterPodAffinityArgs, PodTopologySpreadArgs } from '../config/types.ts';
import { helps, TestCluster } from '../testing/cluster.ts';
import { makeNode, makePod } from '../testing/objects.ts';
import { interPodAffinity } from './inter-pod-affinity.ts';
import { podTopologySpread } from './pod-topology-spread.ts';

const ZONE = 'topology.kubernetes.io/zone';
const HOST = 'kubernetes.io/hostname';
const inZone = (name: string, zone: string, spec = {}) => makeNode(name, { labels: { [ZONE]: zone }, spec });
const nodes = [inZone('a1', 'a'), inZone('a2', 'a'), inZone('b1', 'b'), makeNode('x')];
const on = (node: string, app: string, spec: Partial<Pod['spec']> = {}, namespace = 'default'): Pod =>
  makePod(`${app}-${node}`, {
    labels: { app },
    spec: { nodeName: node, ...spec },
    metadata: {
      namespace,
      name: `${app}-${node}`,
      uid: `${app}-${node}-${Math.round(performance.now() * 1e6)}`,
      labels: { app },
    },
  });
const term = (app: string, topologyKey = ZONE, more: Partial<PodAffinityTerm> = {}): PodAffinityTerm => ({
  topologyKey,
  labelSelector: { matchLabels: { app } },
  ...more,
});
type Kind = 'podAffinity' | 'podAntiAffinity';
const required = (kind: Kind, ...terms: PodAffinityTerm[]): Partial<Pod['spec']> => ({
  affinity: { [kind]: { requiredDuringSchedulingIgnoredDuringExecution: terms } } as Affinity,
});
const preferred = (kind: Kind, weight: number, podAffinityTerm: PodAffinityTerm): Partial<Pod['spec']> => ({
  affinity: { [kind]: { preferredDuringSchedulingIgnoredDuringExecution: [{ weight, podAffinityTerm }] } } as Affinity,
});
const wanting = (spec: Partial<Pod['spec']>, app = 'me') => makePod('p', { labels: { app }, spec });
const all = (reason: string, ...names: string[]) => Object.fromEntries(names.map((name) => [name, reason]));

describe('InterPodAffinity', () => {
  const args: InterPodAffinityArgs = { hardPodAffinityWeight: 1, ignorePreferredTermsOfExistingPods: false };
  const friends = "!node(s) didn't match pod affinity rules";
  const foes = "node(s) didn't match pod anti-affinity rules";
  const unwelcome = "node(s) didn't satisfy existing pods anti-affinity rules";
  it.each<[string, Pod[], Pod, Record<string, string>]>([
    ['nothing asked for', [on('a1', 'db')], wanting({}), {}],
    ['near in the zone', [on('a1', 'db')], wanting(required('podAffinity', term('db'))), all(friends, 'b1', 'x')],
    [
      'near on the node',
      [on('a1', 'db')],
      wanting(required('podAffinity', term('db', HOST))),
      all(friends, 'a2', 'b1', 'x'),
    ],
    ['near what is not there', [], wanting(required('podAffinity', term('db'))), all(friends, 'a1', 'a2', 'b1', 'x')],
    ['near its like, which it is the first of', [], wanting(required('podAffinity', term('me'))), all(friends, 'x')],
    [
      'near both',
      [on('a1', 'db'), on('b1', 'web')],
      wanting(required('podAffinity', term('db'), term('web'))),
      all(friends, 'a1', 'a2', 'b1', 'x'),
    ],
    ['away from the zone', [on('a1', 'db')], wanting(required('podAntiAffinity', term('db'))), all(foes, 'a1', 'a2')],
    ['away from its like', [on('a1', 'me')], wanting(required('podAntiAffinity', term('me', HOST))), all(foes, 'a1')],
    [
      'who is there wants to be away',
      [on('a1', 'db', required('podAntiAffinity', term('me')))],
      wanting({}),
      all(unwelcome, 'a1', 'a2'),
    ],
    [
      'who is there wants another to be away',
      [on('a1', 'db', required('podAntiAffinity', term('other')))],
      wanting({}),
      {},
    ],
    [
      'pods of other namespaces do not count',
      [on('a1', 'db', {}, 'other')],
      wanting(required('podAntiAffinity', term('db'))),
      {},
    ],
    [
      'unless they are named',
      [on('a1', 'db', {}, 'other')],
      wanting(required('podAntiAffinity', term('db', ZONE, { namespaces: ['other'] }))),
      all(foes, 'a1', 'a2'),
    ],
    [
      'or selected',
      [on('a1', 'db', {}, 'team')],
      wanting(required('podAntiAffinity', term('db', ZONE, { namespaceSelector: { matchLabels: { team: 'x' } } }))),
      all(foes, 'a1', 'a2'),
    ],
    [
      'or all are',
      [on('a1', 'db', {}, 'other')],
      wanting(required('podAntiAffinity', term('db', ZONE, { namespaceSelector: {} }))),
      all(foes, 'a1', 'a2'),
    ],
    [
      'who is there selects the namespace',
      [
        on(
          'a1',
          'db',
          required('podAntiAffinity', term('me', ZONE, { namespaceSelector: { matchLabels: { home: 'yes' } } })),
          'team',
        ),
      ],
      wanting({}),
      all(unwelcome, 'a1', 'a2'),
    ],
  ])('%s', (_, pods, pod, rejected) => {
    const cluster = new TestCluster(nodes, pods);
    const namespace = (name: string, labels: Record<string, string>): TypedObject => ({ metadata: { name, labels } });
    cluster.put('namespaces', namespace('team', { team: 'x' }), namespace('default', { home: 'yes' }));
    expect(cluster.filter(interPodAffinity(args, cluster.context), pod)).toEqual(rejected);
  });

  it.each<[string, Pod[], Pod, Record<string, number>]>([
    ['nobody cares', [on('a1', 'db')], wanting({}), {}],
    [
      'likes',
      [on('a1', 'db'), on('a2', 'db'), on('b1', 'db')],
      wanting(preferred('podAffinity', 5, term('db'))),
      { a1: 100, a2: 100, b1: 50, x: 0 },
    ],
    [
      'dislikes',
      [on('a1', 'db')],
      wanting(preferred('podAntiAffinity', 5, term('db', HOST))),
      { a1: 0, a2: 100, b1: 100, x: 100 },
    ],
    [
      'is liked',
      [on('b1', 'db', preferred('podAffinity', 5, term('me')))],
      wanting({}),
      { a1: 0, a2: 0, b1: 100, x: 0 },
    ],
    [
      'is disliked',
      [on('b1', 'db', preferred('podAntiAffinity', 5, term('me')))],
      wanting({}),
      { a1: 100, a2: 100, b1: 0, x: 100 },
    ],
    [
      'is needed',
      [on('a1', 'db', required('podAffinity', term('me')))],
      wanting({}),
      { a1: 100, a2: 100, b1: 0, x: 0 },
    ],
  ])('score: %s', (_, pods, pod, scores) => {
    const cluster = new TestCluster(nodes, pods);
    expect(cluster.score(interPodAffinity(args, cluster.context), pod)).toEqual(scores);
  });

  it('what helps', () => {
    const plugin = interPodAffinity(args, new TestCluster(nodes).context);
    const near = wanting(required('podAffinity', term('db')));
    const away = wanting(required('podAntiAffinity', term('db')));
    expect(helps(plugin, near, undefined, on('a1', 'db'))).toBe(true);
    expect(helps(plugin, near, undefined, on('a1', 'web'))).toBe(false);
    expect(helps(plugin, near, undefined, makePod('no node', { labels: { app: 'db' } }))).toBe(false);
    expect(helps(plugin, away, on('a1', 'db'), undefined)).toBe(true);
    expect(helps(plugin, away, on('a1', 'web'), undefined)).toBe(false);
    expect(helps(plugin, wanting({}), on('a1', 'db', required('podAntiAffinity', term('me'))), undefined)).toBe(true);
    expect(helps(plugin, near, on('a1', 'web'), on('a1', 'db'))).toBe(true);
    expect(helps(plugin, near, undefined, inZone('n', 'c'), 1)).toBe(true);
    expect(helps(plugin, near, undefined, makeNode('n'), 1)).toBe(false);
    expect(helps(plugin, near, makeNode('n'), inZone('n', 'c'), 1)).toBe(true);
    expect(helps(plugin, away, inZone('n', 'a'), inZone('n', 'c'), 1)).toBe(true);
    expect(helps(plugin, away, inZone('n', 'a'), inZone('n', 'a'), 1)).toBe(false);
  });
});

describe('PodTopologySpread', () => {
  const system: PodTopologySpreadArgs = { defaultConstraints: [], defaultingType: 'System' };
  const no = "node(s) didn't match pod topology spread constraints";
  const missing = `!${no} (missing required label)`;
  const constraint = (more: Partial<TopologySpreadConstraint> = {}): TopologySpreadConstraint => ({
    maxSkew: 1,
    topologyKey: ZONE,
    whenUnsatisfiable: 'DoNotSchedule',
    labelSelector: { matchLabels: { app: 'me' } },
    ...more,
  });
  const spreading = (...constraints: TopologySpreadConstraint[]) =>
    makePod('p', { labels: { app: 'me', version: '2' }, spec: { topologySpreadConstraints: constraints } });
  const me = (node: string, more: Record<string, string> = {}, parts: object = {}) =>
    makePod(`me-${node}-${Object.values(more)}`, {
      labels: { app: 'me', ...more },
      spec: { nodeName: node },
      ...parts,
    });
  it.each<[string, Pod[], Pod, Record<string, string>]>([
    ['even', [me('a1'), me('b1')], spreading(constraint()), { x: missing }],
    ['uneven', [me('a1')], spreading(constraint()), { a1: no, a2: no, x: missing }],
    ['less uneven than allowed', [me('a1')], spreading(constraint({ maxSkew: 2 })), { x: missing }],
    ['by node', [me('a1'), me('a2'), me('x')], spreading(constraint({ topologyKey: HOST })), { a1: no, a2: no, x: no }],
    ['both', [me('a1')], spreading(constraint(), constraint({ topologyKey: HOST })), { a1: no, a2: no, x: missing }],
    [
      'a pod that does not count itself',
      [me('a1')],
      spreading(constraint({ labelSelector: { matchLabels: { version: '1' } } })),
      { x: missing },
    ],
    [
      'too few domains',
      [me('a1'), me('b1')],
      spreading(constraint({ minDomains: 3 })),
      { a1: no, a2: no, b1: no, x: missing },
    ],
    [
      'only pods of the same version',
      [me('a1', { version: '1' })],
      spreading(constraint({ matchLabelKeys: ['version'] })),
      { x: missing },
    ],
    [
      'pods that are leaving do not count',
      [
        me(
          'a1',
          {},
          {
            metadata: {
              namespace: 'default',
              name: 'gone',
              uid: 'gone',
              labels: { app: 'me' },
              deletionTimestamp: '2026-01-01T00:00:00Z',
            },
          },
        ),
      ],
      spreading(constraint()),
      { x: missing },
    ],
    ['selects everything: counts nothing', [me('a1')], spreading(constraint({ labelSelector: {} })), { x: missing }],
    ['soft', [me('a1')], spreading(constraint({ whenUnsatisfiable: 'ScheduleAnyway' })), {}],
  ])('%s', (_, pods, pod, rejected) => {
    const cluster = new TestCluster(nodes, pods);
    expect(cluster.filter(podTopologySpread(system, cluster.context), pod)).toEqual(rejected);
  });

  it.each<[string, Partial<TopologySpreadConstraint>, Partial<Pod['spec']>, string[]]>([
    ['nodes that the pod may not use do not count', {}, { nodeSelector: { [ZONE]: 'a' } }, []],
    ['unless it is said so', { nodeAffinityPolicy: 'Ignore' }, { nodeSelector: { [ZONE]: 'a' } }, ['a1', 'a2']],
    ['tainted nodes count', {}, {}, ['a1', 'a2']],
    ['unless it is said so', { nodeTaintsPolicy: 'Honor' }, {}, []],
  ])('%s', (_, policies, spec, rejected) => {
    const tainted = inZone('b1', 'b', { taints: [{ key: 'k', effect: 'NoSchedule' }] });
    const cluster = new TestCluster([inZone('a1', 'a'), inZone('a2', 'a'), tainted], [me('a1')]);
    const pod = spreading(constraint(policies));
    const wanted = { ...pod, spec: { ...pod.spec, ...spec } };
    expect(cluster.filter(podTopologySpread(system, cluster.context), wanted)).toEqual(all(no, ...rejected));
  });

  it('defaults of the profile are for pods that belong together', () => {
    const cluster = new TestCluster(nodes, [me('a1')]);
    const hard = constraint({ labelSelector: undefined as never });
    const plugin = podTopologySpread({ defaultingType: 'List', defaultConstraints: [hard] }, cluster.context);
    const pod = makePod('p', { labels: { app: 'me' } });
    expect(cluster.filter(plugin, pod)).toEqual({});
    const service = { metadata: { namespace: 'default', name: 's' }, spec: { selector: { app: 'me' } } } as TypedObject;
    cluster.put('services', service);
    expect(cluster.filter(plugin, pod)).toEqual({ a1: no, a2: no, x: missing });
  });

  it('scores: fewer of the like in zone and on the node are better', () => {
    const cluster = new TestCluster(nodes, [me('a1'), me('a1', { n: '2' }), me('a2')]);
    const soft = spreading(constraint({ whenUnsatisfiable: 'ScheduleAnyway' }));
    expect(cluster.score(podTopologySpread(system, cluster.context), soft)).toEqual({ a1: 0, a2: 0, b1: 100, x: 0 });
    const byNode = spreading(constraint({ whenUnsatisfiable: 'ScheduleAnyway', topologyKey: HOST }));
    expect(cluster.score(podTopologySpread(system, cluster.context), byNode)).toEqual({
      a1: 0,
      a2: 50,
      b1: 100,
      x: 100,
    });
    expect(cluster.score(podTopologySpread(system, cluster.context), spreading())).toEqual({});
  });

  it('what helps', () => {
    const plugin = podTopologySpread(system, new TestCluster(nodes).context);
    const pod = spreading(constraint());
    expect(helps(plugin, pod, me('a1'), undefined)).toBe(true);
    expect(helps(plugin, pod, on('a1', 'other'), undefined)).toBe(false);
    expect(helps(plugin, pod, undefined, me('b1'))).toBe(true);
    expect(helps(plugin, pod, undefined, makePod('unscheduled', { labels: { app: 'me' } }))).toBe(false);
    expect(helps(plugin, pod, undefined, inZone('n', 'c'), 1)).toBe(true);
    expect(helps(plugin, pod, undefined, makeNode('n'), 1)).toBe(false);
    expect(helps(plugin, pod, inZone('n', 'a'), inZone('n', 'b'), 1)).toBe(true);
    expect(helps(plugin, pod, inZone('n', 'a'), inZone('n', 'a'), 1)).toBe(false);
  });
});
