import { ManualClock } from '@keelson/api/clock';
import type { DaemonSet, RollingUpdateDaemonSet } from '@keelson/api/generated/types/apps/v1';
import type { Node, Pod, PodSpec, Taint } from '@keelson/api/generated/types/core/v1';
import { describe, expect, it, test } from 'vitest';
import { FailureBackoff } from './failures.ts';
import { nodeJudge, targetNode, templateFor } from './nodes.ts';
import { byNode, type Observed, plan, rollingUpdate } from './plan.ts';
import { statusOf } from './status.ts';

const NOW = Date.parse('2026-01-01T01:00:00Z');
const set = (
  spec: Partial<PodSpec> = {},
  rollingUpdate: RollingUpdateDaemonSet = { maxUnavailable: 1 },
): DaemonSet => ({
  metadata: { name: 'd', namespace: 'ns', uid: 'd', annotations: { 'deprecated.daemonset.template.generation': '7' } },
  spec: {
    selector: {},
    template: { metadata: { labels: { app: 'd' } }, spec: { containers: [], ...spec } },
    updateStrategy: { type: 'RollingUpdate', rollingUpdate },
  },
  status: { currentNumberScheduled: 0, desiredNumberScheduled: 0, numberMisscheduled: 0, numberReady: 0 },
});
const node = (name: string, labels: Record<string, string> = {}, taints: Taint[] = []): Node => ({
  metadata: { name, labels },
  spec: { taints },
  status: {} as Node['status'],
});
let age = 0;
interface Given {
  hash?: string;
  phase?: string;
  ready?: boolean;
  leaving?: boolean;
  bound?: boolean;
}
function pod(
  name: string,
  on: string,
  { hash = 'new', phase = 'Running', ready = true, leaving, bound = true }: Given = {},
): Pod {
  const made = templateFor(set(), hash, on);
  return {
    metadata: {
      name,
      uid: name,
      creationTimestamp: `2026-01-01T00:00:${String(age++ % 60).padStart(2, '0')}Z`,
      labels: { 'controller-revision-hash': hash },
      ...(leaving ? { deletionTimestamp: '2026-01-01T00:59:00Z' } : {}),
    },
    spec: { ...made.spec, ...(bound ? { nodeName: on } : {}) },
    status: {
      phase,
      conditions: [{ type: 'Ready', status: ready ? 'True' : 'False', lastTransitionTime: '2026-01-01T00:00:00Z' }],
    },
  };
}
const observed = (pods: Pod[], nodes = [node('a'), node('b'), node('c')], of = set()): Observed => ({
  set: of,
  hash: 'new',
  nodes,
  judge: nodeJudge(of),
  pods: byNode(pods),
  now: NOW,
});
const names = (pods: readonly Pod[]) => pods.map(({ metadata }) => metadata.name);

test.each<[string, Partial<PodSpec>, Node, boolean, boolean]>([
  ['any node', {}, node('a'), true, true],
  ['its labels', { nodeSelector: { disk: 'ssd' } }, node('a', { disk: 'ssd' }), true, true],
  ['other labels', { nodeSelector: { disk: 'ssd' } }, node('a', { disk: 'hdd' }), false, false],
  ['a named node', { nodeName: 'b' }, node('a'), false, false],
  ['a taint', {}, node('a', {}, [{ key: 'k', effect: 'NoSchedule' }]), false, true],
  ['a taint that evicts', {}, node('a', {}, [{ key: 'k', effect: 'NoExecute' }]), false, false],
  ['a taint that only prefers', {}, node('a', {}, [{ key: 'k', effect: 'PreferNoSchedule' }]), true, true],
  [
    'a cordoned node',
    {},
    node('a', {}, [{ key: 'node.kubernetes.io/unschedulable', effect: 'NoSchedule' }]),
    true,
    true,
  ],
  [
    'no network',
    {},
    node('a', {}, [{ key: 'node.kubernetes.io/network-unavailable', effect: 'NoSchedule' }]),
    false,
    true,
  ],
  [
    'no network needed',
    { hostNetwork: true },
    node('a', {}, [{ key: 'node.kubernetes.io/network-unavailable', effect: 'NoSchedule' }]),
    true,
    true,
  ],
])('%s: run %3$s, stay %4$s', (_, spec, on, run, stay) => {
  expect(nodeJudge(set(spec))(on)).toEqual({ run, stay });
});

test('a pod is meant for its node alone', () => {
  const preferred = [{ weight: 1, preference: {} }];
  const nodeAffinity = { preferredDuringSchedulingIgnoredDuringExecution: preferred };
  const { metadata, spec } = templateFor(set({ affinity: { nodeAffinity } }), 'h', 'n');
  expect(metadata.labels).toEqual({ app: 'd', 'controller-revision-hash': 'h', 'pod-template-generation': '7' });
  expect(spec.affinity!.nodeAffinity!.preferredDuringSchedulingIgnoredDuringExecution).toBe(preferred);
  expect(targetNode({ metadata: {}, spec, status: {} })).toBe('n');
  expect(spec.tolerations!.length).toBe(6);
});

describe('one pod on each node', () => {
  const tainted = node('b', {}, [{ key: 'k', effect: 'NoSchedule' }]);
  const evicting = node('b', {}, [{ key: 'k', effect: 'NoExecute' }]);
  it.each<[string, Pod[], Node[], string[], string[]]>([
    ['missing', [pod('1', 'a')], [node('a'), node('b')], ['b'], []],
    ['waiting to be bound', [pod('1', 'a', { bound: false })], [node('a')], [], []],
    [
      'too many: the oldest bound one stays',
      [pod('u', 'a', { bound: false }), pod('1', 'a'), pod('2', 'a')],
      [node('a')],
      [],
      ['2', 'u'],
    ],
    ['ended', [pod('1', 'a', { phase: 'Succeeded' })], [node('a')], [], ['1']],
    ['leaving: nothing until it is gone', [pod('1', 'a', { leaving: true })], [node('a')], [], []],
    ['tainted later: it stays', [pod('1', 'b')], [tainted], [], []],
    ['evicted', [pod('1', 'b')], [evicting], [], ['1']],
    ['of a node that is gone: if it is not bound', [pod('1', 'x'), pod('2', 'x', { bound: false })], [], [], ['2']],
  ])('%s', (_, pods, nodes, create, remove) => {
    const decided = plan(observed(pods, nodes), () => 0);
    expect([decided.create, names(decided.delete)]).toEqual([create, remove]);
  });

  it('failed pods are replaced after a while', () => {
    const failed = observed([pod('1', 'a', { phase: 'Failed' })], [node('a')]);
    expect(plan(failed, () => 3000)).toEqual({ create: [], delete: [], ended: [], againMs: 3000 });
    expect(names(plan(failed, () => 0).delete)).toEqual(['1']);
    const clock = new ManualClock(0);
    const backoff = new FailureBackoff(clock);
    const waits = [];
    for (let i = 0; i < 3; i++) {
      waits.push(backoff.remaining('k'));
      backoff.failed('k');
    }
    clock.advance(1000);
    expect([...waits, backoff.remaining('k')]).toEqual([0, 1000, 2000, 3000]);
  });

  it('two while one surges: the old one goes when the new one is available', () => {
    const surging = set({}, { maxSurge: 1, maxUnavailable: 0 });
    const removed = (...pods: Pod[]) => names(plan(observed(pods, [node('a')], surging), () => 0).delete);
    expect(removed(pod('o', 'a', { hash: 'old' }), pod('n', 'a', { ready: false }))).toEqual([]);
    expect(removed(pod('o', 'a', { hash: 'old' }), pod('n', 'a'))).toEqual(['o']);
    expect(removed(pod('o', 'a', { hash: 'old', ready: false }), pod('n', 'a', { ready: false }))).toEqual(['o']);
  });
});

describe('rolling update', () => {
  const old = (name: string, on: string, more: Given = {}) => pod(name, on, { hash: 'old', ...more });
  it.each<[string, RollingUpdateDaemonSet, Pod[], string[], string[]]>([
    ['one at a time', { maxUnavailable: 1 }, [old('1', 'a'), old('2', 'b'), pod('3', 'c')], [], ['1']],
    [
      'waits for the one that comes up',
      { maxUnavailable: 1 },
      [old('1', 'a'), old('2', 'b'), pod('3', 'c', { ready: false })],
      [],
      [],
    ],
    ['a missing one counts', { maxUnavailable: 1 }, [old('1', 'a'), old('2', 'b')], [], []],
    [
      'broken ones go at once',
      { maxUnavailable: 1 },
      [old('1', 'a', { ready: false }), old('2', 'b', { ready: false }), old('3', 'c')],
      [],
      ['1', '2'],
    ],
    [
      'percentages are rounded up',
      { maxUnavailable: '34%' },
      [old('1', 'a'), old('2', 'b'), old('3', 'c')],
      [],
      ['1', '2'],
    ],
    [
      'surging: new ones come first',
      { maxSurge: 1, maxUnavailable: 0 },
      [old('1', 'a'), old('2', 'b'), pod('3', 'c')],
      ['a'],
      [],
    ],
    [
      'surging: broken ones are replaced at once',
      { maxSurge: 1, maxUnavailable: 0 },
      [old('1', 'a', { ready: false }), old('2', 'b'), pod('3', 'c')],
      ['a', 'b'],
      [],
    ],
    [
      'surging: waits',
      { maxSurge: 1, maxUnavailable: 0 },
      [old('1', 'a'), pod('n', 'a', { ready: false }), old('2', 'b'), pod('3', 'c')],
      [],
      [],
    ],
    [
      'surging: the old one goes',
      { maxSurge: 1, maxUnavailable: 0 },
      [old('1', 'a'), pod('n', 'a'), pod('2', 'b'), pod('3', 'c')],
      [],
      ['1'],
    ],
  ])('%s', (_, limits, pods, create, remove) => {
    const step = rollingUpdate(observed(pods, undefined, set({}, limits)));
    expect([step.create, names(step.delete)]).toEqual([create, remove]);
  });
});

test('status counts nodes', () => {
  const pods = [pod('1', 'a'), pod('2', 'b', { ready: false, hash: 'old' }), pod('3', 'x')];
  const nodes = [node('a'), node('b'), node('c'), node('x', {}, [{ key: 'k', effect: 'NoSchedule' }])];
  expect(statusOf(observed(pods, nodes))).toEqual({
    desiredNumberScheduled: 3,
    currentNumberScheduled: 2,
    numberMisscheduled: 1,
    numberReady: 1,
    numberAvailable: 1,
    numberUnavailable: 2,
    updatedNumberScheduled: 1,
  });
});
