import type { Affinity, Node, Pod } from '@keelson/api/generated/types/core/v1';
import { describe, expect, it } from 'vitest';
import { PodInfo } from '../pods/pod-info.ts';
import { helps, TestCluster } from '../testing/cluster.ts';
import { container, makeNode, makePod } from '../testing/objects.ts';
import { imageLocality } from './image-locality.ts';
import { nodeAffinity } from './node-affinity.ts';
import { nodeDeclaredFeatures } from './node-declared-features.ts';
import { nodeName } from './node-name.ts';
import { nodePorts } from './node-ports.ts';
import { nodeUnschedulable } from './node-unschedulable.ts';
import { schedulingGates } from './scheduling-gates.ts';
import { taintToleration } from './taint-toleration.ts';

describe('SchedulingGates', () => {
  it('keeps a gated pod back until its gates are gone', () => {
    const gates = [{ name: 'a' }, { name: 'b' }];
    const gated = makePod('p', { spec: { schedulingGates: gates } });
    const plugin = schedulingGates();
    expect(plugin.preEnqueue!(new PodInfo(gated))?.reasons).toEqual(['waiting for scheduling gates: [a b]']);
    expect(plugin.preEnqueue!(new PodInfo(makePod('q')))).toBeUndefined();
    expect(helps(plugin, gated, gated, gated)).toBe(true);
    expect(helps(plugin, gated, gated, makePod('other'))).toBe(false);
  });
});

describe('NodeName and NodeUnschedulable', () => {
  const cordoned = makeNode('cordoned', { spec: { unschedulable: true } });
  const cluster = new TestCluster([makeNode('a'), cordoned]);
  it('a pod that names its node gets no other', () => {
    const pod = makePod('p', { spec: { nodeName: 'a' } });
    expect(cluster.filter(nodeName(), pod)).toEqual({ cordoned: "!node(s) didn't match the requested node name" });
  });
  it('cordoned nodes take who tolerates it', () => {
    const key = 'node.kubernetes.io/unschedulable';
    const tolerant = makePod('p', { spec: { tolerations: [{ key, operator: 'Exists' }] } });
    expect(cluster.filter(nodeUnschedulable(), makePod('p'))).toEqual({ cordoned: '!node(s) were unschedulable' });
    expect(cluster.filter(nodeUnschedulable(), tolerant)).toEqual({});
  });
  it('uncordoning helps', () => {
    const plugin = nodeUnschedulable();
    expect(helps(plugin, makePod('p'), cordoned, makeNode('cordoned'))).toBe(true);
    expect(helps(plugin, makePod('p'), undefined, cordoned)).toBe(false);
    expect(helps(plugin, makePod('p'), makeNode('a'), makeNode('a'))).toBe(false);
  });
});

describe('NodeDeclaredFeatures', () => {
  const able = makeNode('able', { status: { declaredFeatures: ['UserNamespacesHostNetworkSupport'] } });
  const cluster = new TestCluster([makeNode('old'), able]);
  const needing = makePod('p', { spec: { hostNetwork: true, hostUsers: false } });
  const plugin = nodeDeclaredFeatures(undefined, { isEnabled: () => true });
  it('what only some kubelets can do goes to those', () => {
    const old = "!node(s) didn't match Pod's required features";
    expect(cluster.filter(plugin, needing)).toEqual({ old });
    expect(cluster.filter(plugin, makePod('p', { spec: { hostNetwork: true } }))).toEqual({});
    const restartPolicyRules = [{ action: 'RestartAllContainers' }];
    const restarting = makePod('p', { spec: { initContainers: [container({}, { restartPolicyRules })] } });
    expect(cluster.filter(plugin, restarting)).toEqual({ old, able: old });
  });
  it('nobody asks where the gate is off', () => {
    expect(cluster.filter(nodeDeclaredFeatures(undefined, { isEnabled: () => false }), needing)).toEqual({});
  });
  it('a newer kubelet helps', () => {
    expect(helps(plugin, needing, makeNode('able'), able)).toBe(true);
    expect(helps(plugin, needing, able, able)).toBe(false);
  });
});

describe('TaintToleration', () => {
  const tainted = (name: string, ...taints: Node['spec']['taints'] & object) => makeNode(name, { spec: { taints } });
  const plugin = taintToleration();
  const taint = { key: 'dedicated', value: 'db', effect: 'NoSchedule' };
  const no = '!node(s) had untolerated taint(s)';
  it.each<[string, Pod['spec']['tolerations'], Record<string, string>]>([
    ['none', undefined, { n: no }],
    ['equal', [{ key: 'dedicated', value: 'db' }], {}],
    ['another value', [{ key: 'dedicated', value: 'web' }], { n: no }],
    ['exists', [{ key: 'dedicated', operator: 'Exists' }], {}],
    ['everything', [{ operator: 'Exists' }], {}],
    ['another effect', [{ key: 'dedicated', operator: 'Exists', effect: 'NoExecute' }], { n: no }],
    ['an operator that is not enabled', [{ key: 'dedicated', operator: 'Gt', value: '1' }], { n: no }],
  ])('tolerations: %s', (_, tolerations, found) => {
    const cluster = new TestCluster([tainted('n', taint)]);
    expect(cluster.filter(plugin, makePod('p', { spec: tolerations ? { tolerations } : {} }))).toEqual(found);
  });

  it('prefers nodes with fewer taints that only ask to be avoided', () => {
    const soft = (key: string) => ({ key, effect: 'PreferNoSchedule' });
    const cluster = new TestCluster([
      makeNode('none'),
      tainted('one', soft('a')),
      tainted('two', soft('a'), soft('b')),
    ]);
    expect(cluster.filter(plugin, makePod('p'))).toEqual({});
    expect(cluster.score(plugin, makePod('p'))).toEqual({ none: 100, one: 50, two: 0 });
    const tolerations = [{ key: 'a', operator: 'Exists', effect: 'PreferNoSchedule' }];
    expect(cluster.score(plugin, makePod('p', { spec: { tolerations } }))).toEqual({ none: 100, one: 100, two: 0 });
  });

  it('a taint that goes helps', () => {
    expect(helps(plugin, makePod('p'), tainted('n', taint), makeNode('n'))).toBe(true);
    expect(helps(plugin, makePod('p'), makeNode('n'), makeNode('n'))).toBe(false);
    expect(helps(plugin, makePod('p'), undefined, tainted('n', taint))).toBe(false);
  });
});

describe('NodeAffinity', () => {
  const cluster = new TestCluster([
    makeNode('a', { labels: { disk: 'ssd', cpus: '8' } }),
    makeNode('b', { labels: { disk: 'hdd', cpus: '16' } }),
    makeNode('c'),
  ]);
  const no = "!node(s) didn't match Pod's node affinity/selector";
  const required = (...nodeSelectorTerms: object[]): Partial<Pod['spec']> => ({
    affinity: { nodeAffinity: { requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms } } } as Affinity,
  });
  const expression = (key: string, operator: string, ...values: string[]) => ({
    matchExpressions: [{ key, operator, ...(values.length ? { values } : {}) }],
  });
  const name = (operator: string, ...values: string[]) => ({
    matchFields: [{ key: 'metadata.name', operator, values }],
  });
  it.each<[string, Partial<Pod['spec']>, string[]]>([
    ['nothing asked for', {}, ['a', 'b', 'c']],
    ['node selector', { nodeSelector: { disk: 'ssd' } }, ['a']],
    ['In', required(expression('disk', 'In', 'ssd', 'hdd')), ['a', 'b']],
    ['NotIn', required(expression('disk', 'NotIn', 'ssd')), ['b', 'c']],
    ['Exists', required(expression('disk', 'Exists')), ['a', 'b']],
    ['DoesNotExist', required(expression('disk', 'DoesNotExist')), ['c']],
    ['Gt', required(expression('cpus', 'Gt', '8')), ['b']],
    ['Lt', required(expression('cpus', 'Lt', '16')), ['a']],
    ['one of several terms', required(expression('disk', 'In', 'ssd'), name('In', 'c')), ['a', 'c']],
    [
      'selector and affinity together',
      { ...required(expression('disk', 'Exists')), nodeSelector: { disk: 'hdd' } },
      ['b'],
    ],
    ['no terms', required(), []],
    ['an empty term', required({}), []],
    [
      'a term that makes no sense beside one that does',
      required(expression('disk', 'Gt', 'x'), name('In', 'b')),
      ['b'],
    ],
    ['name', required(name('NotIn', 'a')), ['b', 'c']],
  ])('%s', (_, spec, nodes) => {
    const rejected = ['a', 'b', 'c'].filter((node) => !nodes.includes(node)).map((node) => [node, no]);
    expect(cluster.filter(nodeAffinity({}), makePod('p', { spec }))).toEqual(Object.fromEntries(rejected));
  });

  it('knows the only nodes that can do', () => {
    const nodesOf = (...terms: object[]) =>
      nodeAffinity({}).preFilter!(new PodInfo(makePod('p', { spec: required(...terms) })), cluster.snapshot.nodes);
    expect(nodesOf(name('In', 'a'), name('In', 'b'))).toMatchObject({ nodes: new Set(['a', 'b']) });
    expect(nodesOf(name('In', 'a'), expression('disk', 'Exists'))).not.toHaveProperty('nodes');
    const both = { matchFields: [...name('In', 'a').matchFields, ...name('In', 'b').matchFields] };
    expect(nodesOf(both)).toMatchObject({ reasons: ['pod affinity terms conflict'] });
  });

  it('adds what the profile asks for', () => {
    const addedAffinity = required(expression('disk', 'Exists')).affinity!.nodeAffinity!;
    expect(
      cluster.filter(nodeAffinity({ addedAffinity }), makePod('p', { spec: { nodeSelector: { disk: 'hdd' } } })),
    ).toEqual({
      a: no,
      c: "!node(s) didn't match scheduler-enforced node affinity",
    });
  });

  it('scores preferences by weight', () => {
    const prefer = (weight: number, preference: object) => ({ weight, preference });
    const preferred = [prefer(80, expression('disk', 'In', 'ssd')), prefer(20, expression('disk', 'Exists'))];
    const affinity = { nodeAffinity: { preferredDuringSchedulingIgnoredDuringExecution: preferred } } as Affinity;
    expect(cluster.score(nodeAffinity({}), makePod('p', { spec: { affinity } }))).toEqual({ a: 100, b: 20, c: 0 });
    expect(cluster.score(nodeAffinity({}), makePod('p'))).toEqual({});
  });
});

describe('NodePorts', () => {
  const withPort = (name: string, hostPort: number, more: object = {}, spec: object = {}) =>
    makePod(name, {
      spec: { containers: [{ name: 'c', resources: {}, ports: [{ containerPort: 80, hostPort, ...more }] }], ...spec },
    });
  const no = "node(s) didn't have free ports for the requested pod ports";
  it.each<[string, object, object, boolean]>([
    ['the same port', {}, {}, false],
    ['another protocol', { protocol: 'UDP' }, {}, true],
    ['another address', { hostIP: '127.0.0.1' }, { hostIP: '127.0.0.2' }, true],
    ['any address and one', { hostIP: '0.0.0.0' }, { hostIP: '127.0.0.1' }, false],
    ['one address and any', { hostIP: '127.0.0.1' }, {}, false],
  ])('%s', (_, there, wanted, fits) => {
    const cluster = new TestCluster([makeNode('n')], [withPort('there', 8080, there, { nodeName: 'n' })]);
    expect(cluster.filter(nodePorts(), withPort('p', 8080, wanted))).toEqual(fits ? {} : { n: no });
    expect(cluster.filter(nodePorts(), withPort('p', 8081, wanted))).toEqual({});
  });
  it('a pod that leaves the port helps', () => {
    const pod = withPort('p', 8080);
    expect(helps(nodePorts(), pod, withPort('q', 8080, {}, { nodeName: 'n' }), undefined)).toBe(true);
    expect(helps(nodePorts(), pod, withPort('q', 8081, {}, { nodeName: 'n' }), undefined)).toBe(false);
    expect(helps(nodePorts(), pod, withPort('q', 8080), undefined)).toBe(false);
  });
});

describe('ImageLocality', () => {
  const MIB = 2 ** 20;
  const image = (name: string, size: number) => ({ names: [name], sizeBytes: size * MIB });
  const withImages = (name: string, ...images: object[]) => makeNode(name, { status: { images } as Node['status'] });
  const cluster = new TestCluster([
    withImages('both', image('a:latest', 300), image('b:v1', 600)),
    withImages('one', image('b:v1', 600)),
    withImages('none'),
  ]);
  const pod = (...images: string[]) =>
    makePod('p', { spec: { containers: images.map((each, i) => ({ name: `c${i}`, image: each, resources: {} })) } });
  it.each<[string[], Record<string, number>]>([
    // 300 MiB on a third of the nodes and 600 on two thirds, of at most 1000 for each container.
    [['a', 'b:v1'], { both: 24, one: 19, none: 0 }],
    [['a'], { both: 7, one: 0, none: 0 }],
    [['unknown'], { both: 0, one: 0, none: 0 }],
  ])('%s', (images, scores) => {
    expect(cluster.score(imageLocality({}, cluster.context), pod(...images))).toEqual(scores);
  });
});
