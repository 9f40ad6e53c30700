/** Which devices there are, as their plugins say it, and what the node says of them. */
import type { Plugin } from './plugin.ts';
import type { Device, PluginOptions } from './types.ts';

/** So long the node still says how many devices a plugin had that is gone. */
const GRACE_MS = 5 * 60_000;

/** Of a resource. */
export interface Connection {
  /** Undefined where it was there before the kubelet started, and may come again. */
  readonly plugin: Plugin | undefined;
  /** Path of the plugin's. */
  readonly socket: string;
  readonly options: PluginOptions;
  /** When it went. */
  readonly stoppedAt?: number;
}

interface Health {
  readonly healthy: ReadonlySet<string>;
  readonly unhealthy: ReadonlySet<string>;
}

export interface DeviceCapacity {
  readonly capacity: Readonly<Record<string, string>>;
  readonly allocatable: Readonly<Record<string, string>>;
}

const NONE: Health = { healthy: new Set(), unhealthy: new Set() };
const ASKS_NOTHING: PluginOptions = { preStartRequired: false, getPreferredAllocationAvailable: false };

/** By resource. It knows devices; who has them is for others to know. */
export class Inventory {
  readonly #connections = new Map<string, Connection>();
  /** Of resources whose devices were listed. */
  readonly #health = new Map<string, Health>();
  /** As they were listed last, those of plugins that are gone too. */
  readonly #devices = new Map<string, ReadonlyMap<string, Device>>();
  /** Whose plugins went for good: the node says that it has none. */
  readonly #gone = new Set<string>();

  /** A resource of before the kubelet started. */
  remember(resource: string, now: number): void {
    this.#connections.set(resource, { plugin: undefined, socket: '', options: ASKS_NOTHING, stoppedAt: now });
    this.#health.set(resource, NONE);
  }

  /** What is known of the resource's devices stays until the plugin lists them. */
  connect(resource: string, connection: Connection): void {
    this.#connections.set(resource, connection);
  }

  /** Devices of a plugin that went are not healthy. */
  disconnect(resource: string, now: number): void {
    const known = this.#connections.get(resource);
    if (known) this.#connections.set(resource, { ...known, stoppedAt: now });
    // A resource whose plugin never listed any device is known, and has none.
    const health = this.#health.get(resource) ?? NONE;
    this.#health.set(resource, { healthy: NONE.healthy, unhealthy: new Set([...health.healthy, ...health.unhealthy]) });
  }

  /** @returns those that are new, or in other health than before */
  list(resource: string, devices: readonly Device[]): string[] {
    const before = this.#devices.get(resource);
    const ids = (healthy: boolean) => devices.filter((each) => each.healthy === healthy).map(({ id }) => id);
    this.#devices.set(resource, new Map(devices.map((device) => [device.id, device])));
    this.#health.set(resource, { healthy: new Set(ids(true)), unhealthy: new Set(ids(false)) });
    this.#gone.delete(resource);
    return devices.filter(({ id, healthy }) => before?.get(id)?.healthy !== healthy).map(({ id }) => id);
  }

  connection(resource: string): Connection | undefined {
    return this.#connections.get(resource);
  }

  connections(): Connection[] {
    return [...this.#connections.values()];
  }

  /** Undefined where there is no such resource. */
  healthy(resource: string): ReadonlySet<string> | undefined {
    return this.#health.get(resource)?.healthy;
  }

  /** By id. */
  devices(resource: string): ReadonlyMap<string, Device> {
    return this.#devices.get(resource) ?? new Map();
  }

  device(resource: string, id: string): Device | undefined {
    return this.#devices.get(resource)?.get(id);
  }

  /** Those that pods can have, by resource. */
  registered(): Map<string, readonly string[]> {
    return new Map(Array.from(this.#health, ([resource, { healthy }]) => [resource, [...healthy]]));
  }

  /** How many there are and how many of them are healthy. Resources whose plugin went too long ago are none any more. */
  capacity(now: number): DeviceCapacity {
    const [capacity, allocatable]: Record<string, string>[] = [{}, {}];
    for (const [resource, { healthy, unhealthy }] of this.#health) {
      const stoppedAt = this.#connections.get(resource)?.stoppedAt;
      if (stoppedAt !== undefined && now - stoppedAt > GRACE_MS) this.#forget(resource);
      capacity![resource] = String(healthy.size + unhealthy.size);
      allocatable![resource] = String(healthy.size);
    }
    for (const resource of this.#gone) capacity![resource] = allocatable![resource] = '0';
    return { capacity: capacity!, allocatable: allocatable! };
  }

  #forget(resource: string): void {
    this.#connections.delete(resource);
    this.#health.delete(resource);
    this.#gone.add(resource);
  }
}
