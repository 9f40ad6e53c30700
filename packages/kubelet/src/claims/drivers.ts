/**
 * The drivers that have registered (pkg/kubelet/cm/dra/plugin/dra_plugin_manager.go). Of one driver several processes may be
 * there, while it is updated; the last that is connected is asked.
 */
import { type Client, pause } from '@keelson/client';
import { RpcError } from '@keelson/component/grpc/errors';
import type { Service } from '@keelson/component/grpc/service';
import type { Plugin, PluginHandler } from '../plugins/handler.ts';
import { Driver } from './driver.ts';
import type { DeviceHealthMessage, DraMethods } from './messages.ts';
import { SERVICES } from './messages.ts';
import type { NodeSlices } from './slices.ts';

const HEALTH_RETRY_MS = 5000;

export interface DriversOptions {
  readonly client: Client;
  readonly slices: Pick<NodeSlices, 'keep' | 'removeLater'>;
  called(driver: string, method: string, code: string, ms: number): void;
  /** How all devices of a driver are; undefined: it does not tell any more. */
  health(driver: string, devices: readonly DeviceHealthMessage[] | undefined): void;
}

interface Registered {
  readonly driver: Driver;
  readonly ended: AbortController;
}

export class Drivers implements PluginHandler {
  readonly #options: DriversOptions;
  readonly #registered = new Map<string, Registered[]>();
  #stopped = false;

  constructor(options: DriversOptions) {
    this.#options = options;
  }

  /** @throws Error where it has not registered */
  get(name: string): Driver {
    const known = (this.#registered.get(name) ?? []).map(({ driver }) => driver);
    const driver = known.findLast(({ isConnected }) => isConnected) ?? known.at(-1);
    if (!driver) throw new Error(`DRA driver ${name} is not registered`);
    return driver;
  }

  validate(plugin: Plugin): void {
    serviceOf(plugin);
  }

  async register(plugin: Plugin): Promise<void> {
    const { name, endpoint } = plugin;
    const others = this.#registered.get(name) ?? [];
    if (others.some(({ driver }) => driver.endpoint === endpoint)) {
      throw new Error(`endpoint ${endpoint} already registered for DRA driver plugin ${name}`);
    }
    const ended = new AbortController();
    const driver = new Driver({
      name,
      endpoint,
      service: serviceOf(plugin),
      connected: () => this.#sync(name),
      called: (method, code, ms) => this.#options.called(name, method, code, ms),
    });
    this.#registered.set(name, [...others, { driver, ended }]);
    this.#sync(name);
    void this.#watchHealth(driver, ended.signal);
  }

  async deregister({ name, endpoint }: Plugin): Promise<void> {
    const all = this.#registered.get(name) ?? [];
    const left = all.filter(({ driver }) => driver.endpoint !== endpoint);
    if (left.length > 0) this.#registered.set(name, left);
    else this.#registered.delete(name);
    for (const each of all) if (!left.includes(each)) end(each);
    this.#sync(name);
  }

  stop(): void {
    this.#stopped = true;
    for (const each of [...this.#registered.values()].flat()) end(each);
    this.#registered.clear();
  }

  #sync(name: string): void {
    const { slices } = this.#options;
    if (this.#registered.get(name)?.some(({ driver }) => driver.isConnected)) slices.keep(name);
    else slices.removeLater(name);
  }

  /** Ends with the driver, or when it has nothing to tell of its devices. */
  async #watchHealth(driver: Driver, signal: AbortSignal): Promise<void> {
    const { client, health } = this.#options;
    const { clock, log } = client.world;
    while (!signal.aborted) {
      try {
        for await (const devices of driver.health(signal)) health(driver.name, devices);
      } catch (error) {
        if (error instanceof RpcError && error.codeName === 'Unimplemented') return;
        log.debug({ driver: driver.name, error }, 'A driver does not tell how its devices are');
      }
      if (this.#stopped) return;
      health(driver.name, undefined);
      await pause(clock, HEALTH_RETRY_MS, signal);
    }
  }
}

function end({ driver, ended }: Registered): void {
  ended.abort();
  driver.close();
}

/** The first that it names and that is known here. @throws Error where there is none */
function serviceOf({ name, endpoint, versions }: Plugin): Service<DraMethods> {
  const chosen = versions.find((version) => SERVICES.has(version));
  if (chosen) return SERVICES.get(chosen)!;
  const quoted = (list: Iterable<string>) => `[${Array.from(list, (each) => JSON.stringify(each)).join(' ')}]`;
  const why =
    versions.length === 0
      ? 'empty list of supported gRPC services (aka supported versions)'
      : `none of services supported by the plugin (${quoted(versions)}) are supported by the kubelet (${quoted(SERVICES.keys())})`;
  throw new Error(`invalid supported gRPC versions of DRA driver plugin ${name} at endpoint ${endpoint}: ${why}`);
}
