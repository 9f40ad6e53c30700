/**
 * Registers plugins and takes leave of them (pkg/kubelet/pluginmanager): for each socket below a folder the plugin behind it is
 * asked what it is, the handler of its type gets it, and the plugin is told. docs/kubelet.md draws it.
 */
import type { World } from '@keelson/client';
import { RpcClient } from '@keelson/component/grpc/client';
import { Gauge } from '@keelson/component/metrics/families';
import type { MetricsRegistry } from '@keelson/component/metrics/registry';
import { operationPause } from '../retry.ts';
import type { Plugin, PluginHandler } from './handler.ts';
import { registration } from './registration.ts';
import { PluginWatcher } from './watcher.ts';

const INFO_MS = 1000;
const NOTIFY_MS = 5000;

export type PluginType = 'CSIPlugin' | 'DRAPlugin' | 'DevicePlugin';

export interface PluginManagerOptions {
  /** `ROOT/plugins_registry` */
  readonly directory: string;
  readonly world: World;
  readonly metrics?: MetricsRegistry | undefined;
}

/** One path. What is wanted and what stands are numbers of the sockets that were seen there. */
interface Socket {
  readonly path: string;
  wanted: number | undefined;
  registered: { readonly socket: number; readonly handler: PluginHandler; readonly plugin: Plugin } | undefined;
  isBusy: boolean;
  failures: number;
  cancelRetry(): void;
}

export class PluginManager {
  readonly #world: World;
  readonly #watcher: PluginWatcher;
  readonly #handlers = new Map<string, PluginHandler>();
  readonly #sockets = new Map<string, Socket>();
  #seen = 0;
  #stopped = false;

  constructor({ directory, world, metrics }: PluginManagerOptions) {
    this.#world = world;
    this.#watcher = new PluginWatcher({
      directory,
      world,
      appeared: (path) => this.#want(path, ++this.#seen),
      gone: (path) => this.#want(path, undefined),
    });
    if (metrics) this.#register(metrics);
  }

  /** Before the start. */
  addHandler(type: PluginType, handler: PluginHandler): void {
    this.#handlers.set(type, handler);
  }

  /** Resolves when it is known which sockets are there. @throws Error where the folder cannot be made */
  start(): Promise<void> {
    return this.#watcher.start();
  }

  /** Nobody is deregistered. */
  stop(): void {
    this.#stopped = true;
    this.#watcher.stop();
    for (const socket of this.#sockets.values()) socket.cancelRetry();
  }

  #want(path: string, wanted: number | undefined): void {
    const socket = this.#sockets.get(path) ?? {
      path,
      wanted,
      registered: undefined,
      isBusy: false,
      failures: 0,
      cancelRetry: () => {},
    };
    this.#sockets.set(path, socket);
    socket.wanted = wanted;
    socket.failures = 0;
    void this.#reconcile(socket);
  }

  /** Of one socket one call is under way; never throws. */
  async #reconcile(socket: Socket): Promise<void> {
    socket.cancelRetry();
    if (socket.isBusy || this.#stopped) return;
    socket.isBusy = true;
    const { wanted } = socket;
    try {
      if (socket.registered && socket.registered.socket !== wanted) await this.#deregister(socket);
      if (wanted !== undefined && !socket.registered) await this.#registerPlugin(socket, wanted);
    } catch (error) {
      this.#world.log.warn({ path: socket.path, error }, 'A plugin could not be registered');
      const ms = operationPause(socket.failures++);
      const retry = () => void this.#reconcile(socket);
      if (!this.#stopped) socket.cancelRetry = this.#world.clock.after(ms, retry, { background: true });
    } finally {
      socket.isBusy = false;
    }
    if (socket.wanted !== wanted) return this.#reconcile(socket);
    if (wanted === undefined && !socket.registered) this.#sockets.delete(socket.path);
  }

  async #deregister(socket: Socket): Promise<void> {
    const { handler, plugin } = socket.registered!;
    socket.registered = undefined;
    await handler.deregister(plugin);
  }

  async #registerPlugin(socket: Socket, wanted: number): Promise<void> {
    const { path } = socket;
    const client = new RpcClient(`unix:${path}`, { waitForReady: true });
    const notify = (error?: string) =>
      client.call(
        registration,
        'NotifyRegistrationStatus',
        { pluginRegistered: error === undefined, error: error ?? '' },
        { timeoutMs: NOTIFY_MS },
      );
    const refuse = async (message: string): Promise<never> => {
      await notify(message);
      throw new Error(message);
    };
    try {
      const { type, name, endpoint, supportedVersions } = await client.call(
        registration,
        'GetInfo',
        {},
        { timeoutMs: INFO_MS },
      );
      const handler = this.#handlers.get(type);
      if (!handler) {
        return await refuse(`RegisterPlugin error -- no handler registered for plugin type: ${type} at socket ${path}`);
      }
      const plugin: Plugin = { name, endpoint: endpoint || path, versions: supportedVersions };
      try {
        handler.validate(plugin);
      } catch (error) {
        return await refuse(`RegisterPlugin error -- plugin validation failed with err: ${(error as Error).message}`);
      }
      try {
        await handler.register(plugin);
      } catch (error) {
        return await refuse(`RegisterPlugin error -- plugin registration failed with err: ${(error as Error).message}`);
      }
      socket.registered = { socket: wanted, handler, plugin };
      // A plugin that cannot be told is as good as gone.
      await notify().catch(async (error) => {
        await this.#deregister(socket);
        throw error;
      });
    } finally {
      client.close();
    }
  }

  #register(metrics: MetricsRegistry): void {
    const description = {
      name: 'plugin_manager_total_plugins',
      help: 'Plugins by their socket: those that are wanted and those that are registered.',
      stability: 'ALPHA',
      labels: ['socket_path', 'state'],
    } as const;
    metrics.register(
      new Gauge(description, (gauge) => {
        gauge.clear();
        for (const { path, wanted, registered } of this.#sockets.values()) {
          if (registered) gauge.with(path, 'actual_state_of_world').value = 1;
          if (wanted !== undefined) gauge.with(path, 'desired_state_of_world').value = 1;
        }
      }),
    );
  }
}
