import type { Namespace, Pod } from '@keelson/api/generated/types/core/v1';
import type { NetworkPolicy, NetworkPolicySpec } from '@keelson/api/generated/types/networking/v1';
import { expect, test } from 'vitest';
import { namespace, pod, policy } from '../testing/policy-objects.ts';
import { Cluster } from './cluster.ts';
import { type Allowance, allowancesOf, type Direction, directionsOf, isolatedPods } from './isolation.ts';

const namespaces: Namespace[] = [namespace('a', { team: 'blue' }), namespace('b', { team: 'red' }), namespace('c', {})];
const http = [{ name: 'http', containerPort: 8080 }];
const pods: Pod[] = [
  pod('a/web', ['10.1.0.1', 'FD00::0:1'], { labels: { app: 'web' }, ports: http }),
  pod('a/db', ['10.1.0.2'], { labels: { app: 'db' }, nodeName: 'there', ports: [{ ...http[0]!, containerPort: 80 }] }),
  pod('b/web', ['10.1.0.3'], { labels: { app: 'web' }, ports: [{ ...http[0]!, protocol: 'UDP' }] }),
  pod('c/web', ['10.1.0.4'], { labels: { app: 'web' } }),
  pod('a/ended', ['10.1.0.5'], { labels: { app: 'web' }, phase: 'Succeeded' }),
  pod('a/failed', ['10.1.0.6'], { labels: { app: 'web' }, phase: 'Failed' }),
  pod('a/host', ['10.0.0.1'], { labels: { app: 'web' }, hostNetwork: true }),
  pod('a/new', [], { labels: { app: 'web' } }),
];
const cluster = new Cluster(pods, namespaces);

test.each<[string, Partial<NetworkPolicySpec>, Direction[]]>([
  ['nothing said', {}, ['ingress']],
  ['rules of egress', { egress: [{}] }, ['ingress', 'egress']],
  ['no rules of egress', { egress: [] }, ['ingress']],
  ['egress alone', { policyTypes: ['Egress'], ingress: [{}] }, ['egress']],
  ['both', { policyTypes: ['Egress', 'Ingress'] }, ['ingress', 'egress']],
])('directions: %s', (_, spec, expected) => {
  expect(directionsOf(policy('a/p', spec))).toEqual(expected);
});

test.each<[string, NetworkPolicy[], Record<string, [string[], string[]]>]>([
  ['no policies', [], {}],
  ['all of a namespace that are here and run', [policy('a/p', {})], { '10.1.0.1,fd00::1': [['a/p'], []] }],
  ['none of its labels', [policy('a/p', { podSelector: { matchLabels: { app: 'db' } } })], {}],
  [
    'two policies, of a direction each',
    [
      policy('b/q', { policyTypes: ['Egress'] }),
      policy('b/p', { podSelector: { matchLabels: { app: 'web' } } }),
      policy('b/r', { policyTypes: ['Ingress', 'Egress'] }),
    ],
    {
      '10.1.0.3': [
        ['b/p', 'b/r'],
        ['b/q', 'b/r'],
      ],
    },
  ],
  ['a selector that means nothing', [policy('a/p', { podSelector: { matchLabels: { app: '!' } } })], {}],
])('isolated: %s', (_, policies, expected) => {
  const found = isolatedPods('here', policies, cluster);
  expect(
    Object.fromEntries(
      found.map(({ addresses, policies: { ingress, egress } }) => [
        addresses.map(({ address }) => address).join(),
        [ingress, egress],
      ]),
    ),
  ).toEqual(expected);
});

test('an address that has passed on is the younger pod’s', () => {
  const old = pod('a/old', ['10.1.0.9'], { created: '2026-01-01T00:00:00Z' });
  const young = pod('c/young', ['10.1.0.9'], { created: '2026-01-01T00:01:00Z' });
  for (const both of [
    [old, young],
    [young, old],
  ]) {
    expect(isolatedPods('here', [policy('a/p', {})], new Cluster(both, namespaces))).toEqual([]);
    expect(isolatedPods('here', [policy('c/p', {})], new Cluster(both, namespaces))).toHaveLength(1);
  }
});

/** `10.1.0.1 10.0.0.0/8-10.1.0.0/16 : tcp/80-90 udp 10.1.0.1=tcp/80`; `*` for whatever comes. */
function shown({ peers, ports }: Allowance): string {
  const who = peers
    ? [
        ...(peers.pods ?? ['nobody']).map((each) => (typeof each === 'string' ? each : each.address)),
        ...peers.blocks.map(({ range, except }) => [range, ...except].join('-')),
      ]
    : ['*'];
  const what = ports
    ? [
        ...ports.ranges.map(({ protocol, range }) => (range ? `${protocol}/${range.join('-')}` : protocol)),
        ...(ports.named ?? []).map(({ address, protocol, port }) => `${address}=${protocol}/${port}`),
        ...(ports.named === undefined ? [] : ['named']),
      ]
    : ['*'];
  return `${who.join(' ')} : ${what.join(' ')}`;
}

const web = { matchLabels: { app: 'web' } };
const red = { matchLabels: { team: 'red' } };

test.each<[string, Partial<NetworkPolicySpec>, string[]]>([
  ['no rules: nothing', {}, []],
  ['an empty rule: everything', { ingress: [{}] }, ['* : *']],
  ['an empty list of peers: everybody', { ingress: [{ from: [], ports: [] }] }, ['* : *']],
  ['pods of its namespace', { ingress: [{ from: [{ podSelector: {} }] }] }, ['10.1.0.1 fd00::1 10.1.0.2 : *']],
  ['of its labels', { ingress: [{ from: [{ podSelector: web }] }] }, ['10.1.0.1 fd00::1 : *']],
  ['of other namespaces', { ingress: [{ from: [{ namespaceSelector: red }] }] }, ['10.1.0.3 : *']],
  [
    'of both',
    { ingress: [{ from: [{ namespaceSelector: {}, podSelector: { matchLabels: { app: 'db' } } }] }] },
    ['10.1.0.2 : *'],
  ],
  [
    'of namespaces without a label',
    {
      ingress: [{ from: [{ namespaceSelector: { matchExpressions: [{ key: 'team', operator: 'DoesNotExist' }] } }] }],
    },
    ['10.1.0.4 : *'],
  ],
  [
    'either, once',
    { ingress: [{ from: [{ podSelector: web }, { namespaceSelector: {}, podSelector: web }] }] },
    ['10.1.0.1 fd00::1 10.1.0.3 10.1.0.4 : *'],
  ],
  ['nobody there', { ingress: [{ from: [{ podSelector: { matchLabels: { app: 'x' } } }] }] }, [' : *']],
  [
    'blocks, with exceptions',
    {
      ingress: [
        { from: [{ ipBlock: { cidr: '10.0.0.0/8', except: ['10.1.0.0/16'] } }, { ipBlock: { cidr: 'fd00::/8' } }] },
      ],
    },
    ['nobody 10.0.0.0/8-10.1.0.0/16 fd00::/8 : *'],
  ],
  [
    'a block whose exception means nothing',
    { ingress: [{ from: [{ ipBlock: { cidr: '10.0.0.0/8', except: ['10.01.0.0/16'] } }] }] },
    ['nobody : *'],
  ],
  [
    'ports',
    {
      ingress: [
        {
          ports: [
            { port: 80 },
            { port: 90, endPort: 99, protocol: 'UDP' },
            { protocol: 'SCTP' },
            { port: 7, protocol: 'TCP' },
          ],
        },
      ],
    },
    ['* : tcp/80-80 udp/90-99 sctp tcp/7-7'],
  ],
  [
    'a named port of the pods here',
    { ingress: [{ from: [{ namespaceSelector: red }], ports: [{ port: 'http' }] }] },
    ['10.1.0.3 : 10.1.0.1=tcp/8080 fd00::1=tcp/8080 named'],
  ],
  ['of another protocol', { ingress: [{ ports: [{ port: 'http', protocol: 'UDP' }] }] }, ['* : named']],
  ['two rules', { ingress: [{ ports: [{ port: 80 }] }, {}] }, ['* : tcp/80-80', '* : *']],
])('ingress: %s', (_, spec, expected) => {
  expect(allowancesOf(policy('a/p', spec), 'ingress', 'here', cluster).map(shown)).toEqual(expected);
});

test.each<[string, Partial<NetworkPolicySpec>, string[]]>([
  ['rules of ingress are none', { ingress: [{}] }, []],
  ['peers', { egress: [{ to: [{ podSelector: web }] }] }, ['10.1.0.1 fd00::1 : *']],
  [
    'a named port of each peer',
    { egress: [{ to: [{ podSelector: {} }], ports: [{ port: 'http' }] }] },
    ['10.1.0.1 fd00::1 10.1.0.2 : 10.1.0.1=tcp/8080 fd00::1=tcp/8080 10.1.0.2=tcp/80 named'],
  ],
  ['of everybody', { egress: [{ ports: [{ port: 'http', protocol: 'UDP' }] }] }, ['* : 10.1.0.3=udp/8080 named']],
  [
    'of who is in a block',
    {
      egress: [
        { to: [{ ipBlock: { cidr: '10.0.0.0/8' } }], ports: [{ port: 'http', protocol: 'UDP' }, { port: 'http' }] },
      ],
    },
    ['nobody 10.0.0.0/8 : 10.1.0.1=tcp/8080 fd00::1=tcp/8080 10.1.0.2=tcp/80 10.1.0.3=udp/8080 named'],
  ],
])('egress: %s', (_, spec, expected) => {
  expect(allowancesOf(policy('a/p', spec), 'egress', 'here', cluster).map(shown)).toEqual(expected);
});

test('sidecars have ports', () => {
  const sidecar = { name: 's', restartPolicy: 'Always', resources: {}, ports: http };
  const with_ = { ...pods[0]!, spec: { containers: [], initContainers: [sidecar], nodeName: 'here' } };
  const spec = { ingress: [{ ports: [{ port: 'http' }] }] };
  const found = allowancesOf(policy('a/p', spec), 'ingress', 'here', new Cluster([with_], namespaces));
  expect(found.map(shown)).toEqual(['* : 10.1.0.1=tcp/8080 fd00::1=tcp/8080 named']);
});
