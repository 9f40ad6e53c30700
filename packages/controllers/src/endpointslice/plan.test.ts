import type { Node, Pod, Service } from '@keelson/api/generated/types/core/v1';
import type { EndpointSlice } from '@keelson/api/generated/types/discovery/v1';
import { expect, test } from 'vitest';
import { subsetsOf, truncate } from '../endpoints/subsets.ts';
import { type Plan, plan } from './plan.ts';

const service = (spec: Partial<Service['spec']> = {}): Service => ({
  metadata: { namespace: 'ns', name: 'web', uid: 'svc', labels: { team: 'a' } },
  spec: {
    clusterIP: '10.0.0.1',
    ipFamilies: ['IPv4'],
    ports: [{ name: 'http', port: 80, protocol: 'TCP', targetPort: 'http' }],
    ...spec,
  },
  status: { loadBalancer: {} },
});
const pod = (index: number, { ready = true, port = 8080, leaving = false } = {}): Pod => ({
  metadata: {
    namespace: 'ns',
    name: `p${index}`,
    uid: `u${index}`,
    ...(leaving ? { deletionTimestamp: '2026-01-01T00:00:00Z' } : {}),
  },
  spec: {
    nodeName: 'n1',
    containers: [{ name: 'c', resources: {}, ports: [{ name: 'http', containerPort: port, protocol: 'TCP' }] }],
  },
  status: {
    phase: 'Running',
    podIPs: [{ ip: `10.1.0.${index}` }],
    conditions: [{ type: 'Ready', status: ready ? 'True' : 'False' }],
  },
});
const pods = (count: number) => Array.from({ length: count }, (_, i) => pod(i + 1));
const node: Node = {
  metadata: { name: 'n1', labels: { 'topology.kubernetes.io/zone': 'z' } },
  spec: {},
  status: {} as Node['status'],
};

function run(given: Service, wanted: readonly Pod[], slices: readonly EndpointSlice[] = []): Plan {
  return plan({ service: given, pods: wanted, slices, node: (name) => (name === 'n1' ? node : undefined) }, 3);
}

/** The slices as they are after a plan was carried out. */
function after(slices: readonly EndpointSlice[], { create, update, delete: gone }: Plan): EndpointSlice[] {
  const named = create.map((slice, i) => ({
    ...slice,
    metadata: { ...slice.metadata, name: `s${slices.length + i}` },
  }));
  const updated = new Map(update.map((slice) => [slice.metadata.name, slice]));
  const kept = slices
    .filter((slice) => !gone.includes(slice))
    .map((slice) => updated.get(slice.metadata.name) ?? slice);
  return [...kept, ...named];
}

const shape = (slices: readonly EndpointSlice[]) =>
  slices.map(
    ({ ports, endpoints }) => `${ports?.map(({ port }) => port)}: ${endpoints?.map((e) => e.targetRef?.name)}`,
  );

test('an endpoint says what is known of its pod', () => {
  const { create } = run(service(), [pod(1)]);
  expect(create).toEqual([
    {
      metadata: {
        namespace: 'ns',
        generateName: 'web-',
        labels: {
          team: 'a',
          'kubernetes.io/service-name': 'web',
          'endpointslice.kubernetes.io/managed-by': 'endpointslice-controller.k8s.io',
        },
        ownerReferences: [
          { apiVersion: 'v1', kind: 'Service', name: 'web', uid: 'svc', controller: true, blockOwnerDeletion: true },
        ],
      },
      addressType: 'IPv4',
      ports: [{ name: 'http', port: 8080, protocol: 'TCP' }],
      endpoints: [
        {
          addresses: ['10.1.0.1'],
          conditions: { ready: true, serving: true, terminating: false },
          targetRef: { kind: 'Pod', namespace: 'ns', name: 'p1', uid: 'u1' },
          nodeName: 'n1',
          zone: 'z',
        },
      ],
    },
  ]);
});

test('what is right already is left alone, in as many slices as it takes', () => {
  const slices = after([], run(service(), pods(7)));
  expect(slices.map(({ endpoints }) => endpoints?.length)).toEqual([3, 3, 1]);
  expect(run(service(), pods(7), slices)).toMatchObject({
    create: [],
    update: [],
    delete: [],
    homeless: [],
    spread: new Map(),
  });
});

test('few slices change: one that loses an endpoint takes the new one', () => {
  const slices = after([], run(service(), pods(6)));
  const change = run(service(), [...pods(7).slice(1)], slices);
  expect(shape(change.update)).toEqual(['8080: p2,p3,p7']);
  expect(change.create).toEqual([]);
  const empty = run(service(), pods(3), slices);
  expect(empty).toMatchObject({ create: [], update: [], delete: [{ metadata: { name: 's1' } }] });
});

test('one endpoint more goes where it fits', () => {
  const slices = after([], run(service(), pods(4)));
  expect(shape(run(service(), pods(5), slices).update)).toEqual(['8080: p4,p5']);
});

test('pods that name a port differently have slices of their own', () => {
  const { create } = run(service(), [pod(1), pod(2, { port: 9090 }), pod(3)]);
  expect(shape(create).sort()).toEqual(['8080: p1,p3', '9090: p2']);
});

test('a service without endpoints has an empty slice, which becomes one with endpoints', () => {
  const slices = after([], run(service(), []));
  expect(shape(slices)).toEqual([': ']);
  expect(run(service(), [], slices)).toMatchObject({
    create: [],
    update: [],
    delete: [],
    homeless: [],
    spread: new Map(),
  });
  const change = run(service(), [pod(1)], slices);
  expect([change.create, change.delete, shape(change.update)]).toEqual([[], [], ['8080: p1']]);
});

test('labels follow the service; families that it no longer has go', () => {
  const slices = after([], run(service(), [pod(1)]));
  const renamed = { ...service(), metadata: { ...service().metadata, labels: { team: 'b' } } };
  expect(run(renamed, [pod(1)], slices).update[0]?.metadata.labels).toMatchObject({ team: 'b' });
  expect(run(service({ ipFamilies: ['IPv6'] }), [pod(1)], slices)).toMatchObject({
    delete: [{ metadata: { name: 's0' } }],
    create: [{ addressType: 'IPv6', endpoints: [] }],
  });
});

test.each<[string, Pod, Partial<Service['spec']>, object]>([
  ['not ready', pod(1, { ready: false }), {}, { ready: false, serving: false, terminating: false }],
  ['leaving', pod(1, { leaving: true }), {}, { ready: false, serving: true, terminating: true }],
  [
    'published all the same',
    pod(1, { ready: false }),
    { publishNotReadyAddresses: true },
    { ready: true, serving: false, terminating: false },
  ],
])('%s', (_, given, spec, conditions) => {
  expect(run(service(spec), [given]).create[0]?.endpoints?.[0]?.conditions).toEqual(conditions);
});

test('traffic that is to stay near has hints for ready endpoints', () => {
  const { create } = run(service({ trafficDistribution: 'PreferSameNode' }), [pod(1), pod(2, { ready: false })]);
  expect(create[0]?.endpoints?.map(({ hints }) => hints)).toEqual([
    { forZones: [{ name: 'z' }], forNodes: [{ name: 'n1' }] },
    undefined,
  ]);
});

test('in place of it endpoints may be spread over zones, which leaves those that fit alone', () => {
  const zoned = service({ trafficDistribution: 'PreferSameNode' });
  const given = {
    ...zoned,
    metadata: { ...zoned.metadata, annotations: { 'service.kubernetes.io/topology-mode': 'Auto' } },
  };
  const ratios = new Map([
    ['z', 0.5],
    ['y', 0.5],
  ]);
  const spread = (slices: readonly EndpointSlice[], shares: typeof ratios | undefined = ratios) => {
    const observed = { service: given, pods: pods(2), slices, node: () => node, ratios: shares };
    return plan(observed, 3);
  };
  const hintsIn = ({ endpoints }: EndpointSlice) => endpoints?.map(({ hints }) => hints);
  const first = spread([]);
  expect(first.create.map(hintsIn)).toEqual([[{ forZones: [{ name: 'y' }] }, { forZones: [{ name: 'z' }] }]]);
  expect(first.spread.get('IPv4')?.counts).toEqual(
    new Map([
      ['z', 1],
      ['y', 1],
    ]),
  );
  const slices = after([], first);
  expect(spread(slices)).toMatchObject({ create: [], update: [], delete: [] });
  const { update, spread: ended } = plan({ service: given, pods: pods(2), slices, node: () => node }, 3);
  expect(update.map(hintsIn)).toEqual([[undefined, undefined]]);
  expect(ended.get('IPv4')?.problem).toContain('Insufficient Node information');
});

test('a pod on an unknown node waits for it', () => {
  const lost = { ...pod(1), spec: { ...pod(1).spec, nodeName: 'n2' } };
  expect(run(service(), [lost])).toMatchObject({ homeless: ['p1'], create: [{ endpoints: [] }] });
});

test('the old form groups addresses by ports, ready ones apart', () => {
  const subsets = subsetsOf(service(), [
    pod(2),
    pod(1, { ready: false }),
    pod(3, { port: 9090 }),
    pod(4, { leaving: true }),
  ]);
  expect(subsets).toMatchObject([
    { addresses: [{ ip: '10.1.0.2' }], notReadyAddresses: [{ ip: '10.1.0.1' }], ports: [{ name: 'http', port: 8080 }] },
    { addresses: [{ ip: '10.1.0.3' }], ports: [{ port: 9090 }] },
  ]);
  expect(subsetsOf(service(), [pod(1), pod(2)])).toEqual(subsetsOf(service(), [pod(2), pod(1)]));
});

test('the old form holds a thousand addresses', () => {
  const address = { ip: '10.0.0.1' };
  const many = [
    { addresses: Array(900).fill(address) },
    { addresses: Array(300).fill(address), notReadyAddresses: [address] },
  ];
  const { subsets, truncated } = truncate(many);
  expect(truncated).toBe(true);
  expect(subsets.map((s) => [s.addresses?.length, s.notReadyAddresses?.length])).toEqual([
    [750, undefined],
    [250, undefined],
  ]);
  expect(truncate(many.slice(1))).toEqual({ subsets: many.slice(1), truncated: false });
});

test('a plan tells what changes in numbers', () => {
  const first = run(service(), pods(4));
  const slices = after([], first);
  expect(first.tallies.get('IPv4')).toEqual({ endpoints: [4], slices: 2, added: 4, removed: 0, changed: 2 });
  const next = run(service(), [pod(1), pod(5), pod(6, { port: 9090 })], slices);
  expect(next.tallies.get('IPv4')).toMatchObject({ endpoints: [1 + 1, 1], added: 2, removed: 3 });
  expect(run(service(), [], slices).tallies.get('IPv4')).toMatchObject({ endpoints: [], slices: 1, added: 0 });
});
