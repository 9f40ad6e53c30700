import type { EndpointSlice } from '@keelson/api/generated/types/discovery/v1';
import type { Answer } from 'dns-packet';
import { expect, test } from 'vitest';
import { directoryOf, service } from './testing.ts';
import { Zone } from './zone.ts';

const ports = [{ name: 'http', protocol: 'TCP' as const, port: 80 }];
const services = [
  service('web', { clusterIP: '10.96.0.7', ports: [...ports, { name: 'more', port: 81 }] }),
  service('dual', {
    clusterIP: '10.96.0.8',
    clusterIPs: ['10.96.0.8', 'fd00::8'],
    ports: [{ port: 53, protocol: 'UDP' }],
  }),
  service('set', { clusterIP: 'None', ports }),
  service('none', { clusterIP: 'None', ports }),
  service('bare', { clusterIP: 'None' }),
  service('alias', { type: 'ExternalName', externalName: 'web.ns.svc.cluster.local' }),
];
const slice = (of: string, endpoints: NonNullable<EndpointSlice['endpoints']>, more: Partial<EndpointSlice> = {}) =>
  ({
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata: { name: `${of}-1`, namespace: 'ns', labels: { 'kubernetes.io/service-name': of } },
    addressType: 'IPv4',
    endpoints,
    ports: [{ name: 'http', protocol: 'TCP', port: 8080 }],
    ...more,
  }) satisfies EndpointSlice;
const slices = [
  slice('set', [
    { addresses: ['10.1.0.2'], hostname: 'set-0', conditions: {} },
    { addresses: ['10.1.0.3'], conditions: { ready: true } },
    { addresses: ['10.1.0.4'], conditions: { ready: false } },
  ]),
  slice('set', [{ addresses: ['fd01:0::0003'], conditions: {} }], { addressType: 'IPv6' }),
  slice('web', [{ addresses: ['10.1.0.9'], conditions: {} }]),
  slice('bare', [{ addresses: ['10.1.0.5'], conditions: {} }], { ports: [] }),
];
const zone = new Zone('cluster.local', directoryOf(['ns', 'default'], services, slices), ['10.96.0.10']);
const data = (answer: Answer) => ('data' in answer ? answer.data : undefined);
const to = (target: string, port: number, weight = 100) => ({ target, port, priority: 0, weight });

test.each([
  ['A', 'web.ns.svc.cluster.local', ['10.96.0.7']],
  ['A', 'WEB.ns.Svc.cluster.local', ['10.96.0.7']],
  ['AAAA', 'web.ns.svc.cluster.local', []],
  ['TXT', 'web.ns.svc.cluster.local', []],
  ['AAAA', 'dual.ns.svc.cluster.local', ['fd00::8']],
  ['A', '_http._tcp.web.ns.svc.cluster.local', ['10.96.0.7']],
  ['PTR', '7.0.96.10.in-addr.arpa', ['web.ns.svc.cluster.local']],
  ['PTR', '8.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.d.f.ip6.arpa', ['dual.ns.svc.cluster.local']],
  ['SRV', '_http._tcp.web.ns.svc.cluster.local', [to('web.ns.svc.cluster.local', 80)]],
  ['SRV', 'web.ns.svc.cluster.local', [to('web.ns.svc.cluster.local', 80, 50), to('web.ns.svc.cluster.local', 81, 50)]],
  ['A', 'set.ns.svc.cluster.local', ['10.1.0.2', '10.1.0.3']],
  ['AAAA', 'set.ns.svc.cluster.local', ['fd01::3']],
  ['A', 'bare.ns.svc.cluster.local', ['10.1.0.5']],
  ['A', 'set-0.set.ns.svc.cluster.local', ['10.1.0.2']],
  ['AAAA', 'fd01--3.set.ns.svc.cluster.local', ['fd01::3']],
  ['A', '10-1-0-3.set.ns.svc.cluster.local', ['10.1.0.3']],
  ['A', '10-1-0-9.web.ns.svc.cluster.local', ['10.1.0.9']],
  ['PTR', '2.0.1.10.in-addr.arpa', ['set-0.set.ns.svc.cluster.local']],
  ['PTR', '9.0.1.10.in-addr.arpa', ['10-1-0-9.web.ns.svc.cluster.local']],
  [
    'SRV',
    '_http._tcp.set.ns.svc.cluster.local',
    [
      to('set-0.set.ns.svc.cluster.local', 8080, 33),
      to('10-1-0-3.set.ns.svc.cluster.local', 8080, 33),
      to('fd01--3.set.ns.svc.cluster.local', 8080, 33),
    ],
  ],
  ['A', '10-1-2-3.ns.pod.cluster.local', ['10.1.2.3']],
  ['AAAA', '10-1-2-3.ns.pod.cluster.local', []],
  ['AAAA', 'fd00--1.default.pod.cluster.local', ['fd00::1']],
  ['TXT', 'dns-version.cluster.local', ['1.1.0']],
  ['A', 'ns.dns.cluster.local', ['10.96.0.10']],
  ['NS', 'cluster.local', ['ns.dns.cluster.local']],
  ['A', 'cluster.local', []],
  ['A', 'svc.cluster.local', []],
  ['A', 'default.svc.cluster.local', []],
  ['A', 'default.pod.cluster.local', []],
] as const)('%s %s', (type, name, expected) => {
  const found = zone.look({ name, type });
  expect(found.status).toBe('found');
  expect(found.status === 'found' && found.answers.map(data)).toEqual(expected);
});

test.each([
  'nobody.ns.svc.cluster.local',
  'web.nowhere.svc.cluster.local',
  'nowhere.svc.cluster.local',
  '10-1-2-3.nowhere.pod.cluster.local',
  'text.ns.pod.cluster.local',
  'none.ns.svc.cluster.local',
  '10-1-0-4.set.ns.svc.cluster.local',
  '_https._tcp.web.ns.svc.cluster.local',
  '_http._udp.web.ns.svc.cluster.local',
  'http.tcp.web.ns.svc.cluster.local',
  'a.b.c.web.ns.svc.cluster.local',
  'web.cluster.local',
])('%s is missing', (name) => {
  expect(zone.look({ name, type: 'A' })).toEqual({ status: 'missing' });
});

test.each(['example.com', 'local', 'xcluster.local', '1.2.3.4.in-addr.arpa', '96.10.in-addr.arpa', 'f.ip6.arpa'])(
  '%s is for others to say',
  (name) => {
    expect(zone.look({ name, type: 'PTR' })).toEqual({ status: 'elsewhere' });
  },
);

test('a name for another', () => {
  expect(zone.look({ name: 'alias.ns.svc.cluster.local', type: 'A' })).toMatchObject({
    status: 'alias',
    target: 'web.ns.svc.cluster.local',
    answer: { type: 'CNAME', data: 'web.ns.svc.cluster.local' },
  });
});

test('with the targets of services come their addresses', () => {
  const found = zone.look({ name: '_http._tcp.set.ns.svc.cluster.local', type: 'SRV' });
  expect(found.status === 'found' && found.additionals?.map(data)).toEqual(['10.1.0.2', '10.1.0.3', 'fd01::3']);
});
