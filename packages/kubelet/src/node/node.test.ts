import type { Node } from '@keelson/api/generated/types/core/v1';
import { Client, type EventRecorder } from '@keelson/client';
import { FakeObjects } from '@keelson/client/testing/objects';
import { FakeTransport } from '@keelson/client/testing/transport';
import { manualWorld } from '@keelson/client/testing/world';
import { isEnabledByDefault } from '@keelson/component/featuregate/featuregate';
import { describe, expect, it } from 'vitest';
import { SimulatedRuntime } from '../runtime/simulated/runtime.ts';
import { NodeAgent, type NodeAgentOptions } from './agent.ts';
import { describeStatus, type NodeConfiguration, type NodeFacts, notReadyBecause } from './description.ts';

const configuration: NodeConfiguration = {
  name: 'n1',
  addresses: ['192.0.2.1'],
  labels: { zone: 'a' },
  annotations: {},
  taints: [],
  maxPods: 110,
  providerId: '',
  reserved: { cpu: '500m' },
  capacity: { 'example.com/gpu': '2' },
  serverPort: 10250,
  maxImages: 50,
  isEnabled: isEnabledByDefault,
};

async function facts(world = manualWorld()): Promise<NodeFacts> {
  const runtime = new SimulatedRuntime(world.clock);
  return {
    machine: {
      cpus: 4,
      memoryBytes: 8 * 2 ** 30,
      storageBytes: 2 ** 40,
      machineId: 'm',
      systemUuid: 's',
      bootId: 'b',
      kernel: '6.1',
      osImage: 'os',
      os: 'linux',
      architecture: 'amd64',
      swapBytes: 0,
      hugePages: new Map([[2 ** 21, 0]]),
    },
    version: await runtime.version(),
    runtime: await runtime.status(),
    images: [
      { id: '1', tags: ['small:1'], digests: [], size: 1, username: '', pinned: false },
      { id: '2', tags: ['big:1'], digests: ['big@sha256:2'], size: 2, username: '', pinned: false },
    ],
    notReady: undefined,
    pressures: [],
  };
}

describe('describeStatus', () => {
  it('says what the node has, and what is left for pods', async () => {
    const status = describeStatus(configuration, await facts(), undefined, 't1');
    expect(status.capacity).toMatchObject({ cpu: '4', memory: '8Gi', pods: '110', 'example.com/gpu': '2' });
    expect(status.allocatable).toMatchObject({ cpu: '3500m', memory: '8Gi' });
    expect(status.images?.map(({ names }) => names)).toEqual([['big@sha256:2', 'big:1'], ['small:1']]);
    expect(status.addresses).toEqual([
      { type: 'InternalIP', address: '192.0.2.1' },
      { type: 'Hostname', address: 'n1' },
    ]);
    expect(status.conditions?.map(({ type, status, reason }) => `${type} ${status} ${reason}`)).toEqual([
      'MemoryPressure False KubeletHasSufficientMemory',
      'DiskPressure False KubeletHasNoDiskPressure',
      'PIDPressure False KubeletHasSufficientPID',
      'Ready True KubeletReady',
    ]);
  });

  it.each([
    [-1, ['big:1', 'small:1']],
    [1, ['big:1']],
    [0, []],
  ])('tells of at most %d images, the biggest', async (maxImages, want) => {
    const { images } = describeStatus({ ...configuration, maxImages }, await facts(), undefined, 't1');
    expect(images?.map(({ names }) => names?.at(-1))).toEqual(want);
  });

  it.each([
    ['', 4],
    ['ExtendWebSocketsToKubelet', 3],
    ['NodeDeclaredFeatures', undefined],
  ])('tells what pods may need of it, without %j', async (gate, expected) => {
    const isEnabled = (each: string) => each !== gate;
    const { declaredFeatures } = describeStatus({ ...configuration, isEnabled }, await facts(), undefined, 't1');
    expect(declaredFeatures?.length).toBe(expected);
    expect(declaredFeatures ?? []).not.toContain(gate);
  });

  it('says what it runs out of, and since when', async () => {
    const before = describeStatus(configuration, await facts(), undefined, 't1');
    const pressed = { ...(await facts()), pressures: ['DiskPressure', 'PIDPressure'] as const };
    const { conditions } = describeStatus(configuration, pressed, before, 't2');
    expect(conditions?.map(({ type, reason, message, lastTransitionTime: at }) => [type, reason, message, at])).toEqual(
      [
        ['MemoryPressure', 'KubeletHasSufficientMemory', 'kubelet has sufficient memory available', 't1'],
        ['DiskPressure', 'KubeletHasDiskPressure', 'kubelet has disk pressure', 't2'],
        ['PIDPressure', 'KubeletHasInsufficientPID', 'kubelet has insufficient PID available', 't2'],
        ['Ready', 'KubeletReady', 'kubelet is posting ready status', 't1'],
      ],
    );
  });

  it('keeps resources that others have added, and has pods use them', async () => {
    const old = describeStatus(configuration, await facts(), undefined, 't1');
    const theirs = { 'example.com/foo': '5', 'hugepages-64Ki': '1', cpu: '99' };
    const capacity = { ...old.capacity, ...theirs };
    const allocatable = { ...old.allocatable, 'example.com/foo': '3', 'example.com/bar': '1' };
    const status = describeStatus(configuration, await facts(), { ...old, capacity, allocatable }, 't2');
    expect(status.capacity).toEqual({ ...old.capacity, 'example.com/foo': '5' });
    expect(status.allocatable).toEqual({ ...old.allocatable, 'example.com/foo': '5' });
  });

  it('says that what is in huge pages is no other memory', async () => {
    const { machine, ...rest } = await facts();
    const hugePages = new Map([
      [2 ** 21, 2 ** 30],
      [2 ** 30, 2 ** 30],
    ]);
    const { capacity, allocatable } = describeStatus(
      { ...configuration, reserved: { memory: '1Gi' } },
      { ...rest, machine: { ...machine, hugePages } },
      undefined,
      't1',
    );
    const pages = { 'hugepages-1Gi': '1Gi', 'hugepages-2Mi': '1Gi' };
    expect(capacity).toMatchObject({ ...pages, memory: '8Gi' });
    expect(allocatable).toMatchObject({ ...pages, memory: '5Gi' });
  });

  it('says what plugins have, in the place of what was said of it', async () => {
    const old = describeStatus(configuration, await facts(), undefined, 't1');
    const [dev, gone] = ['example.com/dev', 'example.com/gone'];
    const before = { ...old, capacity: { ...old.capacity, [dev]: '7', [gone]: '1' } };
    const devices = { capacity: { [dev]: '4', [gone]: '0' }, allocatable: { [dev]: '3', [gone]: '0' } };
    const { capacity, allocatable } = describeStatus(configuration, { ...(await facts()), devices }, before, 't2');
    expect(capacity).toEqual({ ...old.capacity, [dev]: '4', [gone]: '0' });
    expect(allocatable).toEqual({ ...old.allocatable, [dev]: '3', [gone]: '0' });
  });

  it('keeps the times of conditions that stay, and those of others', async () => {
    const other = { type: 'NetworkUnavailable', status: 'False' };
    const before = describeStatus(configuration, await facts(), undefined, 't1');
    const old = { ...before, conditions: [other, ...before.conditions!] };
    const now = describeStatus(configuration, { ...(await facts()), notReady: 'why' }, old, 't2').conditions!;
    expect(now[0]).toBe(other);
    expect(now.slice(1).map(({ lastTransitionTime }) => lastTransitionTime)).toEqual(['t1', 't1', 't1', 't2']);
    expect(now.at(-1)).toMatchObject({
      status: 'False',
      reason: 'KubeletNotReady',
      message: 'why',
      lastHeartbeatTime: 't2',
    });
  });
});

describe('notReadyBecause', () => {
  it('is what the runtime says', () => {
    const conditions = [
      { type: 'RuntimeReady', ok: true, reason: '', message: '' },
      { type: 'NetworkReady', ok: false, reason: 'NetworkPluginNotReady', message: 'cni config uninitialized' },
    ];
    expect(notReadyBecause({ conditions, handlers: [], supplementalGroupsPolicy: false })).toBe(
      'container runtime network not ready: NetworkReady=false reason:NetworkPluginNotReady message:cni config uninitialized',
    );
  });
});

describe('NodeAgent', () => {
  async function agentOf(more: Partial<NodeAgentOptions> = {}) {
    const world = manualWorld();
    const [nodes, leases] = [new FakeObjects(), new FakeObjects()];
    const requests: string[] = [];
    const transport = new FakeTransport((request) => {
      const isLease = request.path.includes('/leases');
      requests.push(`${request.method} ${isLease ? 'lease' : request.path.endsWith('/status') ? 'status' : 'node'}`);
      const path = request.path.replace(/\/status$/, '');
      return (isLease ? leases : nodes).answer({ ...request, path });
    });
    const client = new Client({ transport, component: 'kubelet', world });
    const events: string[] = [];
    const recorder: EventRecorder = { event: (_about, _type, reason) => void events.push(reason) };
    let notReady: string | undefined;
    const known = await facts(world);
    let pressures: NodeFacts['pressures'] = [];
    const agent = new NodeAgent({
      client,
      recorder,
      configuration,
      facts: () => Promise.resolve({ ...known, notReady, pressures }),
      seen: () => {},
      statusMs: 10_000,
      reportMs: 300_000,
      leaseMs: 10_000,
      leaseSeconds: 40,
      ...more,
    });
    const count = (what: string) => requests.splice(0).filter((request) => request === what).length;
    const node = () => nodes.objects.get('n1') as Node | undefined;
    return {
      world,
      agent,
      events,
      requests,
      count,
      node,
      nodes,
      ready: (why: string | undefined) => (notReady = why),
      press: (now: NodeFacts['pressures']) => (pressures = now),
    };
  }

  it('registers the node once, renews its lease, and has nothing to say while nothing changes', async () => {
    const { world, agent, requests, count, events, node } = await agentOf();
    await agent.start();
    expect(requests.splice(0)).toEqual(['POST node', 'POST lease']);
    expect(node()?.metadata.labels).toMatchObject({
      zone: 'a',
      'kubernetes.io/hostname': 'n1',
      'kubernetes.io/arch': 'amd64',
    });
    await world.pass(100_000);
    expect(requests.filter((request) => request.startsWith('PATCH'))).toEqual([]);
    expect(count('PUT lease')).toBe(10);
    expect(events).toEqual(['Starting']);
    agent.stop();
  });

  it('says that it lives as soon as others have given it up', async () => {
    const { world, agent, count, node } = await agentOf();
    await agent.start();
    const live = node()!;
    const conditions = live.status?.conditions?.map((each) => ({ ...each, status: 'Unknown' }));
    agent.observe({ ...live, status: { ...live.status, conditions } });
    agent.observe({ ...live, status: { ...live.status, conditions } });
    await world.pass(1);
    expect(count('PATCH status')).toBe(1);
    expect(node()?.status?.conditions?.find(({ type }) => type === 'Ready')?.status).toBe('True');
    agent.stop();
  });

  it('reports every five minutes all the same', async () => {
    const { world, agent, count } = await agentOf();
    await agent.start();
    await world.pass(320_000);
    expect(count('PATCH status')).toBe(1);
    agent.stop();
  });

  it('tells at once what has changed', async () => {
    const { world, agent, events, node, ready } = await agentOf();
    await agent.start();
    ready('runtime is down');
    await world.pass(11_000);
    expect(node()?.status?.conditions?.find(({ type }) => type === 'Ready')).toMatchObject({
      status: 'False',
      message: 'runtime is down',
    });
    ready(undefined);
    await world.pass(11_000);
    expect(events).toEqual(['Starting', 'NodeNotReady', 'NodeReady']);
    agent.stop();
  });

  it('tells what it runs out of, and when it has enough again', async () => {
    const { world, agent, events, press } = await agentOf();
    await agent.start();
    for (const now of [['MemoryPressure'], ['DiskPressure', 'PIDPressure'], []] as const) {
      press(now);
      await world.pass(11_000);
    }
    expect(events.slice(1)).toEqual([
      'NodeHasInsufficientMemory',
      'NodeHasSufficientMemory',
      'NodeHasDiskPressure',
      'NodeHasInsufficientPID',
      'NodeHasNoDiskPressure',
      'NodeHasSufficientPID',
    ]);
    agent.stop();
  });

  it.each([
    [true, '0'],
    [false, '2'],
  ])('knows nothing of the devices of the machine that a new one (%s) took the place of', async (isNew, want) => {
    const { agent, node, nodes } = await agentOf({ isNew });
    const amounts = { cpu: '1', 'example.com/dev': '2' };
    const before = { metadata: { name: 'n1', uid: 'u' }, status: { capacity: amounts, allocatable: amounts } };
    nodes.objects.set('n1', before);
    await agent.start();
    expect(node()?.status?.capacity).toMatchObject({ cpu: '4', 'example.com/dev': want });
    expect(node()?.status?.allocatable).toMatchObject({ cpu: '3500m', 'example.com/dev': want });
    agent.stop();
  });

  it('finds a node that is there, and brings it up to date', async () => {
    const { agent, requests, nodes, node } = await agentOf();
    nodes.objects.set('n1', { metadata: { name: 'n1', uid: 'old', labels: { mine: 'x' } } });
    await agent.start();
    expect(requests.slice(0, 3)).toEqual(['POST node', 'GET node', 'PATCH node']);
    expect(requests).toContain('PATCH status');
    expect(node()?.metadata.uid).toBe('old');
    agent.stop();
  });
});
