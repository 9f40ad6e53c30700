import { alreadyExists, notFound } from '@keelson/api/errors';
import type { Service, ServiceSpec } from '@keelson/api/generated/types/core/v1';
import type { ServiceCIDR } from '@keelson/api/generated/types/networking/v1';
import { parseIPSloppy } from '@keelson/api/ip';
import type { KubeObject, TypedObject } from '@keelson/api/object';
import { atOnce } from '@keelson/api/pieces';
import { MetricsRegistry } from '@keelson/component/metrics/registry';
import { openMemoryStore } from '@keelson/storage/memory/open';
import { describe, expect, it, vi } from 'vitest';
import { isEnabledByDefault } from '../../../../gates.ts';
import type { Follower } from '../../../follow.ts';
import { testContext } from '../../../testing.ts';
import { defaults } from '../defaults.ts';
import { ClusterIPAllocator, rangeLevels } from './addresses.ts';
import type { AllocationClient, AllocationDeps } from './deps.ts';
import { ServiceAllocation } from './index.ts';
import { type AllocationStores, RangeLevels } from './levels.ts';
import { AllocationMetrics } from './metrics.ts';
import { NodePortAllocator } from './ports.ts';
import { type Follow, serviceAllocationRepair } from './start.ts';

const ctx = testContext();
const dry = testContext({ dryRun: true });

class Objects implements AllocationClient {
  readonly all = new Map<string, KubeObject>();
  #key(apiVersion: string, kind: string, namespace: string, name: string): string {
    return [apiVersion, kind, namespace, name].join('|');
  }
  #keyOf({ apiVersion = '', kind = '', metadata }: KubeObject): string {
    return this.#key(apiVersion, kind, metadata.namespace ?? '', metadata.name ?? '');
  }
  async get(apiVersion: string, kind: string, namespace: string, name: string): Promise<KubeObject | undefined> {
    return this.all.get(this.#key(apiVersion, kind, namespace, name));
  }
  async list(apiVersion: string, kind: string): Promise<KubeObject[]> {
    return [...this.all].filter(([key]) => key.startsWith(`${apiVersion}|${kind}|`)).map(([, object]) => object);
  }
  async create(object: KubeObject): Promise<void> {
    const key = this.#keyOf(object);
    if (this.all.has(key)) throw alreadyExists({ group: '', resource: 'x' }, key);
    this.all.set(key, { ...object, metadata: { creationTimestamp: '2026-01-02T03:04:05Z', ...object.metadata } });
  }
  async update(object: KubeObject): Promise<void> {
    this.all.set(this.#keyOf(object), object);
  }
  managedBy() {
    return {
      apply: async (config: KubeObject) => {
        const key = this.#keyOf(config);
        this.all.set(key, { ...this.all.get(key), ...config });
      },
    };
  }
  async delete(object: KubeObject): Promise<void> {
    if (!this.all.delete(this.#keyOf(object))) throw notFound({ group: '', resource: 'x' }, this.#keyOf(object));
  }
  async addresses(): Promise<string[]> {
    return (await this.list('networking.k8s.io/v1', 'IPAddress')).map((o) => o.metadata.name!);
  }
}

interface World {
  objects: Objects;
  deps: AllocationDeps;
  allocation: ServiceAllocation;
  ports: NodePortAllocator;
}

async function world(clusterIPRanges = ['10.0.0.0/24'], ports = 10): Promise<World> {
  const objects = new Objects();
  const deps: AllocationDeps = {
    client: () => objects,
    store: openMemoryStore(),
    random: () => 0,
    report: (error) => {
      throw error;
    },
    clusterIPRanges,
    nodePortRange: { base: 30000, size: ports },
  };
  await repair(deps, ctx.now);
  return {
    objects,
    deps,
    allocation: new ServiceAllocation(deps, isEnabledByDefault),
    ports: new NodePortAllocator(deps),
  };
}

const nothing: Follow = async () => () => {};

async function repair(deps: AllocationDeps, now: Date): Promise<void> {
  const periodic = serviceAllocationRepair(deps, () => now, nothing);
  await periodic.start();
  await periodic.stop();
}

function service(name: string, spec: ServiceSpec = {}): Service {
  const obj: Service = {
    metadata: { name, namespace: 'default' },
    spec: { ports: [{ port: 80 }], ...spec },
    status: { loadBalancer: {} },
  };
  defaults(obj);
  return obj;
}

it('the default range that somebody deletes is there again ten seconds later', async () => {
  vi.useFakeTimers();
  try {
    const { deps, objects } = await world();
    const repairing = serviceAllocationRepair(deps, () => ctx.now, nothing);
    await repairing.start();
    const key = 'networking.k8s.io/v1|ServiceCIDR||kubernetes';
    expect(objects.all.delete(key)).toBe(true);
    await vi.advanceTimersByTimeAsync(10_000);
    expect(objects.all.get(key)).toMatchObject({ spec: { cidrs: [...deps.clusterIPRanges] } });
    await repairing.stop();
  } finally {
    vi.useRealTimers();
  }
});

it('an address whose record somebody deletes has it again a second later', async () => {
  vi.useFakeTimers();
  try {
    const { deps, objects } = await world();
    const told: Record<string, Follower<TypedObject>> = {};
    const following: Follow = async (_group, resource, follower) => {
      told[resource] = follower as Follower<TypedObject>;
      return () => {};
    };
    const repairing = serviceAllocationRepair(deps, () => ctx.now, following);
    await repairing.start();
    const found = service('found', { clusterIP: '10.0.0.99', clusterIPs: ['10.0.0.99'] });
    await objects.create({ apiVersion: 'v1', kind: 'Service', ...found } as unknown as KubeObject);
    told.services!.set(found);
    // Its record may only be told of later.
    await vi.advanceTimersByTimeAsync(500);
    expect(await objects.addresses()).toEqual([]);
    await vi.advanceTimersByTimeAsync(500);
    expect(await objects.addresses()).toEqual(['10.0.0.99']);
    told.ipaddresses!.set({ metadata: { name: '10.0.0.99' } });
    objects.all.delete('networking.k8s.io/v1|IPAddress||10.0.0.99');
    told.ipaddresses!.delete('', '10.0.0.99');
    await vi.advanceTimersByTimeAsync(1_000);
    expect(await objects.addresses()).toEqual(['10.0.0.99']);
    // Of a service that is gone it stays away.
    objects.all.delete('v1|Service|default|found');
    objects.all.delete('networking.k8s.io/v1|IPAddress||10.0.0.99');
    told.ipaddresses!.delete('', '10.0.0.99');
    told.services!.delete('default', 'found');
    await vi.advanceTimersByTimeAsync(1_000);
    expect(await objects.addresses()).toEqual([]);
    await repairing.stop();
  } finally {
    vi.useRealTimers();
  }
});

it('how full ranges are is counted anew when something has changed', async () => {
  const cidr: ServiceCIDR = { metadata: {}, spec: { cidrs: ['10.0.0.0/30', 'fd00::/126'] }, status: {} };
  const taken = ['10.0.0.1', 'fd00::1', '10.9.9.9'];
  let counts = 0;
  const addresses = {
    isFilled: false,
    lastChange: 7,
    list: () => {
      counts += 1;
      return taken.map((name) => ({ name }));
    },
  };
  const cidrs = { cacher: { isFilled: true, lastChange: 1, list: () => [{}] }, codec: { object: () => cidr } };
  const levels = new RangeLevels(() => ({ cidrs, addresses: { cacher: addresses } }) as unknown as AllocationStores);
  const shown = async () => (await levels.now()).map(({ cidr, taken, size }) => `${cidr}: ${taken} of ${size}`);
  expect(await shown()).toEqual([]);
  addresses.isFilled = true;
  const before = ['10.0.0.0/30: 1 of 2', 'fd00::/126: 1 of 3'];
  expect([await shown(), await shown()]).toEqual([before, before]);
  expect(counts).toBe(1);
  taken.push('10.0.0.2');
  addresses.lastChange = 8;
  expect(await shown()).toEqual(['10.0.0.0/30: 2 of 2', before[1]]);
});

it('what is taken is counted, by range and by whether it was asked for', async () => {
  const registry = new MetricsRegistry();
  const { deps } = await world(['10.0.0.0/30'], 2);
  const cidr: ServiceCIDR = { metadata: {}, spec: { cidrs: ['10.0.0.0/30'] }, status: {} };
  const metrics = new AllocationMetrics(
    registry,
    () => 0,
    async () => atOnce(rangeLevels([cidr], ['10.0.0.1', '10.9.9.9'])),
  );
  const ips = new ClusterIPAllocator({ ...deps, metrics });
  const ports = new NodePortAllocator({ ...deps, metrics });
  await ips.allocate(service('a'), parseIPSloppy('10.0.0.1')!, false);
  await ips.allocateNext(service('b'), 'IPv4', false);
  await expect(ips.allocateNext(service('c'), 'IPv4', false)).rejects.toThrow('range is full');
  await ports.allocate(30000);
  await expect(ports.allocate(30000)).rejects.toThrow('already allocated');
  const told = (await registry.text()).match(/(?<=^kube_apiserver_)(?!.*(_bucket|_seconds)).*/gm);
  expect(told).toEqual([
    'clusterip_allocator_allocated_ips{cidr="10.0.0.0/30"} 1',
    'clusterip_allocator_allocation_errors_total{cidr="10.0.0.0/30",scope="dynamic"} 1',
    'clusterip_allocator_allocation_total{cidr="10.0.0.0/30",scope="dynamic"} 1',
    'clusterip_allocator_allocation_total{cidr="10.0.0.0/30",scope="static"} 1',
    'clusterip_allocator_available_ips{cidr="10.0.0.0/30"} 1',
    'nodeport_allocator_allocated_ports 1',
    'nodeport_allocator_allocation_errors_total{scope="static"} 1',
    'nodeport_allocator_allocation_total{scope="static"} 1',
    'nodeport_allocator_available_ports 1',
  ]);
});

describe('cluster IPs', () => {
  it('are given out from the upper part of the range and recorded', async () => {
    const { allocation, objects } = await world();
    const obj = service('a');
    const hook = await allocation.beginCreate(ctx, obj);
    await hook.commit?.();
    expect(obj.spec).toMatchObject({
      clusterIP: '10.0.0.17',
      clusterIPs: ['10.0.0.17'],
      ipFamilies: ['IPv4'],
      ipFamilyPolicy: 'SingleStack',
    });
    expect(await objects.get('networking.k8s.io/v1', 'IPAddress', '', '10.0.0.17')).toMatchObject({
      metadata: { labels: { 'ipaddress.kubernetes.io/ip-family': 'IPv4' } },
      spec: { parentRef: { resource: 'services', namespace: 'default', name: 'a' } },
    });
  });

  it('are never given to two, however many ask at once', async () => {
    const { allocation } = await world(['10.0.0.0/27']);
    const all = Array.from({ length: 30 }, (_, i) => service(`s${i}`));
    await Promise.all(all.map((obj) => allocation.beginCreate(ctx, obj)));
    expect(new Set(all.map((obj) => obj.spec.clusterIP)).size).toBe(30);
    await expect(allocation.beginCreate(ctx, service('late'))).rejects.toThrow(
      'Internal error occurred: failed to allocate a serviceIP for Service "late": range is full',
    );
  });

  it('go back when the write fails, and when the service goes', async () => {
    const { allocation, objects } = await world();
    await (await allocation.beginCreate(ctx, service('a'))).revert?.();
    expect(await objects.addresses()).toEqual([]);
    const obj = service('b');
    await allocation.beginCreate(ctx, obj);
    await allocation.afterDelete(ctx, obj);
    expect(await objects.addresses()).toEqual([]);
  });

  it.each([
    ['10.0.0.17', 'failed to allocate IP 10.0.0.17: provided IP is already allocated'],
    ['10.0.0.0', 'failed to allocate IP 10.0.0.0: the provided network does not match the current range'],
    ['10.0.0.255', 'failed to allocate IP 10.0.0.255: the provided network does not match the current range'],
    ['192.0.2.1', 'failed to allocate IP 192.0.2.1: the provided network does not match the current range'],
  ])('cannot be had: %s', async (clusterIP, message) => {
    const { allocation } = await world();
    await allocation.beginCreate(ctx, service('a'));
    await expect(allocation.beginCreate(ctx, service('b', { clusterIP }))).rejects.toThrow(
      `Service "b" is invalid: spec.clusterIPs: Invalid value: ["${clusterIP}"]: ${message}`,
    );
  });

  it('are left alone by headless services and external names', async () => {
    const { allocation, objects } = await world();
    const headless = service('a', { clusterIP: 'None', selector: { a: 'b' } });
    const anywhere = service('b', { clusterIP: 'None' });
    const external = service('c', { type: 'ExternalName', externalName: 'x.y' });
    for (const obj of [headless, anywhere, external]) await allocation.beginCreate(ctx, obj);
    expect(headless.spec).toMatchObject({ clusterIPs: ['None'], ipFamilies: ['IPv4'], ipFamilyPolicy: 'SingleStack' });
    expect(anywhere.spec).toMatchObject({ ipFamilies: ['IPv4', 'IPv6'], ipFamilyPolicy: 'RequireDualStack' });
    expect(external.spec).not.toHaveProperty('ipFamilies');
    expect(await objects.addresses()).toEqual([]);
  });

  it('are the network itself in a dry run', async () => {
    const { allocation, objects } = await world();
    const obj = service('a');
    await allocation.beginCreate(dry, obj);
    expect(obj.spec.clusterIP).toBe('10.0.0.0');
    expect(await objects.addresses()).toEqual([]);
  });

  it('come in pairs where the cluster has both families', async () => {
    const { allocation, objects } = await world(['10.0.0.0/24', 'fd00::/112']);
    const both = service('a', { ipFamilyPolicy: 'PreferDualStack' });
    await allocation.beginCreate(ctx, both);
    expect(both.spec.clusterIPs).toEqual(['10.0.0.17', 'fd00::101']);

    const single = { ...both, spec: { ...both.spec, ipFamilyPolicy: 'SingleStack' } };
    await (await allocation.beginUpdate(ctx, single, both)).commit?.();
    expect(single.spec).toMatchObject({ clusterIPs: ['10.0.0.17'], ipFamilies: ['IPv4'] });
    expect(await objects.addresses()).toEqual(['10.0.0.17']);

    const again = { ...single, spec: { ...single.spec, ipFamilyPolicy: 'RequireDualStack' } };
    await (await allocation.beginUpdate(ctx, again, single)).commit?.();
    expect(again.spec.clusterIPs).toEqual(['10.0.0.17', 'fd00::101']);
  });

  it('of a family that the cluster does not have are refused', async () => {
    const { allocation } = await world();
    await expect(allocation.beginCreate(ctx, service('a', { ipFamilyPolicy: 'RequireDualStack' }))).rejects.toThrow(
      'spec.ipFamilyPolicy: Invalid value: "RequireDualStack": this cluster is not configured for dual-stack services',
    );
    await expect(allocation.beginCreate(ctx, service('a', { ipFamilies: ['IPv6'] }))).rejects.toThrow(
      'spec.ipFamilies[0]: Invalid value: "IPv6": not configured on this cluster',
    );
  });

  it('are kept by an update that leaves them out', async () => {
    const { allocation } = await world();
    const old = service('a', { type: 'NodePort' });
    await allocation.beginCreate(ctx, old);
    const obj = service('a', { type: 'NodePort' });
    await allocation.beginUpdate(ctx, obj, old);
    expect(obj.spec).toEqual(old.spec);
  });

  it('are freed and taken as the type changes', async () => {
    const { allocation, objects } = await world();
    const old = service('a');
    await allocation.beginCreate(ctx, old);
    const external = service('a', { type: 'ExternalName', externalName: 'x.y' });
    await (await allocation.beginUpdate(ctx, external, old)).commit?.();
    expect(await objects.addresses()).toEqual([]);
    const back = service('a');
    await allocation.beginUpdate(ctx, back, external);
    expect(back.spec.clusterIPs).toEqual(['10.0.0.17']);
  });
});

describe('node ports', () => {
  const nodePort = (name: string, port?: number) =>
    service(name, { type: 'NodePort', ports: [{ port: 80, ...(port ? { nodePort: port } : {}) }] });

  it('are never given to two, however many ask at once', async () => {
    const { allocation } = await world();
    const all = Array.from({ length: 10 }, (_, i) => nodePort(`s${i}`));
    await Promise.all(all.map((obj) => allocation.beginCreate(ctx, obj)));
    expect(all.map((obj) => obj.spec.ports![0]!.nodePort).sort()).toEqual(
      Array.from({ length: 10 }, (_, i) => 30000 + i),
    );
    await expect(allocation.beginCreate(ctx, nodePort('late'))).rejects.toThrow(
      'Internal error occurred: failed to allocate a nodePort: range is full',
    );
  });

  it('and the address go back when there is none left', async () => {
    const { allocation, objects } = await world(['10.0.0.0/24'], 0);
    await expect(allocation.beginCreate(ctx, nodePort('a'))).rejects.toThrow('range is full');
    expect(await objects.addresses()).toEqual([]);
  });

  it('are shared by entries for one port', async () => {
    const { allocation } = await world();
    const ports = [
      { name: 'a', port: 53, protocol: 'UDP' },
      { name: 'b', port: 53, protocol: 'TCP', nodePort: 30005 },
      { name: 'c', port: 54 },
    ];
    const obj = service('a', { type: 'NodePort', ports });
    await allocation.beginCreate(ctx, obj);
    expect(obj.spec.ports?.map((p) => p.nodePort)).toEqual([30005, 30005, 30000]);
  });

  it.each([
    [30001, 'spec.ports[0].nodePort: Invalid value: 30001: provided port is already allocated'],
    [
      29999,
      'spec.ports[0].nodePort: Invalid value: 29999: provided port is not in the valid range. The range of valid ports is 30000-30009',
    ],
  ])('cannot be had: %d', async (port, message) => {
    const { allocation } = await world();
    await allocation.beginCreate(ctx, nodePort('a', 30001));
    await expect(allocation.beginCreate(ctx, nodePort('b', port))).rejects.toThrow(message);
  });

  it('come one more for the health check, and go with the service', async () => {
    const { allocation, ports } = await world();
    const obj = service('a', { type: 'LoadBalancer', externalTrafficPolicy: 'Local' });
    await allocation.beginCreate(ctx, obj);
    expect(obj.spec.ports?.[0]?.nodePort).toBe(30000);
    expect(obj.spec.healthCheckNodePort).toBe(30001);
    await allocation.afterDelete(ctx, obj);
    expect(await Promise.all([30000, 30001].map((p) => ports.isAllocated(p)))).toEqual([false, false]);
  });

  it('of the old object are freed when the update is done', async () => {
    const { allocation, ports } = await world();
    const old = nodePort('a', 30001);
    await allocation.beginCreate(ctx, old);
    const obj = { ...old, spec: { ...old.spec, ports: [{ port: 80, nodePort: 30002 }] } };
    const hook = await allocation.beginUpdate(ctx, obj, old);
    expect(await ports.isAllocated(30001)).toBe(true);
    await hook.commit?.();
    expect(await ports.isAllocated(30001)).toBe(false);
    expect(await ports.isAllocated(30002)).toBe(true);
  });
});

describe('at start', () => {
  it('there is a default range, and it is ready', async () => {
    const { objects } = await world(['10.0.0.0/24', 'fd00::/112']);
    expect(await objects.get('networking.k8s.io/v1', 'ServiceCIDR', '', 'kubernetes')).toMatchObject({
      spec: { cidrs: ['10.0.0.0/24', 'fd00::/112'] },
      status: { conditions: [{ type: 'Ready', status: 'True' }] },
    });
  });

  it('records agree with the services', async () => {
    const { objects, deps, allocation, ports } = await world();
    const lost = service('lost', { type: 'NodePort' });
    await allocation.beginCreate(ctx, lost);
    const found = service('found', { clusterIP: '10.0.0.99', clusterIPs: ['10.0.0.99'], type: 'NodePort' });
    found.spec.ports![0]!.nodePort = 30007;
    await objects.create({ apiVersion: 'v1', kind: 'Service', ...found } as unknown as KubeObject);
    const later = new Date(ctx.now.getTime() + 61_000);
    await repair(deps, later);
    expect(await objects.addresses()).toEqual(['10.0.0.99']);
    // The first may be on its way to a service of another server.
    expect(await Promise.all([30000, 30007].map((p) => ports.isAllocated(p)))).toEqual([true, true]);
    for (let i = 0; i < 3; i++) await ports.repair([30007]);
    expect(await Promise.all([30000, 30007].map((p) => ports.isAllocated(p)))).toEqual([false, true]);
  });
});
