import type { Service } from '@keelson/api/generated/types/core/v1';
import type { EndpointSlice } from '@keelson/api/generated/types/discovery/v1';
import { expect, test } from 'vitest';
import type { Family } from '../addresses.ts';
import { endpointsOf } from '../endpoints.ts';
import { servicePortsOf } from '../services.ts';
import { baseRules } from './base.ts';
import type { Rules } from './rules.ts';
import { type Surroundings, serviceRules, withoutLocal } from './service.ts';
import { serviceTable } from './service-table.ts';

const place: Surroundings = {
  family: 'IPv4',
  nodeName: 'here',
  zone: 'a',
  nodeIp: '192.168.0.2',
  mark: '0x4000',
  masqueradeAll: false,
  fromPods: { matches: 'ip saddr 10.244.0.0/16', matchesNot: 'ip saddr != 10.244.0.0/16' },
  nodePortIps: ['192.168.0.2'],
  serviceRanges: ['10.96.0.0/12'],
};

const service = (spec: Service['spec'], status: Service['status'] = { loadBalancer: {} }): Service => ({
  apiVersion: 'v1',
  kind: 'Service',
  metadata: { name: 'web', namespace: 'ns' },
  spec: { clusterIP: '10.96.0.7', ports: [{ name: 'http', protocol: 'TCP', port: 80 }], ...spec },
  status,
});
const slice = (...endpoints: NonNullable<EndpointSlice['endpoints']>): EndpointSlice => ({
  apiVersion: 'discovery.k8s.io/v1',
  kind: 'EndpointSlice',
  metadata: { name: 'web-1', namespace: 'ns' },
  addressType: 'IPv4',
  endpoints,
  ports: [{ name: 'http', protocol: 'TCP', port: 8080 }],
});
const here = { addresses: ['10.244.0.5'], nodeName: 'here', conditions: { ready: true } };
const there = { addresses: ['10.244.1.6'], nodeName: 'there', conditions: { ready: true } };
const ingress = { loadBalancer: { ingress: [{ ip: '203.0.113.1' }, { ip: '203.0.113.2', ipMode: 'Proxy' }] } };

const rulesOf = (object: Service, slices: readonly EndpointSlice[], at = place): Rules =>
  serviceRules(servicePortsOf(object, at.family), endpointsOf(slices, at.family, at.nodeName), at);

const external = { type: 'LoadBalancer', externalTrafficPolicy: 'Local' } as const;
const ports = [{ name: 'http', protocol: 'TCP' as const, port: 80, nodePort: 30080 }];
const cases: Record<string, Rules> = {
  'a cluster address': rulesOf(service({}), [slice(here, there)]),
  'no endpoints': rulesOf(service({ type: 'NodePort', ports, externalIPs: ['198.51.100.9'] }), []),
  'a port of the node, and external addresses': rulesOf(
    service({ type: 'NodePort', ports, externalIPs: ['198.51.100.9', 'fd00::1'] }),
    [slice(here, there)],
  ),
  'a load balancer whose policy is Local': rulesOf(service({ ...external, ports }, ingress), [slice(here, there)]),
  'a load balancer whose policy is Local, with no endpoint here': rulesOf(service({ ...external, ports }, ingress), [
    slice(there),
  ]),
  'source ranges, one with this node': rulesOf(
    service(
      { type: 'LoadBalancer', ports, loadBalancerSourceRanges: [' 192.168.0.0/24 ', '10.0.0.0/8', 'fd00::/8'] },
      ingress,
    ),
    [slice(here)],
  ),
  'everybody is a source': rulesOf(
    service({ type: 'LoadBalancer', ports, loadBalancerSourceRanges: ['0.0.0.0/0', '10.0.0.0/8'] }, ingress),
    [slice(here)],
  ),
  'the internal policy Local': rulesOf(service({ internalTrafficPolicy: 'Local' }), [slice(here, there)]),
  'the internal policy Local, with no endpoint here': rulesOf(service({ internalTrafficPolicy: 'Local' }), [
    slice(there),
  ]),
  affinity: rulesOf(
    service({ sessionAffinity: 'ClientIP', sessionAffinityConfig: { clientIP: { timeoutSeconds: 60 } } }),
    [slice(here, there)],
  ),
  'IPv6, with UDP and a port without a name': rulesOf(
    service({ clusterIP: 'fd00::7', clusterIPs: ['fd00::7'], ports: [{ port: 53, protocol: 'UDP' }] }),
    [
      {
        ...slice({ ...here, addresses: ['fd01:0::0005'] }),
        addressType: 'IPv6',
        ports: [{ name: '', protocol: 'UDP', port: 5353 }],
      },
    ],
    { ...place, family: 'IPv6', fromPods: undefined },
  ),
  'other families and other proxies': rulesOf(service({ clusterIP: 'fd00::7' }), [slice(here)]),
};

const textOf = ({ chains, sets, elements }: Rules) =>
  [
    ...[...chains].flatMap(([name, { rules }]) => [`chain ${name}`, ...rules.map((rule) => `    ${rule}`)]),
    ...[...sets].map(([name, { kind, body }]) => `${kind} ${name} ${body}`),
    ...elements.map(({ of, key, verdict, comment = '' }) => `${of}: ${key} ${verdict} ${comment}`.trimEnd()),
  ].join('\n');

test('what services mean', async () => {
  const text = Object.entries(cases).map(([name, rules]) => `# ${name}\n${textOf(rules)}\n`);
  await expect(text.join('\n')).toMatchFileSnapshot('testdata/services.txt');
});

test.each([
  ['primary', place],
  [
    'everything',
    { ...place, family: 'IPv6' as Family, masqueradeAll: true, nodePortIps: undefined, serviceRanges: ['fd00::/108'] },
  ],
  ['nothing-known', { ...place, fromPods: undefined, nodePortIps: [], serviceRanges: [] }],
])('a table without services: %s', async (name, surroundings) => {
  const text = serviceTable(surroundings.family).replacement(baseRules(surroundings), new Map());
  await expect(text).toMatchFileSnapshot(`testdata/base-${name}.nft`);
});

test('where policies leave nothing here', () => {
  const both = service({ ...external, ports, internalTrafficPolicy: 'Local' }, ingress);
  const count = (...slices: EndpointSlice[]) =>
    withoutLocal(servicePortsOf(both, 'IPv4'), endpointsOf(slices, 'IPv4', 'here'), place);
  expect(count(slice(there))).toEqual({ internal: 1, external: 1 });
  expect(count(slice(here))).toEqual({ internal: 0, external: 0 });
  expect(count()).toEqual({ internal: 0, external: 0 });
});
