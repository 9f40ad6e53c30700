import type { HorizontalPodAutoscaler, MetricSpec } from '@keelson/api/generated/types/autoscaling/v2';
import type { Pod } from '@keelson/api/generated/types/core/v1';
import { Client } from '@keelson/client';
import { type Answer, FakeTransport } from '@keelson/client/testing/transport';
import { manualWorld } from '@keelson/client/testing/world';
import { describe, expect, it } from 'vitest';
import { evaluate, MetricError, type Target } from './evaluate.ts';
import { Metrics } from './metrics.ts';

const NOW = Date.parse('2026-01-01T01:00:00Z');
const pod = (name: string): Pod => ({
  metadata: { name },
  spec: { containers: [{ name: 'c', resources: { requests: { cpu: '500m', memory: '1Gi' } } }] },
  status: {
    phase: 'Running',
    startTime: '2026-01-01T00:00:00Z',
    conditions: [{ type: 'Ready', status: 'True', lastTransitionTime: '2026-01-01T00:00:00Z' }],
  },
});
const autoscaler: HorizontalPodAutoscaler = {
  metadata: { name: 'a', namespace: 'ns' },
  spec: { scaleTargetRef: { kind: 'Deployment', name: 'd' }, maxReplicas: 9 },
  status: { desiredReplicas: 0, currentMetrics: null },
};
const target: Target = {
  autoscaler,
  specReplicas: 2,
  statusReplicas: 2,
  selector: 'app=a',
  pods: [pod('p0'), pod('p1')],
  tolerances: { down: 0.1, up: 0.1 },
  timing: { cpuInitializationMs: 0, initialReadinessDelayMs: 0 },
  now: NOW,
};
const usage = (name: string, cpu: string, memory: string) => ({
  metadata: { name, namespace: 'ns' },
  timestamp: '2026-01-01T00:59:30Z',
  window: '30s',
  containers: [{ name: 'c', usage: { cpu, memory } }],
});
const podMetrics = {
  kind: 'PodMetricsList',
  apiVersion: 'metrics.k8s.io/v1beta1',
  items: [usage('p0', '500m', '3Gi'), usage('p1', '250m', '1Gi')],
};
const values = (...amounts: string[]) => ({
  items: amounts.map((value, i) => ({ describedObject: { name: `p${i}` }, timestamp: '2026-01-01T00:59:30Z', value })),
});
const discovery = {
  items: [
    {
      metadata: { name: 'networking.k8s.io' },
      versions: [
        {
          version: 'v1',
          resources: [
            { resource: 'ingresses', scope: 'Namespaced', responseKind: { group: '', version: '', kind: 'Ingress' } },
          ],
        },
      ],
    },
  ],
};

/** The first is preferred. */
const groupOf = (...versions: string[]) => ({
  preferredVersion: { version: versions[0] },
  versions: versions.map((version) => ({ version })),
});

async function run(spec: MetricSpec, answers: Record<string, Answer>) {
  const all: Record<string, Answer> = {
    '/apis/custom.metrics.k8s.io': { body: groupOf('v1beta2', 'v1beta1') },
    ...answers,
  };
  const transport = new FakeTransport(({ path }) => all[path] ?? { status: 404, body: '404 page not found\n' });
  const metrics = new Metrics(new Client({ transport, component: 'test', world: manualWorld(NOW) }));
  return evaluate(metrics, spec, target).catch((error) => {
    if (!(error instanceof MetricError)) throw error;
    return { reason: error.reason, why: error.why };
  });
}
const PODS = '/apis/metrics.k8s.io/v1beta1/namespaces/ns/pods?labelSelector=app%3Da';
const CUSTOM = '/apis/custom.metrics.k8s.io/v1beta2/namespaces/ns';
const EXTERNAL = '/apis/external.metrics.k8s.io/v1beta1/namespaces/ns';
const cpu = (averageUtilization: number): MetricSpec => ({
  type: 'Resource',
  resource: { name: 'cpu', target: { type: 'Utilization', averageUtilization } },
});

describe('metrics propose', () => {
  it.each<[string, MetricSpec, Record<string, Answer>, object]>([
    [
      'utilization',
      cpu(50),
      { [PODS]: { body: podMetrics } },
      {
        replicas: 3,
        name: 'cpu resource utilization (percentage of request)',
        status: {
          type: 'Resource',
          resource: { name: 'cpu', current: { averageUtilization: 75, averageValue: '375m' } },
        },
      },
    ],
    [
      'an amount of memory',
      { type: 'Resource', resource: { name: 'memory', target: { type: 'AverageValue', averageValue: '1Gi' } } },
      { [PODS]: { body: podMetrics } },
      {
        replicas: 4,
        name: 'memory resource',
        status: { type: 'Resource', resource: { name: 'memory', current: { averageValue: '2Gi' } } },
      },
    ],
    [
      'of one container',
      {
        type: 'ContainerResource',
        containerResource: { name: 'cpu', container: 'c', target: { type: 'Utilization', averageUtilization: 75 } },
      },
      { [PODS]: { body: podMetrics } },
      { replicas: 2, name: 'cpu container resource utilization (percentage of request)' },
    ],
    [
      'of pods',
      { type: 'Pods', pods: { metric: { name: 'qps' }, target: { type: 'AverageValue', averageValue: '10' } } },
      {
        [`${CUSTOM}/pods/*/qps?labelSelector=app%3Da`]: { body: values('20', '25') },
      },
      {
        replicas: 5,
        name: 'pods metric qps',
        status: { type: 'Pods', pods: { metric: { name: 'qps' }, current: { averageValue: '22500m' } } },
      },
    ],
    [
      'of an object',
      {
        type: 'Object',
        object: {
          metric: { name: 'hits' },
          describedObject: { apiVersion: 'networking.k8s.io/v1', kind: 'Ingress', name: 'i' },
          target: { type: 'Value', value: '100' },
        },
      },
      {
        [`${CUSTOM}/ingresses.networking.k8s.io/i/hits`]: { body: values('300') },
        '/apis': { body: discovery },
        '/api': { body: { items: [] } },
      },
      {
        replicas: 6,
        name: 'Ingress metric hits',
        status: {
          type: 'Object',
          object: {
            metric: { name: 'hits' },
            describedObject: { apiVersion: 'networking.k8s.io/v1', kind: 'Ingress', name: 'i' },
            current: { value: '300' },
          },
        },
      },
    ],
    [
      'from outside',
      {
        type: 'External',
        external: {
          metric: { name: 'queue', selector: { matchLabels: { a: 'b' } } },
          target: { type: 'AverageValue', averageValue: '10' },
        },
      },
      { [`${EXTERNAL}/queue?labelSelector=a%3Db`]: { body: values('30', '15') } },
      {
        replicas: 5,
        name: 'external metric queue(&LabelSelector{MatchLabels:map[string]string{a: b,},MatchExpressions:[]LabelSelectorRequirement{},})',
        status: {
          type: 'External',
          external: {
            metric: { name: 'queue', selector: { matchLabels: { a: 'b' } } },
            current: { averageValue: '22500m' },
          },
        },
      },
    ],
    [
      'of a namespace, which is measured as a whole',
      {
        type: 'Object',
        object: {
          metric: { name: 'hits' },
          describedObject: { apiVersion: 'v1', kind: 'Namespace', name: 'ns' },
          target: { type: 'Value', value: '100' },
        },
      },
      { [`${CUSTOM}/metrics/hits`]: { body: { items: [{ timestamp: null, value: 300 }] } } },
      { replicas: 6, name: 'Namespace metric hits' },
    ],
    ...[0, 2].map((count): [string, MetricSpec, Record<string, Answer>, object] => [
      `nothing of an object that has ${count} values`,
      {
        type: 'Object',
        object: {
          metric: { name: 'hits' },
          describedObject: { apiVersion: 'v1', kind: 'Namespace', name: 'ns' },
          target: { type: 'Value', value: '100' },
        },
      },
      { [`${CUSTOM}/metrics/hits`]: { body: count === 0 ? { items: null } : values('1', '2') } },
      {
        reason: 'FailedGetObjectMetric',
        why: expect.stringContaining(
          `the custom metrics API server returned ${count} results when we asked for exactly one`,
        ),
      },
    ]),
    [
      'of pods, by an old server',
      { type: 'Pods', pods: { metric: { name: 'qps' }, target: { type: 'AverageValue', averageValue: '10' } } },
      {
        '/apis/custom.metrics.k8s.io': { body: groupOf('v2', 'v1beta1') },
        [`${CUSTOM.replace('v1beta2', 'v1beta1')}/pods/*/qps?labelSelector=app%3Da`]: { body: values('20', '25') },
      },
      { replicas: 5, name: 'pods metric qps' },
    ],
    ...(
      [
        ['no custom metrics API (custom.metrics.k8s.io) registered', { status: 404, body: 'not here' }],
        ['no known available metric versions found', { body: groupOf('v2') }],
      ] as const
    ).map(([why, group]): [string, MetricSpec, Record<string, Answer>, object] => [
      `nothing: ${why}`,
      { type: 'Pods', pods: { metric: { name: 'qps' }, target: { type: 'AverageValue', averageValue: '10' } } },
      { '/apis/custom.metrics.k8s.io': group },
      {
        reason: 'FailedGetPodsMetric',
        why: expect.stringContaining(`unable to fetch metrics from custom metrics API: ${why}`),
      },
    ]),
    [
      'nothing of what is no list of values',
      { type: 'Pods', pods: { metric: { name: 'qps' }, target: { type: 'AverageValue', averageValue: '10' } } },
      { [`${CUSTOM}/pods/*/qps?labelSelector=app%3Da`]: { body: { items: [{ timestamp: 1 }] } } },
      { reason: 'FailedGetPodsMetric', why: expect.stringContaining('items[0].timestamp must be a string') },
    ],
    [
      'nothing of pods without containers',
      cpu(50),
      { [PODS]: { body: { ...podMetrics, items: [{ ...podMetrics.items[0], containers: null }] } } },
      { reason: 'FailedGetResourceMetric', why: expect.stringContaining('did not receive metrics for targeted pods') },
    ],
    [
      'nothing where none is served',
      cpu(50),
      {},
      {
        reason: 'FailedGetResourceMetric',
        why: 'failed to get cpu utilization: unable to get metrics for resource cpu: unable to fetch metrics from resource metrics API: the server could not find the requested resource (get pods.metrics.k8s.io)',
      },
    ],
    [
      'nothing where none is there',
      cpu(50),
      { [PODS]: { body: { ...podMetrics, items: [] } } },
      {
        reason: 'FailedGetResourceMetric',
        why: 'failed to get cpu utilization: unable to get metrics for resource cpu: no metrics returned from resource metrics API',
      },
    ],
    [
      'nothing without a target',
      { type: 'External', external: { metric: { name: 'queue' }, target: { type: 'Value' } } },
      {},
      {
        reason: 'FailedGetExternalMetric',
        why: 'invalid external metric source: neither a value target nor an average value target was set',
      },
    ],
    [
      'nothing of an unknown kind',
      { type: 'Moon' },
      {},
      { reason: 'InvalidMetricSourceType', why: 'unknown metric source type "Moon"' },
    ],
  ])('%s', async (_, spec, answers, expected) => expect(await run(spec, answers)).toMatchObject(expected));
});
