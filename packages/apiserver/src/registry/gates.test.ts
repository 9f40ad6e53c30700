import type { KubeObject } from '@keelson/api/object';
import { describe, expect, it } from 'vitest';
import type { Gate, IsEnabled } from '../gates.ts';
import { builtinRegistrations } from './index.ts';
import { testContext } from './testing.ts';

const ctx = testContext();
const registrations = (isEnabled: IsEnabled | undefined) =>
  builtinRegistrations({
    eventTtlSeconds: 1,
    services: { clusterIPRanges: ['10.0.0.0/24'] } as never,
    namespaceLabels: () => undefined,
    pods: { allowPrivileged: true },
    ...(isEnabled ? { isEnabled } : {}),
  });
const containers = [{ name: 'c', image: 'i', resources: {} }];
const pod = (spec: object) => ({ metadata: { name: 'a' }, spec: { containers, ...spec }, status: {} });
const signalled = [{ ...containers[0], lifecycle: { stopSignal: 'SIGUSR1' } }];
const elsewhere = { apiGroup: 'example.com', kind: 'Copy', name: 'x', namespace: 'other' };
const set = (updateStrategy: object) => ({
  metadata: { name: 'a' },
  spec: {
    selector: { matchLabels: { a: 'b' } },
    serviceName: 's',
    updateStrategy,
    template: { metadata: { labels: { a: 'b' } }, spec: { containers } },
  },
  status: {},
});

/** What is kept of an object that is made. */
function made(resource: string, object: object, isEnabled: IsEnabled | undefined): unknown {
  const { strategy } = registrations(isEnabled)[resource]!;
  const copy = structuredClone(object) as KubeObject;
  strategy.defaults?.(copy as never, 'v1');
  strategy.prepareForCreate?.(ctx, copy as never);
  return copy;
}

describe('fields that are there by gates alone', () => {
  it.each<[Gate, string, object, (made: never) => unknown, unknown, unknown]>([
    [
      'MaxUnavailableStatefulSet',
      'statefulsets.apps',
      set({ type: 'RollingUpdate', rollingUpdate: { maxUnavailable: 3 } }),
      ({ spec }: { spec: { updateStrategy: object } }) => spec.updateStrategy,
      { type: 'RollingUpdate', rollingUpdate: { partition: 0 } },
      { type: 'RollingUpdate', rollingUpdate: { partition: 0, maxUnavailable: 3 } },
    ],
    [
      'MaxUnavailableStatefulSet',
      'statefulsets.apps',
      set({}),
      ({ spec }: { spec: { updateStrategy: object } }) => spec.updateStrategy,
      { type: 'RollingUpdate', rollingUpdate: { partition: 0 } },
      { type: 'RollingUpdate', rollingUpdate: { partition: 0, maxUnavailable: 1 } },
    ],
    [
      'ContainerStopSignals',
      'pods',
      pod({ os: { name: 'linux' }, containers: signalled }),
      ({ spec }: { spec: { containers: { lifecycle?: object }[] } }) => spec.containers[0]!.lifecycle,
      undefined,
      { stopSignal: 'SIGUSR1' },
    ],
    [
      'CrossNamespaceVolumeDataSource',
      'persistentvolumeclaims',
      { metadata: { name: 'a' }, spec: { dataSourceRef: elsewhere }, status: {} },
      ({ spec }: { spec: { dataSourceRef?: object } }) => spec.dataSourceRef,
      undefined,
      elsewhere,
    ],
  ])('%s: %s', (gate, resource, object, read, off, on) => {
    expect(read(made(resource, object, undefined) as never)).toEqual(off);
    expect(read(made(resource, object, () => false) as never)).toEqual(off);
    expect(read(made(resource, object, (name) => name === gate) as never)).toEqual(on);
  });
});

describe('values that are allowed by gates alone', () => {
  const messages = (resource: string, object: object, old: object | undefined, gate: Gate | undefined) => {
    const { strategy } = registrations((name) => name === gate)[resource]!;
    const [a, b] = [object, old ?? object].map((each) => {
      const copy = structuredClone(each) as never;
      strategy.defaults?.(copy, 'v1');
      return copy;
    });
    return (old ? strategy.validateUpdate!(ctx, a!, b!) : strategy.validate!(ctx, a!)).map(String);
  };
  const volume = (value: string) => ({
    metadata: { name: 'a', resourceVersion: '1' },
    spec: {
      capacity: { storage: '1Gi' },
      accessModes: ['ReadWriteOnce'],
      local: { path: '/d' },
      nodeAffinity: {
        required: { nodeSelectorTerms: [{ matchExpressions: [{ key: 'host', operator: 'In', values: [value] }] }] },
      },
    },
    status: {},
  });

  it.each<[Gate, string, object, object | undefined, RegExp]>([
    [
      'TaintTolerationComparisonOperators',
      'pods',
      pod({
        restartPolicy: 'Always',
        dnsPolicy: 'Default',
        terminationGracePeriodSeconds: 30,
        tolerations: [{ key: 'risk', operator: 'Lt', value: '5' }],
      }),
      undefined,
      /tolerations\[0\].operator: Unsupported value: "Lt"/,
    ],
    [
      'HPAScaleToZero',
      'horizontalpodautoscalers.autoscaling',
      {
        metadata: { name: 'a' },
        spec: {
          minReplicas: 0,
          maxReplicas: 2,
          scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'd' },
          metrics: [
            { type: 'External', external: { metric: { name: 'queue' }, target: { type: 'Value', value: '3' } } },
          ],
        },
        status: {},
      },
      undefined,
      /^spec.minReplicas: Invalid value: 0/,
    ],
    ['MutablePVNodeAffinity', 'persistentvolumes', volume('m'), volume('n'), /^nodeAffinity: Invalid value/],
  ])('%s: %s', (gate, resource, object, old, refusal) => {
    expect(messages(resource, object, old, undefined).join()).toMatch(refusal);
    expect(messages(resource, object, old, gate).join()).not.toMatch(refusal);
  });
});
