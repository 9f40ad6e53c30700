/**
 * The devices of a node: plugins say which there are, pods get them when they are admitted, and keep them until they end
 * (pkg/kubelet/cm/devicemanager/manager.go). docs/kubelet.md draws it.
 */
import type { Container, Node, Pod, ResourceStatus } from '@keelson/api/generated/types/core/v1';
import { Quantity } from '@keelson/api/quantity';
import type { World } from '@keelson/client';
import { Mutex } from '@keelson/component/promises';
import { uidOf } from '../pods/spec.ts';
import type { Hints } from '../topology/hints.ts';
import type { AllocationHow, Provider } from '../topology/manager.ts';
import { Allocator, stopped } from './allocator.ts';
import { type Holding, Holdings, idsOf, NO_NODE } from './holdings.ts';
import { type DeviceCapacity, Inventory } from './inventory.ts';
import { type DeviceMetrics, UNCOUNTED } from './metrics.ts';
import { type DeviceOptions, deviceOptions } from './options.ts';
import type { Plugin } from './plugin.ts';
import type { DeviceStore } from './store.ts';
import type { Device } from './types.ts';

export interface DeviceManagerOptions {
  readonly world: World;
  readonly store: DeviceStore;
  readonly metrics?: DeviceMetrics | undefined;
  /** NUMA nodes of the machine. */
  readonly nodes?: readonly number[] | undefined;
  connect(socket: string): Plugin;
  /** Uids of the pods that run or may run. */
  active(): Iterable<string>;
  /** Whether all pods of the node are known. */
  ready(): boolean;
  /** Containers that ran when the kubelet started, by pod. */
  readonly running: ReadonlyMap<string, ReadonlySet<string>>;
  /** Of devices that the pod holds the health is another. */
  healthChanged(uid: string): void;
  /** The node has others than before. */
  capacityChanged(): void;
}

/** A device that a container holds, or may hold. */
export type ListedDevice = Pick<Device, 'id' | 'nodes'> & { readonly resource: string };

export class DeviceManager implements Provider {
  readonly #options: DeviceManagerOptions;
  readonly #inventory = new Inventory();
  readonly #allocator: Allocator;
  readonly #holdings: Holdings;
  readonly #allocations = new Mutex();
  #stopped = false;

  /** @param holdings of before */
  private constructor(options: DeviceManagerOptions, holdings: Holdings) {
    this.#options = options;
    this.#holdings = holdings;
    this.#allocator = new Allocator({
      world: options.world,
      metrics: options.metrics ?? UNCOUNTED,
      inventory: this.#inventory,
      holdings,
      releaseEnded: () => this.releaseEnded(),
    });
  }

  /** With what a kubelet before has left. */
  static async start(options: DeviceManagerOptions): Promise<DeviceManager> {
    const { store, world } = options;
    const record = await store.read().catch((error) => {
      world.log.error({ error }, 'Could not read the checkpoint of devices: who holds which may be forgotten');
      return undefined;
    });
    const manager = new DeviceManager(options, record?.holdings ?? new Holdings());
    for (const resource of record?.registered.keys() ?? []) manager.#inventory.remember(resource, world.clock.now());
    return manager;
  }

  /** Resolves when the plugin answers; its devices are the node's until it goes. @throws Error */
  async connect(resource: string, socket: string): Promise<void> {
    const plugin = this.#options.connect(socket);
    try {
      const options = await plugin.options();
      if (this.#stopped) throw new Error('the kubelet stops');
      this.#inventory.connection(resource)?.plugin?.close();
      this.#inventory.connect(resource, { plugin, socket, options });
    } catch (error) {
      plugin.close();
      throw error;
    }
    this.#options.world.log.info({ resource, socket }, 'A device plugin is there');
    void this.#follow(resource, plugin);
  }

  /** The plugin is said to be gone; another one of the resource may be there. */
  disconnect(resource: string, socket: string): void {
    const connection = this.#inventory.connection(resource);
    if (connection?.socket === socket) connection.plugin?.close();
  }

  wants(pod: Pod): boolean {
    return this.#allocator.wantsAny(pod);
  }

  hints(pod: Pod, container: Container): Hints {
    return this.#allocator.hints(pod, container, this.#options.nodes ?? []);
  }

  podHints(pod: Pod): Hints {
    return this.#allocator.podHints(pod, this.#options.nodes ?? []);
  }

  /** Resolves when the container has its devices. @throws Error why it cannot have them */
  async allocate(pod: Pod, container: Container, { nodes, early }: AllocationHow): Promise<void> {
    if (this.#allocator.wants(pod, container).size === 0) return;
    const runs = early && (this.#options.running.get(uidOf(pod))?.has(container.name) ?? false);
    await this.#inTurn(() => this.#allocator.allocateTo(pod, container, runs, nodes));
  }

  /** What a container is started with. Plugins that want to know of the start are told. @throws Error */
  async optionsOf(pod: Pod, container: Container): Promise<DeviceOptions> {
    const uid = uidOf(pod);
    for (const [resource, count] of this.#allocator.wants(pod, container)) {
      if (count === 0) continue;
      await this.#preStart(uid, container.name, resource);
      if (this.#held(uid, container.name).has(resource) || !this.#isActive(uid)) continue;
      await this.#inTurn(() => this.#allocator.allocateTo(pod, container));
    }
    return deviceOptions(this.#held(uid, container.name).values());
  }

  capacity(): DeviceCapacity {
    const known = this.#inventory.registered().size;
    const capacity = this.#inventory.capacity(this.#options.world.clock.now());
    if (this.#inventory.registered().size !== known) this.#writeSoon();
    return capacity;
  }

  /** For a pod that holds devices the node has what pods hold, whatever became of their plugins. */
  nodeFor(pod: Pod, node: Node): Node {
    if (!this.#holdings.has(uidOf(pod))) return node;
    const allocatable = { ...node.status?.allocatable };
    for (const [resource, { size }] of this.#holdings.taken()) {
      if (Number(Quantity.parse(allocatable[resource] ?? '0').value()) < size) allocatable[resource] = String(size);
    }
    return { ...node, status: { ...node.status!, allocatable } };
  }

  /** How the devices of a container are, for its status. */
  healthOf(uid: string, container: string): ResourceStatus[] {
    return Array.from(this.#held(uid, container), ([name, holding]) => ({
      name,
      resources: [...idsOf(holding)].sort().map((id) => {
        const healthy = this.#inventory.device(name, id)?.healthy ?? true;
        return { resourceID: id, health: healthy ? 'Healthy' : 'Unhealthy' };
      }),
    }));
  }

  /** What a container holds. */
  devicesOf(uid: string, container: string): ListedDevice[] {
    return [...this.#held(uid, container)].flatMap(([resource, holding]) => listed(resource, holding));
  }

  /** Healthy devices, held or not. */
  allocatable(): ListedDevice[] {
    return [...this.#inventory.registered()].flatMap(([resource, ids]) =>
      ids.map((id) => ({ resource, id, nodes: this.#inventory.device(resource, id)?.nodes ?? [] })),
    );
  }

  /** Gives back what pods hold that are no more. */
  releaseEnded(): void {
    if (!this.#options.ready()) return;
    const active = new Set(this.#options.active());
    this.#holdings.release(this.#holdings.uids().filter((uid) => !active.has(uid)));
  }

  /** Plugins are let go of. Resolves when what is known of devices is on disk. */
  async stop(): Promise<void> {
    this.#stopped = true;
    for (const { plugin } of this.#inventory.connections()) plugin?.close();
    await this.#options.store.idle();
  }

  async #follow(resource: string, plugin: Plugin): Promise<void> {
    const { log, clock } = this.#options.world;
    try {
      for await (const devices of plugin.devices()) {
        if (this.#isOf(resource, plugin)) this.#list(resource, devices);
      }
    } catch (error) {
      log.info({ resource, error }, 'ListAndWatch ended unexpectedly for device plugin');
    }
    plugin.close();
    if (!this.#isOf(resource, plugin) || this.#stopped) return;
    this.#inventory.disconnect(resource, clock.now());
    this.#options.capacityChanged();
  }

  /** No other has taken its place. */
  #isOf(resource: string, plugin: Plugin): boolean {
    return this.#inventory.connection(resource)?.plugin === plugin;
  }

  #list(resource: string, devices: readonly Device[]): void {
    const before = this.#amounts(resource);
    const changed = this.#inventory.list(resource, devices);
    for (const uid of new Set(changed.flatMap((id) => this.#holdings.holdersOf(resource, id))))
      this.#options.healthChanged(uid);
    if (this.#amounts(resource) !== before) this.#options.capacityChanged();
    this.#writeSoon();
  }

  #amounts(resource: string): string {
    const { capacity, allocatable } = this.capacity();
    return `${allocatable[resource]}/${capacity[resource]}`;
  }

  async #preStart(uid: string, container: string, resource: string): Promise<void> {
    const connection = this.#inventory.connection(resource);
    if (!connection) throw new Error(`endpoint not found in cache for a registered resource: ${resource}`);
    if (!connection.options.preStartRequired) return;
    const holding = this.#held(uid, container).get(resource);
    if (!holding) {
      const where = `pod ${uid}, container ${container}, resource ${resource}`;
      throw new Error(`no devices found allocated in local cache for ${where}`);
    }
    try {
      if (!connection.plugin || connection.stoppedAt !== undefined) throw stopped(resource);
      await connection.plugin.preStart([...idsOf(holding)]);
    } catch (error) {
      throw new Error(`device plugin PreStartContainer rpc failed with err: ${(error as Error).message}`, {
        cause: error,
      });
    }
  }

  /** Two allocations at a time would give the same devices. What was given is on disk before anything runs with it. */
  #inTurn(allocate: () => Promise<boolean>): Promise<void> {
    return this.#allocations.run(async () => {
      if (await allocate()) await this.#write();
    });
  }

  #writeSoon(): void {
    this.#write().catch((error) =>
      this.#options.world.log.error({ error }, 'Could not write the checkpoint of devices'),
    );
  }

  async #write(): Promise<void> {
    const record = () => ({ holdings: this.#holdings, registered: this.#inventory.registered() });
    await this.#options.store.write(record).catch((error: Error) => {
      throw new Error(`failed to write checkpoint file "kubelet_internal_checkpoint": ${error.message}`, {
        cause: error,
      });
    });
  }

  #held(uid: string, container: string): ReadonlyMap<string, Holding> {
    return this.#holdings.of(uid, container);
  }

  #isActive(uid: string): boolean {
    return [...this.#options.active()].includes(uid);
  }
}

function listed(resource: string, holding: Holding): ListedDevice[] {
  return [...idsOf(holding)].map((id) => {
    const near = [...holding.devices].filter(([, ids]) => ids.includes(id)).map(([node]) => node);
    return { resource, id, nodes: near.filter((node) => node !== NO_NODE) };
  });
}
