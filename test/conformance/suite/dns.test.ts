import type { Service } from '@keelson/api/generated/types/core/v1';
import type { EndpointSlice } from '@keelson/api/generated/types/discovery/v1';
import { expect, test } from 'vitest';
import { answersTo, recordsOf } from './dns.ts';

const ports = [{ name: 'http', protocol: 'TCP' as const, port: 80 }];
const service = (name: string, spec: Service['spec']): Service => ({
  apiVersion: 'v1',
  kind: 'Service',
  metadata: { name, namespace: 'ns' },
  spec,
  status: { loadBalancer: {} },
});
const services = [
  service('web', { clusterIP: '10.96.0.7', ports: [...ports, { port: 81 }] }),
  service('set', { clusterIP: 'None', ports }),
  service('alias', { type: 'ExternalName', externalName: 'web.ns.svc.cluster.local' }),
  service('away', { type: 'ExternalName', externalName: 'example.com' }),
];
const slice = {
  apiVersion: 'discovery.k8s.io/v1',
  kind: 'EndpointSlice',
  metadata: { name: 'set-1', namespace: 'ns', labels: { 'kubernetes.io/service-name': 'set' } },
  addressType: 'IPv4',
  endpoints: [
    { addresses: ['10.1.0.2'], hostname: 'set-0', conditions: {} },
    { addresses: ['10.1.0.3'], conditions: { ready: true } },
    { addresses: ['10.1.0.4'], conditions: { ready: false } },
  ],
  ports: [{ name: 'http', protocol: 'TCP', port: 8080 }],
} satisfies EndpointSlice;
const elsewhere = {
  ...slice,
  metadata: { ...slice.metadata, namespace: 'other' },
  endpoints: [{ addresses: ['10.1.9.9'], conditions: {} }],
};
const known = recordsOf(services, [slice, elsewhere]);
const to = (target: string, port: number) => ({ target, port, priority: 0, weight: 100 });

test.each([
  ['A', 'web.ns.svc.cluster.local', ['10.96.0.7']],
  ['A', 'WEB.ns.svc.cluster.local', ['10.96.0.7']],
  ['AAAA', 'web.ns.svc.cluster.local', []],
  ['PTR', '7.0.96.10.in-addr.arpa', ['web.ns.svc.cluster.local']],
  ['SRV', '_http._tcp.web.ns.svc.cluster.local', [to('web.ns.svc.cluster.local', 80)]],
  ['A', 'set.ns.svc.cluster.local', ['10.1.0.2', '10.1.0.3']],
  ['A', 'set-0.set.ns.svc.cluster.local', ['10.1.0.2']],
  ['A', '10-1-0-3.set.ns.svc.cluster.local', ['10.1.0.3']],
  ['PTR', '2.0.1.10.in-addr.arpa', ['set-0.set.ns.svc.cluster.local']],
  [
    'SRV',
    '_http._tcp.set.ns.svc.cluster.local',
    [to('set-0.set.ns.svc.cluster.local', 8080), to('10-1-0-3.set.ns.svc.cluster.local', 8080)],
  ],
  ['A', 'alias.ns.svc.cluster.local', ['web.ns.svc.cluster.local', '10.96.0.7']],
  ['CNAME', 'away.ns.svc.cluster.local', ['example.com']],
  ['A', 'away.ns.svc.cluster.local', ['example.com']],
  ['A', 'nobody.ns.svc.cluster.local', []],
] as const)('%s %s', (type, name, expected) => {
  expect(answersTo({ name, type }, known).map((answer) => 'data' in answer && answer.data)).toEqual(expected);
});
