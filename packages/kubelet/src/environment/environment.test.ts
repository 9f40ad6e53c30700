import { notFound } from '@keelson/api/errors';
import type { ConfigMap, EnvVar, Node, Secret, Service } from '@keelson/api/generated/types/core/v1';
import { describe, expect, it } from 'vitest';
import { container, podOf } from '../testing/pods.ts';
import { environmentOf, parseEnvFile } from './environment.ts';
import { fieldValue, resourceValue } from './fields.ts';

const configMap = { metadata: {}, data: { color: 'blue', 'some.key': 'x' } } as unknown as ConfigMap;
const secret = { metadata: {}, data: { password: Buffer.from('s3cret').toString('base64') } } as unknown as Secret;
const objects = {
  get: (async (kind: string, _namespace: string, name: string) => {
    if (name !== 'there') throw notFound({ group: '', resource: kind.slice(0, -1) }, name);
    return kind === 'secrets' ? secret : configMap;
  }) as never,
};
const service = (name: string, namespace: string, clusterIP: string): Service =>
  ({
    metadata: { name, namespace },
    spec: { clusterIP, ports: [{ port: 80 }, { port: 443, name: 'https-api' }] },
  }) as unknown as Service;
const node = { metadata: {}, status: { allocatable: { cpu: '2', memory: '1Gi' } } } as unknown as Node;
const pod = podOf(
  {
    containers: [container('a', { resources: { limits: { cpu: '250m' }, requests: { memory: '64Mi' } } })],
    serviceAccountName: 'robot',
  },
  { labels: { b: '2', a: 'say "hi"' }, annotations: { 'x/y': 'z' } },
);
const own = pod.spec!.containers![0]!;

const context = (env: EnvVar[], more: object = {}) => ({
  pod,
  container: { ...own, env, ...more },
  objects,
  services: [service('kubernetes', 'default', '10.96.0.1')],
  node,
  podIps: ['10.0.0.7', 'fd00::7'],
  hostIps: ['192.0.2.1'],
  fileValue: async () => undefined,
});

describe('environmentOf', () => {
  const cases: [string, EnvVar[], string | undefined][] = [
    ['a value', [{ name: 'X', value: 'v' }], 'v'],
    ['an empty one', [{ name: 'X' }], ''],
    [
      'an earlier one',
      [
        { name: 'A', value: '1' },
        { name: 'X', value: '$(A)-$(LATER)' },
      ],
      '1-$(LATER)',
    ],
    ['a service', [{ name: 'X', value: '$(KUBERNETES_SERVICE_HOST)' }], '10.96.0.1'],
    ['a field', [{ name: 'X', valueFrom: { fieldRef: { fieldPath: 'status.podIPs' } } }], '10.0.0.7,fd00::7'],
    ['a resource', [{ name: 'X', valueFrom: { resourceFieldRef: { resource: 'limits.cpu', divisor: '1m' } } }], '250'],
    ['a config map', [{ name: 'X', valueFrom: { configMapKeyRef: { name: 'there', key: 'color' } } }], 'blue'],
    ['a secret', [{ name: 'X', valueFrom: { secretKeyRef: { name: 'there', key: 'password' } } }], 's3cret'],
    [
      'a key that need not be',
      [{ name: 'X', valueFrom: { secretKeyRef: { name: 'there', key: 'no', optional: true } } }],
      undefined,
    ],
    [
      'an object that need not be',
      [{ name: 'X', valueFrom: { configMapKeyRef: { name: 'no', key: 'k', optional: true } } }],
      undefined,
    ],
  ];
  it.each(cases)('%s', async (_, env, want) => {
    expect((await environmentOf(context(env))).get('X')).toBe(want);
  });

  it.each([
    ['configMapKeyRef', { name: 'no', key: 'k' }, 'configmap "no" not found'],
    ['configMapKeyRef', { name: 'there', key: 'k' }, "couldn't find key k in ConfigMap default/there"],
    ['secretKeyRef', { name: 'there', key: 'k' }, "couldn't find key k in Secret default/there"],
  ])('%s that is missing', async (source, reference, message) => {
    const env = [{ name: 'X', valueFrom: { [source]: reference } }] as EnvVar[];
    await expect(environmentOf(context(env))).rejects.toThrow(message);
  });

  it('takes all of an object, env comes after', async () => {
    const envFrom = [{ prefix: 'P_', configMapRef: { name: 'there' } }, { secretRef: { name: 'no', optional: true } }];
    const env = await environmentOf(context([{ name: 'P_color', value: 'red' }], { envFrom }));
    expect(env.get('P_some.key')).toBe('x');
    expect(env.get('P_color')).toBe('red');
  });

  it('tells of services', async () => {
    const services = [service('kubernetes', 'default', '10.96.0.1'), service('my-db', 'other', '10.96.0.9')];
    const env = await environmentOf({ ...context([]), services });
    expect(Object.fromEntries(env)).toEqual({
      KUBERNETES_SERVICE_HOST: '10.96.0.1',
      KUBERNETES_SERVICE_PORT: '80',
      KUBERNETES_SERVICE_PORT_HTTPS_API: '443',
      KUBERNETES_PORT: 'tcp://10.96.0.1:80',
      KUBERNETES_PORT_80_TCP: 'tcp://10.96.0.1:80',
      KUBERNETES_PORT_80_TCP_PROTO: 'tcp',
      KUBERNETES_PORT_80_TCP_PORT: '80',
      KUBERNETES_PORT_80_TCP_ADDR: '10.96.0.1',
      KUBERNETES_PORT_443_TCP: 'tcp://10.96.0.1:443',
      KUBERNETES_PORT_443_TCP_PROTO: 'tcp',
      KUBERNETES_PORT_443_TCP_PORT: '443',
      KUBERNETES_PORT_443_TCP_ADDR: '10.96.0.1',
    });
  });
});

describe('fieldValue', () => {
  it.each([
    ['metadata.name', 'web'],
    ["metadata.labels['b']", '2'],
    ["metadata.annotations['x/y']", 'z'],
    ['metadata.labels', 'a="say \\"hi\\""\nb="2"'],
    ['spec.nodeName', 'n1'],
    ['spec.serviceAccountName', 'robot'],
    ['status.hostIP', '192.0.2.1'],
    ['status.podIP', '10.0.0.7'],
  ])('%s', (fieldPath, want) => {
    expect(fieldValue({ fieldPath }, { pod, podIps: ['10.0.0.7'], hostIps: ['192.0.2.1'] })).toBe(want);
  });
});

describe('resourceValue', () => {
  it.each([
    ['limits.cpu', undefined, '1'],
    ['limits.cpu', '1m', '250'],
    ['limits.memory', '1Mi', '1024'],
    ['requests.memory', undefined, '67108864'],
    ['requests.memory', '1Gi', '1'],
    ['requests.cpu', undefined, '0'],
  ])('%s by %s', (resource, divisor, want) => {
    const selector = divisor ? { resource, divisor } : { resource };
    expect(resourceValue(selector as never, pod, own, node)).toBe(want);
  });

  it.each([
    ['limits.memory', { memory: '64Mi' }, '67108864'],
    ['limits.memory', { memory: '0' }, '1073741824'],
    ['limits.ephemeral-storage', { 'ephemeral-storage': '1Gi' }, '2147483648'],
    ['requests.memory', { memory: '64Mi' }, '0'],
  ])('%s of a container without, in a pod with %j', (resource, limits, want) => {
    const limited = { ...pod, spec: { ...pod.spec!, resources: { limits } } };
    const bare = { name: 'bare', image: 'i', resources: {} };
    const allocatable = { memory: '1Gi', 'ephemeral-storage': '2Gi' };
    const roomy = { ...node, status: { ...node.status!, allocatable } };
    expect(resourceValue({ resource }, limited, bare, roomy)).toBe(want);
  });
});

describe('parseEnvFile', () => {
  it.each([
    ["A='b c'\n", 'A', 'b c'],
    ['X=1\nexport A=2', 'A', '2'],
    ['AA=1', 'A', undefined],
  ])('%j', (text, key, want) => expect(parseEnvFile(text, key)).toBe(want));
});
