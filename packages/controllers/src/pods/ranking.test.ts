import type { Pod } from '@keelson/api/generated/types/core/v1';
import { expect, test } from 'vitest';
import { byDeletionOrder } from './ranking.ts';

const NOW = Date.parse('2026-01-02T00:00:00Z');
interface Given {
  node?: string;
  phase?: string;
  readySince?: string;
  cost?: string;
  restarts?: number;
  sidecarRestarts?: number;
  created?: string;
}

const container = (name: string, restartCount: number) => ({
  name,
  restartCount,
  image: '',
  imageID: '',
  ready: true,
  state: {},
  lastState: {},
});

function pod(name: string, given: Given): Pod {
  const { node = 'n1', phase = 'Running', readySince, cost, restarts = 0, sidecarRestarts = 0 } = given;
  return {
    metadata: {
      name,
      uid: name,
      creationTimestamp: given.created ?? '2026-01-01T00:00:00Z',
      ...(cost === undefined ? {} : { annotations: { 'controller.kubernetes.io/pod-deletion-cost': cost } }),
    },
    spec: { nodeName: node, containers: [], initContainers: [{ name: 's', restartPolicy: 'Always', resources: {} }] },
    status: {
      phase,
      ...(readySince ? { conditions: [{ type: 'Ready', status: 'True', lastTransitionTime: readySince }] } : {}),
      containerStatuses: [container('c', restarts)],
      initContainerStatuses: [container('s', sidecarRestarts), container('i', 99)],
    },
  };
}

const ready = '2026-01-01T00:00:00Z';
test.each<[rule: string, first: Given, second: Given]>([
  ['not assigned', { node: '', readySince: ready }, { phase: 'Pending' }],
  ['pending before unknown', { phase: 'Pending' }, { phase: 'Unknown' }],
  ['unknown before running', { phase: 'Unknown' }, {}],
  ['not ready', {}, { readySince: ready, cost: '-5' }],
  ['cheap', { readySince: ready, cost: '-1' }, { readySince: ready }],
  ['a cost that is none counts as zero', { cost: '-1' }, { cost: '-01' }],
  ['lately ready', { readySince: '2026-01-01T23:00:00Z' }, { readySince: ready, restarts: 3 }],
  ['often restarted', { readySince: ready, restarts: 2 }, { readySince: ready, restarts: 1 }],
  ['sidecar often restarted', { sidecarRestarts: 2 }, { sidecarRestarts: 1 }],
  ['young', { created: '2026-01-01T23:00:00Z' }, { created: '2026-01-01T00:00:00Z' }],
  ['like old: by uid', { created: '2026-01-01T00:00:10Z' }, { created: '2026-01-01T00:00:00Z' }],
])('%s goes first', (_, first, second) => {
  const [a, b] = [pod('a', first), pod('b', second)];
  const names = (pods: Pod[]) => byDeletionOrder(pods, [], NOW, true).map(({ metadata }) => metadata.name);
  expect(names([a, b])).toEqual(['a', 'b']);
  expect(names([b, a])).toEqual(['a', 'b']);
});

test('those on crowded nodes go first', () => {
  const [a, b, c] = [pod('a', { node: 'n1' }), pod('b', { node: 'n2' }), pod('c', { node: 'n2' })];
  const order = byDeletionOrder([a, b], [a, b, c], NOW, true);
  expect(order.map(({ metadata }) => metadata.name)).toEqual(['b', 'a']);
});

test('what pods say of their cost need not be heeded', () => {
  const [dear, cheap] = [pod('a', { cost: '5' }), pod('b', { cost: '-5' })];
  const first = (heedsCost: boolean) => byDeletionOrder([dear, cheap], [], NOW, heedsCost)[0];
  expect([first(true), first(false)]).toEqual([cheap, dear]);
});
