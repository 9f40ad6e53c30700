import type { Pod } from '@keelson/api/generated/types/core/v1';
import type { AllocationResult, ResourceClaim } from '@keelson/api/generated/types/resource/v1';
import { Client, type Lister } from '@keelson/client';
import { FakeTransport } from '@keelson/client/testing/transport';
import { describe, expect, it } from 'vitest';
import type { Cycle } from '../framework/cycle.ts';
import { Action, matches, podEvents } from '../framework/events.ts';
import type { Plugin } from '../framework/plugin.ts';
import { PodInfo } from '../pods/pod-info.ts';
import { helps, TestCluster } from '../testing/cluster.ts';
import { exactly, makeClaim, makeClass, makeClassOf, makeDevice, makeSlice } from '../testing/devices.ts';
import { makeNode, makePod } from '../testing/objects.ts';
import { dynamicResources } from './dynamic-resources.ts';

const CLAIMS = 'resourceclaims.resource.k8s.io';
const args = { filterTimeoutMs: 10_000, bindingTimeoutMs: 60_000 };
const signal = new AbortController().signal;

const using = (name: string, ...claims: string[]): Pod =>
  makePod(name, { spec: { resourceClaims: claims.map((each) => ({ name: each, resourceClaimName: each })) } });

function given(node: string, more: Partial<ResourceClaim['status'] & object> = {}) {
  const results = [{ request: 'r', driver: 'gpu.example.com', pool: node, device: 'd' }];
  const matchFields = [{ key: 'metadata.name', operator: 'In', values: [node] }];
  const allocation = { devices: { results }, nodeSelector: { nodeSelectorTerms: [{ matchFields }] } };
  return { allocation: allocation as AllocationResult, ...more };
}

function setUp(claims: readonly ResourceClaim[], devices = { a: 1, b: 2, c: 0 }) {
  const cluster = new TestCluster(Object.keys(devices).map((name) => makeNode(name)));
  cluster.put('deviceclasses.resource.k8s.io', makeClass('gpu'));
  for (const [node, n] of Object.entries(devices)) {
    const all = Array.from({ length: n }, (_, i) => makeDevice(i === 0 ? 'd' : `d${i}`));
    cluster.put('resourceslices.resource.k8s.io', makeSlice(node, all));
  }
  cluster.put(CLAIMS, ...claims);
  let version = 100;
  /** Whether the informer sees what is written. */
  const seen = { at: true };
  const transport = new FakeTransport(({ method, body, path }) => {
    if (method === 'DELETE') return { body: {} };
    const sent = JSON.parse(Buffer.from(body!).toString());
    if (path.includes('/pods/')) return { body: sent };
    if (method === 'POST') sent.metadata.name = `${sent.metadata.generateName}1`;
    if (method === 'PATCH')
      return { body: (cluster.context.listers(CLAIMS) as Lister<ResourceClaim>).get(keyOf(path))! };
    version += 1;
    const written = { ...sent, metadata: { ...sent.metadata, resourceVersion: `${version}` } };
    if (seen.at) cluster.put(CLAIMS, written);
    return { body: written };
  });
  const client = new Client({ transport, component: 'test', world: cluster.world });
  const told: string[] = [];
  const recorder = { event: (_: unknown, __: unknown, reason: string) => told.push(reason) };
  const counted: string[] = [];
  const claimCreated = (succeeded: boolean) => void counted.push(succeeded ? 'created' : 'not created');
  const awaiting = () => (claims: readonly unknown[], status: string) =>
    void counted.push(`${claims.length} ${status}`);
  const writer = { client, recorder, claimCreated, awaiting } as never;
  const plugin = dynamicResources(args, { ...cluster.context, writer }) as Plugin;
  const begin = (pod: Pod) => cluster.begin(plugin, pod) as Cycle;
  /** The pod gets a node as far as nothing is written. */
  const place = (pod: Pod, node: string) => {
    const cycle = begin(pod);
    expect(cycle.filter(cluster.snapshot.get(node)!)).toBeUndefined();
    const state = cycle.stateOf(plugin.name);
    plugin.reserve!(new PodInfo(pod), node, state);
    return state;
  };
  const claim = (name: string) => cluster.context.listers(CLAIMS).get(`default/${name}`)!;
  return { cluster, plugin, transport, seen, told, counted, begin, place, claim };
}

const keyOf = (path: string) => `default/${path.split('/').at(-2)}`;
const no = '!cannot allocate all claims';
const gone = '!resourceclaim not available on the node';

describe('claims of a pod', () => {
  it.each<[string, ResourceClaim[], Pod, string]>([
    ['that is missing', [], using('p', 'x'), 'could not find ResourceClaim "default/x"'],
    [
      'that goes away',
      [
        {
          ...makeClaim('x', []),
          metadata: { ...makeClaim('x', []).metadata, deletionTimestamp: '2026-01-01T00:00:00Z' },
        },
      ],
      using('p', 'x'),
      'resourceclaim "x" is being deleted',
    ],
    [
      'of a template that is not made yet',
      [],
      makePod('p', { spec: { resourceClaims: [{ name: 'x', resourceClaimTemplateName: 't' }] } }),
      'pod "default/p": ResourceClaim not created yet',
    ],
    [
      'of a template that another has made',
      [makeClaim('x-1', [])],
      makePod('p', {
        spec: { resourceClaims: [{ name: 'x', resourceClaimTemplateName: 't' }] },
        status: { resourceClaimStatuses: [{ name: 'x', resourceClaimName: 'x-1' }] },
      }),
      'ResourceClaim default/x-1 was not created for Pod default/p (Pod is not owner)',
    ],
  ])('one %s keeps the pod back', (_, claims, pod, reason) => {
    expect(setUp(claims).plugin.preEnqueue!(new PodInfo(pod))?.reasons).toEqual([reason]);
  });

  it('a class that does not exist refuses it everywhere', () => {
    const { cluster, plugin } = setUp([makeClaim('x', [exactly('r', { deviceClassName: 'none' })])]);
    const reason = 'request r: device class none does not exist';
    expect(cluster.filter(plugin, using('p', 'x'))).toEqual({ a: reason, b: reason, c: reason });
    expect(cluster.filter(plugin, makePod('other'))).toEqual({});
  });
});

describe('nodes', () => {
  it('do when they have the devices', () => {
    const { cluster, plugin } = setUp([
      makeClaim('one', [exactly('r')]),
      makeClaim('two', [exactly('r', { count: 2 })]),
    ]);
    expect(cluster.filter(plugin, using('p', 'one'))).toEqual({ c: no });
    expect(cluster.filter(plugin, using('p', 'two'))).toEqual({ a: no, c: no });
    expect(cluster.filter(plugin, using('p', 'one', 'two'))).toEqual({ a: no, b: no, c: no });
  });

  it('do when they reach the devices that the claim has; others may have it at the same time', () => {
    const { cluster, plugin } = setUp([makeClaim('x', [exactly('r')], {}, given('a'))]);
    expect(cluster.filter(plugin, using('p', 'x'))).toEqual({ b: gone, c: gone });
  });

  it('are better with alternatives that come first', () => {
    const want = (count: number, name: string) => ({ name, deviceClassName: 'gpu', count });
    const { cluster, plugin } = setUp([
      makeClaim('x', [{ name: 'r', firstAvailable: [want(2, 'two'), want(1, 'one')] }]),
    ]);
    expect(cluster.score(plugin, using('p', 'x'), ['a', 'b'])).toEqual({ a: 87, b: 100 });
    expect(cluster.score(plugin, makePod('p'))).toEqual({});
  });
});

describe('devices that a pod gets', () => {
  it('are set aside at once, written before it is bound, and known before that is seen', async () => {
    const { cluster, plugin, transport, seen, place, claim } = setUp([
      makeClaim('x', [exactly('r')]),
      makeClaim('y', [exactly('r')]),
    ]);
    seen.at = false;
    const pod = using('p', 'x');
    const state = place(pod, 'a');
    expect(cluster.filter(plugin, using('q', 'y'))).toEqual({ a: no, c: no });
    const pending = 'resource claim default/x is in the process of being allocated';
    expect(cluster.filter(plugin, using('q', 'x'))).toEqual({ a: pending, b: pending, c: pending });
    expect(plugin.hasPreBind!(new PodInfo(pod), 'a', state)).toBe(true);
    await plugin.preBind!(new PodInfo(pod), 'a', state, signal);
    expect(
      transport.requests.map(({ method, path }) => `${method} ${path.slice('/apis/resource.k8s.io/v1'.length)}`),
    ).toEqual(['PUT /namespaces/default/resourceclaims/x', 'PUT /namespaces/default/resourceclaims/x/status']);
    const sent = transport.requests.map(({ body }) => JSON.parse(Buffer.from(body!).toString()));
    expect(sent[0].metadata.finalizers).toEqual(['resource.kubernetes.io/delete-protection']);
    expect(sent[1].status).toMatchObject({
      allocation: {
        devices: { results: [{ request: 'r', pool: 'a', device: 'd' }] },
        allocationTimestamp: '2026-01-01T00:00:00Z',
      },
      reservedFor: [{ resource: 'pods', name: 'p', uid: pod.metadata.uid }],
    });
    expect(claim('x').status).toEqual({});
    expect(cluster.filter(plugin, using('q', 'y'))).toEqual({ a: no, c: no });
    expect(cluster.filter(plugin, using('q', 'x'))).toEqual({ b: gone, c: gone });
    cluster.put(CLAIMS, { ...claim('x'), metadata: { ...claim('x').metadata, resourceVersion: '500' } });
    expect(cluster.filter(plugin, using('q', 'y'))).toEqual({ c: no });
  });

  it('are free again when the pod is not bound', async () => {
    const { cluster, plugin, transport, place } = setUp([
      makeClaim('x', [exactly('r')]),
      makeClaim('y', [exactly('r')]),
    ]);
    const pod = new PodInfo(using('p', 'x'));
    const early = place(pod.pod, 'a');
    plugin.unreserve!(pod, 'a', early);
    expect(cluster.filter(plugin, using('q', 'y'))).toEqual({ c: no });
    expect(transport.requests).toHaveLength(0);
    const late = place(pod.pod, 'a');
    await plugin.preBind!(pod, 'a', late, signal);
    plugin.unreserve!(pod, 'a', late);
    await cluster.world.pass(10);
    const { method, path, body } = transport.requests.at(-1)!;
    expect(`${method} ${path}`).toBe('PATCH /apis/resource.k8s.io/v1/namespaces/default/resourceclaims/x/status');
    expect(JSON.parse(Buffer.from(body!).toString())).toEqual({
      metadata: { uid: 'uid-x' },
      status: { reservedFor: [{ $patch: 'delete', uid: pod.uid }] },
    });
  });

  it('are taken from a claim that nobody uses when they keep the pod from all nodes', async () => {
    const others = [{ resource: 'pods', name: 'other', uid: 'other' }];
    const { cluster, begin, plugin, claim } = setUp([
      makeClaim('x', [exactly('r')], {}, given('gone')),
      makeClaim('used', [exactly('r')], {}, given('gone', { reservedFor: others })),
    ]);
    const outcome = (pod: Pod) => {
      const cycle = begin(pod);
      for (const node of cluster.snapshot.nodes) expect(cycle.filter(node)?.reasons).toEqual([gone.slice(1)]);
      return plugin.postFilter!(new PodInfo(pod), cycle, {} as never).rejection!.reasons;
    };
    expect(outcome(using('p', 'used'))).toEqual(['still not schedulable']);
    expect(outcome(using('p', 'x'))).toEqual(['deallocation of ResourceClaim completed']);
    await cluster.world.pass(10);
    expect(claim('x').status).toEqual({});
    expect(cluster.filter(plugin, using('p', 'x'))).toEqual({ c: no });
    const idle = plugin.postFilter!(new PodInfo(makePod('p')), begin(makePod('p')), {} as never);
    expect(idle.rejection!.reasons).toEqual(['no new claims to deallocate']);
  });

  it('are waited for until the driver has prepared them, not longer than that', async () => {
    const { cluster, plugin, told, counted, place, claim } = setUp([makeClaim('x', [exactly('r')])], {
      a: 0,
      b: 0,
      c: 0,
    });
    const device = makeDevice('d', { bindingConditions: ['Attached'], bindingFailureConditions: ['Failed'] });
    cluster.put('resourceslices.resource.k8s.io', makeSlice('a', [device]));
    const pod = new PodInfo(using('p', 'x'));
    const begin = () => plugin.preBind!(pod, 'a', place(pod.pod, 'a'), signal);
    const report = (type: string) => {
      const devices = [
        {
          driver: 'gpu.example.com',
          pool: 'a',
          device: 'd',
          conditions: [{ type, status: 'True', reason: 'R', message: 'm' }],
        },
      ];
      const { metadata, status } = claim('x');
      const next = { ...metadata, resourceVersion: '900' };
      const reported = { ...claim('x'), metadata: next, status: { ...status, devices } };
      cluster.put(CLAIMS, reported);
    };
    const forget = () =>
      cluster.put(CLAIMS, {
        ...makeClaim('x', [exactly('r')]),
        metadata: { ...claim('x').metadata, resourceVersion: '950' },
      });
    const attached = begin();
    await cluster.world.pass(6000);
    expect(told).toEqual(['BindingConditionsPending']);
    report('Attached');
    await cluster.world.pass(6000);
    expect(await attached).toBeUndefined();
    forget();
    const failed = expect(begin()).rejects.toThrow('device binding failed: claim=x, reason=R, message="m"');
    await cluster.world.pass(1000);
    report('Failed');
    await cluster.world.pass(6000);
    await failed;
    expect(cluster.filter(plugin, using('q', 'x'))).toEqual({ a: gone, b: gone, c: gone });
    forget();
    const late = expect(begin()).rejects.toThrow('device binding timeout: claim=x');
    await cluster.world.pass(80_000);
    await late;
    expect(counted).toEqual(['1 success', '1 failure', '1 timeout']);
  });
});

describe('extended resources that a class stands behind', () => {
  const gpu = 'example.com/gpu';
  const asking = (n: number, more: Parameters<typeof makePod>[1] = {}) =>
    makePod('p', { requests: { [gpu]: String(n) }, ...more });
  const withClass = (claims: readonly ResourceClaim[] = []) => {
    const all = setUp(claims);
    all.cluster.put('deviceclasses.resource.k8s.io', makeClassOf(gpu, 'gpus'));
    return all;
  };

  it('are devices where the node does not have them itself', () => {
    const { cluster, plugin } = withClass([makeClaim('x', [exactly('r')])]);
    expect(cluster.filter(plugin, asking(2))).toEqual({ a: no, c: no });
    expect(cluster.filter(plugin, asking(1, { spec: using('p', 'x').spec }))).toEqual({ c: no });
    cluster.cache.putNode(makeNode('c', { allocatable: { [gpu]: '5' } }));
    cluster.refresh();
    expect(cluster.filter(plugin, asking(2))).toEqual({ a: no });
    const foreign = makePod('p', { requests: { [gpu]: '1', 'example.com/other': '1' } });
    const missing = '!cannot fit resource';
    expect(cluster.filter(plugin, foreign)).toEqual({ a: missing, b: missing, c: missing });
    expect(cluster.filter(plugin, makePod('p', { requests: { 'example.com/other': '1' } }))).toEqual({});
  });

  it('get a claim that is written when the pod is bound, and go with it when it is not', async () => {
    const { cluster, plugin, transport, place } = withClass();
    const pod = asking(1);
    const state = place(pod, 'a');
    expect(cluster.filter(plugin, asking(1))).toEqual({ a: no, c: no });
    expect(plugin.hasPreBind!(new PodInfo(pod), 'a', state)).toBe(true);
    await plugin.preBind!(new PodInfo(pod), 'a', state, signal);
    const sent = transport.requests.map(({ method, path, body }) => ({
      what: `${method} ${path.split('/namespaces/default/')[1]}`,
      body: JSON.parse(Buffer.from(body!).toString()),
    }));
    expect(sent.map(({ what }) => what)).toEqual([
      'POST resourceclaims',
      'PUT resourceclaims/p-extended-resources-1',
      'PUT resourceclaims/p-extended-resources-1/status',
      'PATCH pods/p/status',
    ]);
    expect(sent[0]!.body).toMatchObject({
      metadata: {
        generateName: 'p-extended-resources-',
        annotations: { 'resource.kubernetes.io/extended-resource-claim': 'true' },
        ownerReferences: [{ kind: 'Pod', name: 'p', uid: pod.metadata.uid, controller: true }],
      },
      spec: {
        devices: { requests: [{ name: 'container-0-request-0', exactly: { deviceClassName: 'gpus', count: 1 } }] },
      },
    });
    expect(sent[0]!.body.metadata.name).toBeUndefined();
    expect(sent[2]!.body.status.allocation.devices.results).toMatchObject([{ pool: 'a', device: 'd' }]);
    expect(sent[3]!.body).toEqual({
      status: {
        extendedResourceClaimStatus: {
          requestMappings: [{ containerName: 'c', resourceName: gpu, requestName: 'container-0-request-0' }],
          resourceClaimName: 'p-extended-resources-1',
        },
      },
    });
    await cluster.world.pass(200);
    expect(cluster.filter(plugin, asking(1))).toEqual({ a: no, c: no });
    plugin.unreserve!(new PodInfo(pod), 'a', state);
    await cluster.world.pass(10);
    expect(transport.requests.slice(4).map(({ method }) => method)).toEqual(['PUT', 'DELETE']);
  });

  it('of an earlier cycle keep the pod back until their claim is gone', async () => {
    const { cluster, plugin, begin, transport } = withClass();
    const pod = asking(1);
    const left = makeClaim('p-extended-resources-0', [exactly('r')]);
    left.metadata.annotations = { 'resource.kubernetes.io/extended-resource-claim': 'true' };
    left.metadata.ownerReferences = [
      { apiVersion: 'v1', kind: 'Pod', name: 'p', uid: pod.metadata.uid!, controller: true },
    ];
    cluster.put(CLAIMS, left);
    const cycle = begin(pod);
    for (const node of cluster.snapshot.nodes)
      expect(cycle.filter(node)?.reasons).toEqual(['cannot schedule extended resource claim']);
    const { rejection } = plugin.postFilter!(new PodInfo(pod), cycle, {} as never);
    expect(rejection!.reasons).toEqual(['deletion of ResourceClaim completed']);
    await cluster.world.pass(10);
    expect(transport.requests.map(({ method }) => method)).toEqual(['PUT', 'DELETE']);
  });
});

describe('what helps a pod', () => {
  const { plugin } = setUp([makeClaim('x', [exactly('r')]), makeClaim('other', [exactly('r')])]);
  const x = makeClaim('x', [exactly('r')]);
  const other = makeClaim('other', [exactly('r')]);
  const allocated = (claim: ResourceClaim) => ({ ...claim, status: given('a') });
  it.each<[string, boolean, ResourceClaim | undefined, ResourceClaim]>([
    ['its claim is there', true, undefined, x],
    ['its claim changes', true, x, allocated(x)],
    ['its claim changes where it does not matter', false, x, { ...x, metadata: { ...x.metadata, finalizers: ['f'] } }],
    ['another claim is there', false, undefined, other],
    ['another claim frees devices', true, allocated(other), other],
  ])('%s', (_, helped, old, now) => expect(helps(plugin, using('p', 'x'), old, now, 1)).toBe(helped));

  it('its claim is made from the template', () => {
    const resourceClaims = [{ name: 'x', resourceClaimTemplateName: 't' }];
    const waiting = makePod('p', { spec: { resourceClaims } });
    const resourceClaimStatuses = [{ name: 'x' }];
    const made = { ...waiting, status: { ...waiting.status, resourceClaimStatuses } };
    expect(helps(plugin, waiting, waiting, made, 2)).toBe(true);
    expect(helps(plugin, makePod('q'), waiting, made, 2)).toBe(false);
    const [event] = podEvents(waiting, made);
    expect(event!.action).toBe(Action.podGeneratedClaim);
    expect(matches(plugin.events!()[2]!.event, event!)).toBe(true);
  });
});
