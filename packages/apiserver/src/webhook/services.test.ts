import { describe, expect, it } from 'vitest';
import { FakeObjects } from '../admission/testing.ts';
import { endpointResolver, serviceResolver } from './services.ts';

const slice = (
  name: string,
  addressType: string,
  port: { name: string; port?: number },
  ...endpoints: [address: string, ready?: boolean][]
) => ({
  metadata: { name, namespace: 'ns', labels: { 'kubernetes.io/service-name': 'hook' } },
  addressType,
  ports: [port],
  endpoints: endpoints.map(([address, ready]) => ({
    addresses: [address],
    conditions: ready === undefined ? {} : { ready },
  })),
});

function stored(spec: object, ...slices: ReturnType<typeof slice>[]): FakeObjects {
  const objects = new FakeObjects().put('services', { metadata: { name: 'hook', namespace: 'ns' }, spec });
  for (const each of slices) objects.put('endpointslices.discovery.k8s.io', each);
  return objects;
}

const spec = {
  type: 'ClusterIP',
  clusterIP: '10.0.0.9',
  ipFamilies: ['IPv4', 'IPv6'],
  ports: [
    { name: 'https', port: 443 },
    { name: 'other', port: 80 },
  ],
};
const https = { name: 'https', port: 8443 };
const unavailable = { code: 503, message: 'no endpoints available for service "hook"' };

describe('a service stands for', () => {
  it('its own address', async () => {
    await expect(serviceResolver(stored(spec))('ns', 'hook', 443)).resolves.toEqual({ host: '10.0.0.9', port: 443 });
  });

  it('its ready endpoints, each at times', async () => {
    const objects = stored(spec, slice('a', 'IPv4', https, ['1.1.1.1', false], ['2.2.2.2', true], ['3.3.3.3']));
    const at = (random: number) => endpointResolver(objects, () => random)('ns', 'hook', 443);
    await expect(at(0)).resolves.toEqual({ host: '2.2.2.2', port: 8443 });
    await expect(at(0.99)).resolves.toEqual({ host: '3.3.3.3', port: 8443 });
  });

  it('endpoints of its first family, and of others where it has none', async () => {
    const [six, four] = [slice('a', 'IPv6', https, ['::1']), slice('b', 'IPv4', https, ['1.1.1.1'])];
    const host = async (...slices: (typeof six)[]) =>
      (await endpointResolver(stored(spec, ...slices), () => 0)('ns', 'hook', 443)).host;
    expect(await host(six, four)).toBe('1.1.1.1');
    expect(await host(six, slice('b', 'IPv4', https, ['1.1.1.1', false]))).toBe('::1');
  });

  it.each<[string, object, ReturnType<typeof slice>[], object]>([
    ['no slices', spec, [], unavailable],
    ['none that is ready', spec, [slice('a', 'IPv4', https, ['1.1.1.1', false])], unavailable],
    ['none of that port', spec, [slice('a', 'IPv4', { name: 'other', port: 1 }, ['1.1.1.1'])], unavailable],
    ['another type', { ...spec, type: 'ExternalName' }, [], { message: 'unsupported service type "ExternalName"' }],
    [
      'no such port',
      { ...spec, ports: [] },
      [],
      { code: 503, message: 'no service port 443 found for service "hook"' },
    ],
  ])('nobody: %s', async (_, given, slices, expected) => {
    const resolve = endpointResolver(stored(given, ...slices), () => 0);
    await expect(resolve('ns', 'hook', 443)).rejects.toMatchObject(expected);
  });
});
