import type { Node } from '@keelson/api/generated/types/core/v1';
import type { EndpointSlice } from '@keelson/api/generated/types/discovery/v1';
import { describe, expect, test } from 'vitest';
import { parseFlows, staleFlows } from './conntrack.ts';
import { type Endpoint, endpointsOf, readyHere } from './endpoints.ts';
import { parseRemembered } from './nft.ts';
import { reachable } from './reachable.ts';
import type { ServicePort } from './services.ts';
import { defaultSettings, surroundingsOf } from './settings.ts';

const port: ServicePort = {
  namespace: 'ns',
  service: 'web',
  name: '',
  protocol: 'udp',
  port: 53,
  clusterIp: '10.96.0.7',
  nodePort: 0,
  externalIps: [],
  ingressIps: [],
  sourceRanges: [],
  affinitySeconds: undefined,
  internalPolicyLocal: false,
  externalPolicyLocal: false,
};
const endpoint = (ip: string, more: Partial<Endpoint> = {}): Endpoint => ({
  ip,
  port: 80,
  local: false,
  ready: true,
  serving: true,
  terminating: false,
  zoneHints: new Set(),
  nodeHints: new Set(),
  ...more,
});
const leaving = { ready: false, terminating: true };
const zone = (...names: string[]) => ({ zoneHints: new Set(names) });
const node = (...names: string[]) => ({ nodeHints: new Set(names) });
const local = { local: true };
const place = { nodeName: 'here', zone: 'a' };

describe('endpoints within reach', () => {
  test.each<[string, Endpoint[], Partial<ServicePort>, string, string]>([
    ['all that are ready', [endpoint('1'), endpoint('2', leaving), endpoint('3', { ready: false })], {}, '1', ''],
    [
      'those that leave, where none is ready',
      [endpoint('1', leaving), endpoint('2', { ...leaving, serving: false })],
      {},
      '1',
      '',
    ],
    ['of the zone', [endpoint('1', zone('a')), endpoint('2', zone('b'))], {}, '1', ''],
    ['all, where one has no hint', [endpoint('1', zone('a')), endpoint('2')], {}, '1 2', ''],
    ['all, where no hint is for here', [endpoint('1', zone('b')), endpoint('2', zone('c'))], {}, '1 2', ''],
    [
      'of the node before the zone',
      [endpoint('1', { ...zone('a'), ...node('x') }), endpoint('2', { ...zone('b'), ...node('here') })],
      {},
      '2',
      '',
    ],
    ['here', [endpoint('1', local), endpoint('2')], { internalPolicyLocal: true }, '', '1'],
    [
      'here and everywhere',
      [endpoint('1', local), endpoint('2')],
      { externalPolicyLocal: true, nodePort: 30_000 },
      '1 2',
      '1',
    ],
    [
      'a policy for outside without an outside',
      [endpoint('1', local), endpoint('2')],
      { externalPolicyLocal: true },
      '1 2',
      '',
    ],
    [
      'leaving here, ready elsewhere',
      [endpoint('1', { ...local, ...leaving }), endpoint('2')],
      { externalPolicyLocal: true, nodePort: 1 },
      '2',
      '1',
    ],
  ])('%s', (_, endpoints, more, cluster, here) => {
    const found = reachable(endpoints, { ...port, ...more }, place);
    const ips = (list: readonly Endpoint[]) => list.map(({ ip }) => ip).join(' ');
    expect([ips(found.cluster), ips(found.local)]).toEqual([cluster, here]);
    expect(new Set(found.all)).toEqual(new Set([...found.cluster, ...found.local]));
    expect(found.anywhere).toBe(true);
  });

  test('none', () => {
    expect(reachable([endpoint('1', { ready: false, serving: false })], port, place).anywhere).toBe(false);
  });
});

const slice = (name: string, endpoints: EndpointSlice['endpoints'], addressType = 'IPv4'): EndpointSlice => ({
  apiVersion: 'discovery.k8s.io/v1',
  kind: 'EndpointSlice',
  metadata: { name, namespace: 'ns' },
  addressType,
  endpoints: endpoints ?? [],
  ports: [{ name: 'p', protocol: 'TCP', port: 80 }, { name: 'none' }],
});

test('endpoints of several slices, each once, what is about to end behind what took its address', () => {
  const found = endpointsOf(
    [
      slice('a', [
        { addresses: ['10.0.0.9'], nodeName: 'here', conditions: {} },
        { addresses: ['10.0.0.3'], conditions: { ready: true } },
      ]),
      slice('b', [{ addresses: ['10.0.0.3'], conditions: { ready: false, terminating: true } }]),
      slice('c', [{ addresses: ['fd00::1'], conditions: {} }], 'IPv6'),
    ],
    'IPv4',
    'here',
  );
  expect([...found.keys()]).toEqual(['p/tcp']);
  expect(found.get('p/tcp')!.map(({ ip, local, terminating }) => [ip, local, terminating])).toEqual([
    ['10.0.0.3', false, false],
    ['10.0.0.9', true, false],
  ]);
  expect(readyHere(found)).toBe(1);
});

test('flows to endpoints that are gone', () => {
  const flow = (dst: string, dport: number, reply: string) =>
    `udp      17 29 src=10.244.0.9 dst=${dst} sport=4711 dport=${dport} src=${reply} dst=10.244.0.9 sport=80 dport=4711 mark=0 use=1`;
  const flows = parseFlows(
    [
      flow('10.96.0.7', 53, '10.0.0.1'),
      flow('10.96.0.7', 53, '10.0.0.2'),
      flow('192.168.0.1', 30_053, '10.0.0.2'),
      flow('10.96.0.8', 53, '10.0.0.2'),
      'conntrack v1.4.7 (conntrack-tools): 4 flow entries have been shown.',
    ].join('\n'),
  );
  expect(flows).toHaveLength(4);
  const services = [
    [{ ...port, nodePort: 30_053 }, [endpoint('10.0.0.1'), endpoint('10.0.0.2', { serving: false })]],
  ] as const;
  const gone = staleFlows(flows, services);
  expect(gone.map(({ destination, replySource }) => [destination, replySource])).toEqual([
    ['10.96.0.7', '10.0.0.2'],
    ['192.168.0.1', '10.0.0.2'],
  ]);
  expect(staleFlows(flows, [[port, []]])).toEqual([]);
  expect(staleFlows(flows, [[{ ...port, protocol: 'tcp' }, [endpoint('10.0.0.1')]]])).toEqual([]);
});

test('whom the kernel remembers', () => {
  const set = (name: string) => ({
    set: { name, elem: [{ elem: { val: '10.0.0.1', timeout: 60, expires: 7 } }, '10.0.0.2'] },
  });
  const listing = JSON.stringify({
    nftables: [{ metainfo: {} }, set('affinity-x'), set('cluster-ips'), { set: { name: 'affinity-y' } }],
  });
  expect(parseRemembered(listing)).toEqual([{ set: 'affinity-x', address: '10.0.0.1', expires: 7 }]);
});

test('what the node says', () => {
  const object: Node = {
    apiVersion: 'v1',
    kind: 'Node',
    metadata: { name: 'here', labels: { 'topology.kubernetes.io/zone': 'a' } },
    spec: { podCIDRs: ['10.244.3.0/24', 'fd01::/64'] },
    status: {
      ...({} as Node['status']),
      addresses: [
        { type: 'ExternalIP', address: '198.51.100.1' },
        { type: 'InternalIP', address: '192.168.0.2' },
      ],
    },
  };
  const ranges = ['10.96.0.0/12', 'fd00::/108'];
  const settings = { ...defaultSettings, localTraffic: { by: 'NodeCIDR' } } as const;
  expect(surroundingsOf(settings, 'IPv4', 'here', object, ranges)).toMatchObject({
    zone: 'a',
    nodeIp: '192.168.0.2',
    nodePortIps: ['192.168.0.2'],
    mark: '0x4000',
    serviceRanges: ['10.96.0.0/12'],
    fromPods: { matches: 'ip saddr 10.244.3.0/24' },
  });
  expect(surroundingsOf(settings, 'IPv6', 'here', object, ranges)).toMatchObject({
    nodeIp: undefined,
    nodePortIps: [],
  });
  const open = surroundingsOf({ ...defaultSettings, nodePortAddresses: [] }, 'IPv4', 'here', undefined, []);
  expect([open.nodePortIps, open.fromPods]).toEqual([undefined, undefined]);
});
