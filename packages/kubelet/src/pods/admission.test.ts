import type { Node, Pod } from '@keelson/api/generated/types/core/v1';
import { describe, expect, it } from 'vitest';
import { admitSysctls } from '../security/sysctls.ts';
import { container, podOf } from '../testing/pods.ts';
import { admit } from './admission.ts';

const node = (more: object = {}): Node =>
  ({
    metadata: { name: 'n1', labels: { zone: 'a', size: '10' } },
    spec: {},
    status: { allocatable: { cpu: '1', memory: '1Gi', pods: '2' }, nodeInfo: { operatingSystem: 'linux' } },
    ...more,
  }) as unknown as Node;
const asking = (requests: Record<string, string>) => container('a', { resources: { requests } });
const affinity = (...matchExpressions: object[]) =>
  ({
    nodeAffinity: { requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms: [{ matchExpressions }] } },
  }) as NonNullable<NonNullable<Pod['spec']>['affinity']>;
const simple = podOf({ containers: [container('a')] });
const onPort = (hostPort: number, hostIP = '') =>
  podOf({ containers: [container('a', { ports: [{ containerPort: 80, hostPort, hostIP }] })] });
/** Asks for one, which a claim stands for in the container that is named. */
const claiming = (resourceName: string, containerName: string): Pod => {
  const requestMappings = [{ containerName, resourceName, requestName: 'r' }];
  const status = { extendedResourceClaimStatus: { resourceClaimName: 'c', requestMappings } };
  return { ...podOf({ containers: [asking({ [resourceName]: '1' })] }), status };
};
const NO_PORT = "NodePorts: Predicate NodePorts failed: node(s) didn't have free ports for the requested pod ports";

describe('admit', () => {
  const cases: [string, Pod, Node, Pod[], string | undefined][] = [
    ['a pod', simple, node(), [], undefined],
    [
      'too much CPU',
      podOf({ containers: [asking({ cpu: '600m' })] }),
      node(),
      [podOf({ containers: [asking({ cpu: '500m' })] })],
      "OutOfcpu: Node didn't have enough resource: cpu, requested: 600, used: 500, capacity: 1000",
    ],
    [
      'too much memory',
      podOf({ containers: [asking({ memory: '2Gi' })] }),
      node(),
      [],
      "OutOfmemory: Node didn't have enough resource: memory, requested: 2147483648, used: 0, capacity: 1073741824",
    ],
    [
      'too many pods',
      simple,
      node(),
      [simple, simple],
      "OutOfpods: Node didn't have enough resource: pods, requested: 1, used: 2, capacity: 2",
    ],
    ['what no node gives', podOf({ containers: [asking({ 'example.com/gpu': '1' })] }), node(), [], undefined],
    ['what a claim stands for', claiming('deviceclass.resource.kubernetes.io/gpu', 'a'), node(), [], undefined],
    [
      'what a claim stands for in another container',
      claiming('deviceclass.resource.kubernetes.io/gpu', 'b'),
      node(),
      [],
      "OutOfdeviceclass.resource.kubernetes.io/gpu: Node didn't have enough resource: deviceclass.resource.kubernetes.io/gpu, requested: 1, used: 0, capacity: 0",
    ],
    [
      'a selector',
      podOf({ containers: [container('a')], nodeSelector: { zone: 'b' } }),
      node(),
      [],
      "NodeAffinity: Predicate NodeAffinity failed: node(s) didn't match Pod's node affinity/selector",
    ],
    [
      'affinity',
      podOf({
        containers: [container('a')],
        affinity: affinity(
          { key: 'zone', operator: 'In', values: ['a'] },
          { key: 'size', operator: 'Gt', values: ['9'] },
        ),
      }),
      node(),
      [],
      undefined,
    ],
    [
      'affinity elsewhere',
      podOf({ containers: [container('a')], affinity: affinity({ key: 'zone', operator: 'DoesNotExist' }) }),
      node(),
      [],
      "NodeAffinity: Predicate NodeAffinity failed: node(s) didn't match Pod's node affinity/selector",
    ],
    ['a port that is taken', onPort(80), node(), [onPort(80, '192.0.2.1')], NO_PORT],
    ['a port of another address', onPort(80, '192.0.2.2'), node(), [onPort(80, '192.0.2.1')], undefined],
    [
      'another OS',
      podOf({ containers: [container('a')], os: { name: 'windows' } }),
      node(),
      [],
      "PodOSNotSupported: Failed to admit pod as the OS field doesn't match node OS",
    ],
    [
      'a taint',
      simple,
      node({ spec: { taints: [{ key: 'k', effect: 'NoExecute' }] } }),
      [],
      "TaintToleration: Predicate TaintToleration failed: node(s) had taints that the pod didn't tolerate",
    ],
    ['a taint for others', simple, node({ spec: { taints: [{ key: 'k', effect: 'NoSchedule' }] } }), [], undefined],
  ];
  it.each(cases)('%s', (_, pod, on, others, want) => {
    const rejection = admit(pod, on, others);
    expect(rejection && `${rejection.reason}: ${rejection.message}`).toBe(want);
  });
});

describe('admitSysctls', () => {
  const setting = (name: string, more = {}) =>
    podOf({ containers: [container('a')], securityContext: { sysctls: [{ name, value: '1' }] }, ...more });
  it.each([
    [setting('net.ipv4.tcp_syncookies'), undefined],
    [setting('net/ipv4/tcp_syncookies'), undefined],
    [setting('kernel.msgmax'), 'forbidden sysctl: "kernel.msgmax" not allowlisted'],
    [setting('kernel.sem'), undefined],
    [setting('net.core.somaxconn'), undefined],
    [
      setting('net.ipv4.tcp_syncookies', { hostNetwork: true }),
      'forbidden sysctl: "net.ipv4.tcp_syncookies" not allowed with host net enabled',
    ],
  ])('%#', (pod, message) => expect(admitSysctls(pod, ['kernel.sem', 'net.core.*'])?.message).toBe(message));
});
