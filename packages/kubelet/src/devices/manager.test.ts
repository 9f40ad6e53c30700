import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Container, Pod } from '@keelson/api/generated/types/core/v1';
import { manualWorld } from '@keelson/client/testing/world';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { NODE } from '../testing/node.ts';
import { container, podOf } from '../testing/pods.ts';
import { ANYWHERE, TopologyManager } from '../topology/manager.ts';
import { DeviceManager, type DeviceManagerOptions } from './manager.ts';
import type { Plugin } from './plugin.ts';
import { DeviceStore } from './store.ts';
import type { Device, DeviceGrant, PluginOptions } from './types.ts';

const RESOURCE = 'example.com/dev';
const GRANT: DeviceGrant = { envs: {}, mounts: [], devices: [], annotations: {}, cdiDevices: [] };

const admission = (manager: DeviceManager, ready = () => true) => new TopologyManager(ANYWHERE, [], [manager], ready);

/** A plugin that is asked without a socket. */
class FakePlugin implements Plugin {
  readonly asked: string[] = [];
  /** What `allocate` fails with. */
  failure: Error | undefined;
  readonly #options: Partial<PluginOptions>;
  #lists: (readonly Device[])[] = [];
  #wake = () => {};
  #ended = false;

  constructor(options: Partial<PluginOptions> = {}) {
    this.#options = options;
  }
  list(...devices: (string | Device)[]): void {
    this.#lists.push(devices.map((each) => (typeof each === 'string' ? { id: each, healthy: true, nodes: [] } : each)));
    this.#wake();
  }
  async options() {
    return { preStartRequired: false, getPreferredAllocationAvailable: false, ...this.#options };
  }
  async *devices() {
    while (!this.#ended) {
      const next = this.#lists.shift();
      if (next) yield next;
      else {
        await new Promise<void>((resolve) => {
          this.#wake = resolve;
        });
      }
    }
  }
  async prefer(...asked: unknown[]) {
    this.asked.push(`prefer ${asked.join(' ')}`);
    return [];
  }
  async allocate(ids: readonly string[]) {
    this.asked.push(`allocate ${ids.join()}`);
    if (this.failure) throw this.failure;
    return { ...GRANT, envs: { DEVICES: ids.join() } };
  }
  async preStart(ids: readonly string[]) {
    this.asked.push(`preStart ${ids.join()}`);
  }
  close() {
    this.#ended = true;
    this.#wake();
  }
}

const wanting = (name: string, count = 1, more: Partial<Container> = {}) =>
  container(name, { resources: { limits: { [RESOURCE]: String(count) } }, ...more });
const podWith = (uid: string, ...containers: Container[]) => podOf({ containers }, { name: uid, uid });

describe('DeviceManager', () => {
  let directory: string;
  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'keelson-'));
  });
  const managers: DeviceManager[] = [];
  afterEach(async () => {
    for (const manager of managers.splice(0)) await manager.stop();
    await rm(directory, { recursive: true });
  });

  /** A node with one resource, whose plugin has devices `d1`…; pods that are allocated to count as active ones. */
  async function node(more: Partial<DeviceManagerOptions> = {}, plugin = new FakePlugin()) {
    const world = manualWorld();
    const active = new Set<string>();
    const told: string[] = [];
    const manager = await DeviceManager.start({
      world,
      store: new DeviceStore(directory),
      connect: () => plugin,
      active: () => active,
      ready: () => true,
      running: new Map(),
      healthChanged: (uid) => told.push(uid),
      capacityChanged: () => {},
      ...more,
    });
    managers.push(manager);
    const register = () => manager.connect(RESOURCE, '/plugin.sock');
    const allocate = (pod: Pod) => {
      active.add(pod.metadata.uid!);
      return admission(manager, more.ready).allocate(pod);
    };
    const amounts = () => {
      const { capacity, allocatable } = manager.capacity();
      return [capacity[RESOURCE], allocatable[RESOURCE]];
    };
    const list = async (...devices: (string | Device)[]) => {
      plugin.list(...devices);
      const healthy = devices.filter((each) => typeof each === 'string' || each.healthy).length;
      await expect.poll(amounts).toEqual([String(devices.length), String(healthy)]);
    };
    return { manager, plugin, world, active, told, register, allocate, amounts, list };
  }
  const ids = (manager: DeviceManager, uid: string, name: string) => manager.devicesOf(uid, name).map(({ id }) => id);
  const env = async (manager: DeviceManager, pod: Pod, name: string) =>
    Object.fromEntries((await manager.optionsOf(pod, pod.spec!.containers!.find((each) => each.name === name)!)).env);

  it('gives devices to containers until there are none, and takes them back from pods that ended', async () => {
    const { manager, plugin, active, register, allocate, list } = await node();
    await register();
    await list('d1', 'd2', 'd3');
    const first = podWith('u1', wanting('a', 2), container('b'));
    expect(await allocate(first)).toBeUndefined();
    expect(await env(manager, first, 'a')).toEqual({ DEVICES: 'd1,d2' });
    expect(await env(manager, first, 'b')).toEqual({});
    expect(await allocate(podWith('u2', wanting('a', 2)))).toEqual({
      reason: 'UnexpectedAdmissionError',
      message:
        'Allocate failed due to requested number of devices unavailable for example.com/dev. Requested: 2, Available: 1, which is unexpected',
    });
    active.delete('u1');
    expect(await allocate(podWith('u3', wanting('a', 2)))).toBeUndefined();
    expect(plugin.asked).toEqual(['allocate d1,d2', 'allocate d1,d2']);
  });

  it('has nothing to say to pods that want none', async () => {
    const { allocate, register, list } = await node();
    expect(allocate(podWith('u1', wanting('a')))).toBeUndefined();
    await register();
    await list('d1');
    expect(allocate(podWith('u1', container('a', { resources: { limits: { cpu: '1' } } })))).toBeUndefined();
  });

  it('leaves what is claimed to those who prepare claims', async () => {
    const { allocate, register, list } = await node();
    await register();
    await list('d1');
    const requestMappings = [{ containerName: 'a', resourceName: RESOURCE, requestName: 'r' }];
    const pod = podWith('u1', wanting('a'));
    const status = { extendedResourceClaimStatus: { resourceClaimName: 'c', requestMappings } };
    expect(allocate({ ...pod, status } as Pod)).toBeUndefined();
  });

  it('gives two pods that come at once different devices', async () => {
    const { manager, allocate, register, list } = await node();
    await register();
    await list('d1', 'd2');
    await Promise.all([allocate(podWith('u1', wanting('a'))), allocate(podWith('u2', wanting('a')))]);
    expect([ids(manager, 'u1', 'a'), ids(manager, 'u2', 'a')]).toEqual([['d1'], ['d2']]);
  });

  it('uses again what init containers had, but not what sidecars have', async () => {
    const { manager, allocate, register, list } = await node();
    await register();
    await list('d1', 'd2', 'd3');
    const initContainers = [wanting('i', 2), wanting('s', 1, { restartPolicy: 'Always' }), wanting('j', 1)];
    const pod = podOf({ initContainers, containers: [wanting('a'), wanting('b')] }, { uid: 'u1' });
    expect(await allocate(pod)).toBeUndefined();
    const held = ['i', 's', 'j', 'a', 'b'].map((name) => [name, ids(manager, 'u1', name).join()]);
    expect(held).toEqual([
      ['i', 'd1,d2'],
      ['s', 'd1'],
      ['j', 'd2'],
      ['a', 'd2'],
      ['b', 'd3'],
    ]);
  });

  it('says why a plugin does not give', async () => {
    const { plugin, allocate, register, list } = await node();
    await register();
    await list('d1');
    plugin.failure = new Error('rpc error: code = Unknown desc = no');
    expect(await allocate(podWith('u1', wanting('a')))).toMatchObject({
      message: 'Allocate failed due to rpc error: code = Unknown desc = no, which is unexpected',
    });
  });

  it('tells plugins of starts that want to know', async () => {
    const { manager, plugin, allocate, register, list } = await node({}, new FakePlugin({ preStartRequired: true }));
    await register();
    await list('d1');
    const pod = podWith('u1', wanting('a'));
    await allocate(pod);
    await env(manager, pod, 'a');
    expect(plugin.asked).toEqual(['allocate d1', 'preStart d1']);
  });

  it('keeps the capacity of a plugin that went for five minutes, and allocates nothing', async () => {
    const { manager, plugin, world, allocate, register, amounts, list } = await node();
    await register();
    await list('d1', 'd2');
    const pod = podWith('u1', wanting('a'));
    await allocate(pod);
    plugin.close();
    await expect.poll(amounts).toEqual(['2', '0']);
    expect(await allocate(podWith('u2', wanting('a')))).toMatchObject({
      message:
        'Allocate failed due to no healthy devices present; cannot allocate unhealthy devices example.com/dev, which is unexpected',
    });
    expect(manager.nodeFor(pod, NODE).status!.allocatable).toMatchObject({ [RESOURCE]: '1' });
    expect(manager.nodeFor(podWith('u2'), NODE)).toBe(NODE);
    await world.pass(300_000);
    expect(amounts()).toEqual(['2', '0']);
    await world.pass(1);
    expect(amounts()).toEqual(['0', '0']);
    expect(amounts()).toEqual(['0', '0']);
  });

  it('knows the devices of a plugin that came back as soon as it lists them', async () => {
    const plugins = [new FakePlugin(), new FakePlugin()];
    let next = 0;
    const { register, amounts } = await node({ connect: () => plugins[next++]! });
    await register();
    plugins[0]!.list('d1');
    await expect.poll(amounts).toEqual(['1', '1']);
    plugins[0]!.close();
    await expect.poll(amounts).toEqual(['1', '0']);
    await register();
    expect(amounts()).toEqual(['1', '0']);
    plugins[1]!.list('d1', 'd2');
    await expect.poll(amounts).toEqual(['2', '2']);
  });

  it('knows a resource whose plugin goes before it has listed a device', async () => {
    const { register, manager, amounts } = await node({ connect: () => new FakePlugin() });
    await register();
    manager.disconnect(RESOURCE, '/plugin.sock');
    await expect.poll(amounts).toEqual(['0', '0']);
  });

  it('does not take the end of a plugin for that of its successor', async () => {
    const plugins = [new FakePlugin(), new FakePlugin()];
    let next = 0;
    const { register, manager, amounts } = await node({ connect: () => plugins[next++]! });
    await register();
    plugins[0]!.list('d1');
    await expect.poll(amounts).toEqual(['1', '1']);
    await manager.connect(RESOURCE, '/second.sock');
    plugins[1]!.list('d1', 'd2');
    await expect.poll(amounts).toEqual(['2', '2']);
    manager.disconnect(RESOURCE, '/plugin.sock');
    expect(await admission(manager).allocate(podWith('u1', wanting('a')))).toBeUndefined();
    expect(amounts()).toEqual(['2', '2']);
  });

  it('says how the devices of containers are, and who is concerned when that changes', async () => {
    const { manager, told, allocate, register, list } = await node();
    await register();
    await list('d1', 'd2');
    await allocate(podWith('u1', wanting('a')));
    await list('d1', { id: 'd2', healthy: false, nodes: [] });
    expect(told).toEqual([]);
    await list({ id: 'd1', healthy: false, nodes: [] }, 'd2');
    expect(told).toEqual(['u1']);
    expect(manager.healthOf('u1', 'a')).toEqual([
      { name: RESOURCE, resources: [{ resourceID: 'd1', health: 'Unhealthy' }] },
    ]);
    expect(manager.healthOf('u1', 'b')).toEqual([]);
    expect(manager.allocatable()).toEqual([{ resource: RESOURCE, id: 'd2', nodes: [] }]);
  });

  it('keeps near what devices are', async () => {
    const { manager, allocate, register, list } = await node();
    await register();
    await list({ id: 'd1', healthy: true, nodes: [0, 1] }, { id: 'd2', healthy: true, nodes: [] });
    await allocate(podWith('u1', wanting('a', 2)));
    expect(manager.devicesOf('u1', 'a')).toEqual([
      { resource: RESOURCE, id: 'd1', nodes: [0, 1] },
      { resource: RESOURCE, id: 'd2', nodes: [] },
    ]);
  });

  describe('that starts again', () => {
    const pod = podWith('u1', wanting('a'));
    beforeEach(async () => {
      const { manager, allocate, register, list } = await node();
      await register();
      await list('d1', 'd2');
      await allocate(pod);
      await manager.stop();
    });

    it('knows who holds what, and waits for plugins', async () => {
      const { manager, amounts, allocate, register, list } = await node();
      expect(amounts()).toEqual(['0', '0']);
      expect(ids(manager, 'u1', 'a')).toEqual(['d1']);
      await register();
      await list('d1', 'd2');
      expect(await allocate(pod)).toBeUndefined();
      expect(await env(manager, pod, 'a')).toEqual({ DEVICES: 'd1' });
      await allocate(podWith('u2', wanting('a')));
      expect(ids(manager, 'u2', 'a')).toEqual(['d2']);
    });

    it('lets containers run on whose plugin is not there yet, and nobody else', async () => {
      let knows = false;
      const running = new Map([['u1', new Set(['a'])]]);
      const { allocate } = await node({ ready: () => knows, running });
      const taken = allocate(pod);
      const refused = allocate(podWith('u2', wanting('a')));
      knows = true;
      expect(await taken).toBeUndefined();
      expect(await refused).toMatchObject({ reason: 'UnexpectedAdmissionError' });
    });

    it('forgets none before it knows all pods', async () => {
      let knows = false;
      const { manager, register, list } = await node({ ready: () => knows });
      await register();
      await list('d1', 'd2');
      manager.releaseEnded();
      expect(ids(manager, 'u1', 'a')).toEqual(['d1']);
      knows = true;
      manager.releaseEnded();
      expect(ids(manager, 'u1', 'a')).toEqual([]);
    });
  });
});
