/** The devices of a kubelet: what is left of the one before, and the sockets on which plugins register. */
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { World } from '@keelson/client';
import type { MetricsRegistry } from '@keelson/component/metrics/registry';
import type { PluginManager } from '../plugins/manager.ts';
import type { PodManager } from '../pods/manager.ts';
import { uidOf } from '../pods/spec.ts';
import type { Runtime } from '../runtime/runtime.ts';
import { DeviceManager, type DeviceManagerOptions } from './manager.ts';
import { deviceMetrics, UNCOUNTED } from './metrics.ts';
import { connectPlugin } from './plugin.ts';
import { deviceHandler, serveRegistry } from './registration.ts';
import { DeviceStore } from './store.ts';

export interface DevicesOptions extends Pick<DeviceManagerOptions, 'ready' | 'capacityChanged'> {
  readonly rootDirectory: string;
  readonly world: World;
  readonly runtime: Runtime;
  readonly plugins: PluginManager;
  readonly metrics?: MetricsRegistry | undefined;
  /** NUMA nodes of the machine. */
  readonly nodes: readonly number[];
  pods(): Pick<PodManager, 'holders' | 'wake'>;
}

export interface Devices {
  readonly manager: DeviceManager;
  /** No kubelet was on this machine before. */
  readonly isNew: boolean;
  /** Plugins may register from now on. Where they cannot there are no devices but those that are held. */
  serve(): Promise<void>;
  stop(): Promise<void>;
}

/** Before pods are admitted. */
export async function startDevices(options: DevicesOptions): Promise<Devices> {
  const { rootDirectory, world, runtime, plugins, pods, ready, capacityChanged } = options;
  const directory = join(rootDirectory, 'device-plugins');
  await mkdir(directory, { recursive: true, mode: 0o750 });
  const store = new DeviceStore(directory);
  const metrics = options.metrics ? deviceMetrics(options.metrics) : UNCOUNTED;
  const isNew = await store.isNew();
  const manager = await DeviceManager.start({
    world,
    store,
    metrics,
    nodes: options.nodes,
    connect: connectPlugin,
    active: () => pods().holders().map(uidOf),
    ready,
    running: await runningContainers(runtime),
    healthChanged: (uid) => pods().wake(uid),
    capacityChanged,
  });
  plugins.addHandler('DevicePlugin', deviceHandler(manager));
  let close = () => {};
  return {
    manager,
    isNew,
    serve: async () => {
      try {
        close = await serveRegistry({ directory, devices: manager, metrics });
      } catch (error) {
        world.log.error({ directory, error }, 'Device plugins cannot register');
      }
    },
    stop: () => {
      close();
      return manager.stop();
    },
  };
}

async function runningContainers(runtime: Runtime): Promise<Map<string, Set<string>>> {
  const pods = await runtime.list();
  return new Map(
    pods.map(({ uid, containers }) => {
      const running = containers.filter(({ state }) => state === 'running');
      return [uid, new Set(running.map(({ name }) => name))];
    }),
  );
}
