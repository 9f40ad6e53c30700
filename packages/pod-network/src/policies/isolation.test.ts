import type { Namespace, Pod } from '@keelson/api/generated/types/core/v1';
import type { NetworkPolicySpec } from '@keelson/api/generated/types/networking/v1';
import { expect, test } from 'vitest';
import { namespace, pod, policy } from '../testing/policy-objects.ts';
import { type Allowance, allowancesOf, type Direction, directionsOf } from './isolation.ts';
import { memberOf } from './members.ts';
import type { PodSet } from './pod-sets.ts';

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
/** What is in a set, given these pods. */
const members = (set: PodSet, all = pods): string[] =>
  all
    .map((each) => memberOf(each))
    .filter((pod) => pod !== undefined)
    .filter(({ namespace: name }) =>
      set.namespace === undefined
        ? set.covers(namespaces.find(({ metadata }) => metadata.name === name)!.metadata.labels!)
        : name === set.namespace,
    )
    .flatMap((pod) => set.elementsOf(pod).map(({ key }) => key));

test.each<[string, Partial<NetworkPolicySpec>, Direction[]]>([
  ['nothing said', {}, ['ingress']],
  ['rules of egress', { egress: [{}] }, ['ingress', 'egress']],
  ['no rules of egress', { egress: [] }, ['ingress']],
  ['egress alone', { policyTypes: ['Egress'], ingress: [{}] }, ['egress']],
  ['both', { policyTypes: ['Egress', 'Ingress'] }, ['ingress', 'egress']],
])('directions: %s', (_, spec, expected) => {
  expect(directionsOf(policy('a/p', spec))).toEqual(expected);
});

/** `10.1.0.1 10.0.0.0/8-10.1.0.0/16 : tcp/80-90 udp 10.1.0.1 . tcp . 80`; `*` for whatever comes. */
function shown({ peers, ports }: Allowance): string {
  const who = peers
    ? [
        ...peers.pods.map((set) => `(${members(set).join(' ')})`),
        ...peers.blocks.map(({ range, except }) => [range, ...except].join('-')),
      ]
    : ['*'];
  const what = ports
    ? [
        ...ports.ranges.map(({ protocol, range }) => (range ? `${protocol}/${range.join('-')}` : protocol)),
        ...ports.named.map((set) => `(${members(set).join(', ')})`),
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
  ['pods of its namespace', { ingress: [{ from: [{ podSelector: {} }] }] }, ['(10.1.0.1 fd00::1 10.1.0.2) : *']],
  ['of its labels', { ingress: [{ from: [{ podSelector: web }] }] }, ['(10.1.0.1 fd00::1) : *']],
  ['of other namespaces', { ingress: [{ from: [{ namespaceSelector: red }] }] }, ['(10.1.0.3) : *']],
  [
    'of both',
    { ingress: [{ from: [{ namespaceSelector: {}, podSelector: { matchLabels: { app: 'db' } } }] }] },
    ['(10.1.0.2) : *'],
  ],
  [
    'of namespaces without a label',
    {
      ingress: [{ from: [{ namespaceSelector: { matchExpressions: [{ key: 'team', operator: 'DoesNotExist' }] } }] }],
    },
    ['(10.1.0.4) : *'],
  ],
  [
    'either',
    { ingress: [{ from: [{ podSelector: web }, { namespaceSelector: {}, podSelector: web }] }] },
    ['(10.1.0.1 fd00::1) (10.1.0.1 fd00::1 10.1.0.3 10.1.0.4) : *'],
  ],
  ['nobody there', { ingress: [{ from: [{ podSelector: { matchLabels: { app: 'x' } } }] }] }, ['() : *']],
  [
    'blocks, with exceptions',
    {
      ingress: [
        { from: [{ ipBlock: { cidr: '10.0.0.0/8', except: ['10.1.0.0/16'] } }, { ipBlock: { cidr: 'fd00::/8' } }] },
      ],
    },
    ['10.0.0.0/8-10.1.0.0/16 fd00::/8 : *'],
  ],
  [
    'a block whose exception means nothing',
    { ingress: [{ from: [{ ipBlock: { cidr: '10.0.0.0/8', except: ['10.01.0.0/16'] } }] }] },
    [' : *'],
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
    ['(10.1.0.3) : (10.1.0.1 . tcp . 8080, fd00::1 . tcp . 8080)'],
  ],
  [
    'of another protocol',
    { ingress: [{ ports: [{ port: 'http', protocol: 'UDP' }] }] },
    ['* : (10.1.0.3 . udp . 8080)'],
  ],
  ['two rules', { ingress: [{ ports: [{ port: 80 }] }, {}] }, ['* : tcp/80-80', '* : *']],
])('ingress: %s', (_, spec, expected) => {
  expect(allowancesOf(policy('a/p', spec), 'ingress', 'here').map(shown)).toEqual(expected);
});

test.each<[string, Partial<NetworkPolicySpec>, string[]]>([
  ['rules of ingress are none', { ingress: [{}] }, []],
  ['peers', { egress: [{ to: [{ podSelector: web }] }] }, ['(10.1.0.1 fd00::1) : *']],
  [
    'a named port of each peer',
    { egress: [{ to: [{ podSelector: {} }], ports: [{ port: 'http' }] }] },
    ['(10.1.0.1 fd00::1 10.1.0.2) : (10.1.0.1 . tcp . 8080, fd00::1 . tcp . 8080, 10.1.0.2 . tcp . 80)'],
  ],
  ['of everybody', { egress: [{ ports: [{ port: 'http', protocol: 'UDP' }] }] }, ['* : (10.1.0.3 . udp . 8080)']],
  [
    'of who is in a block',
    {
      egress: [
        { to: [{ ipBlock: { cidr: '10.0.0.0/8' } }], ports: [{ port: 'http', protocol: 'UDP' }, { port: 'http' }] },
      ],
    },
    ['10.0.0.0/8 : (10.1.0.3 . udp . 8080) (10.1.0.1 . tcp . 8080, fd00::1 . tcp . 8080, 10.1.0.2 . tcp . 80)'],
  ],
])('egress: %s', (_, spec, expected) => {
  expect(allowancesOf(policy('a/p', spec), 'egress', 'here').map(shown)).toEqual(expected);
});

test('sidecars have ports', () => {
  const sidecar = { name: 's', restartPolicy: 'Always', resources: {}, ports: http };
  const with_ = { ...pods[0]!, spec: { containers: [], initContainers: [sidecar], nodeName: 'here' } };
  const spec = { ingress: [{ ports: [{ port: 'http' }] }] };
  const [set] = allowancesOf(policy('a/p', spec), 'ingress', 'here')[0]!.ports!.named;
  expect(members(set!, [with_])).toEqual(['10.1.0.1 . tcp . 8080', 'fd00::1 . tcp . 8080']);
});

const peers = (...from: NonNullable<NetworkPolicySpec['ingress']>[number]['from'] & object) =>
  allowancesOf(policy('a/p', { ingress: [{ from }] }), 'ingress', 'here')[0]!.peers!.pods.map(({ name }) => name);

test('equal selections are one set, whatever the way they are said in', () => {
  const one = { matchLabels: { x: '1', y: '2' } };
  const other = {
    matchLabels: { y: '2' },
    matchExpressions: [
      { key: 'x', operator: 'In', values: ['1'] },
      { key: 'y', operator: 'In', values: ['2', '2'] },
    ],
  };
  expect(peers({ podSelector: one }, { podSelector: other })).toHaveLength(1);
  expect(peers({ namespaceSelector: {} }, { namespaceSelector: {}, podSelector: {} })).toHaveLength(1);
});

test('others are not', () => {
  const expressions = ['1', '1,2'].map((value) => ({
    matchExpressions: [{ key: 'x', operator: 'NotIn', values: value.split(',') }],
  }));
  const nothing = { matchLabels: { x: '!' } };
  const all = [{}, nothing, red, web, { matchExpressions: [{ key: 'team', operator: 'Exists' }] }, ...expressions];
  const names = peers(
    ...all.map((podSelector) => ({ podSelector })),
    ...all.map((namespaceSelector) => ({ namespaceSelector })),
    {},
  );
  expect(new Set(names).size).toBe(2 * all.length);
  expect(names.every((name) => /^[a-z][\w/.-]*$/.test(name))).toBe(true);
});
