/** Puts the parts together that volumes of drivers have on one node. docs/kubelet.md draws them. */
import type { CSIDriver } from '@keelson/api/generated/types/storage/v1';
import type { Client, Informer } from '@keelson/client';
import type { MetricsRegistry } from '@keelson/component/metrics/registry';
import type { PluginHandler } from '../../plugins/handler.ts';
import { CountRefresher } from './count-refresher.ts';
import { CsiOperations, StorageOperations } from './metrics.ts';
import { NodeInfo } from './node-info.ts';
import { CsiPaths } from './paths.ts';
import { DriverRegistry } from './registry.ts';
import { CsiVolumes, type CsiVolumesOptions } from './volumes.ts';

export interface CsiNodeOptions
  extends Pick<CsiVolumesOptions, 'client' | 'nodeName' | 'recorder' | 'token' | 'node' | 'changed' | 'wake'> {
  readonly client: Client;
  readonly rootDirectory: string;
  readonly csiDrivers: Informer<CSIDriver>;
  readonly metrics?: MetricsRegistry | undefined;
  /** A driver came or went: what was left for it can be done now. */
  driversChanged(): void;
}

export interface CsiNode {
  /** Where it is counted what is done with volumes, others than drivers' too. */
  readonly operations: StorageOperations | undefined;
  readonly volumes: CsiVolumes;
  /** Of `CSIPlugin`. */
  readonly handler: PluginHandler;
  /** Why the node is not ready. */
  problems(): readonly string[];
  /** The Node is there: makes its CSINode. @throws Error */
  registered(): Promise<void>;
  stop(): void;
}

/** All that the node does with drivers of storage, put together. Nothing is begun yet. */
export function csiNodeOf(options: CsiNodeOptions): CsiNode {
  const { client, nodeName, csiDrivers, metrics, driversChanged } = options;
  const { world } = client;
  const now = () => performance.now();
  const nodeInfo = new NodeInfo(client, nodeName);
  let isInitialized = false;
  const drivers: DriverRegistry = new DriverRegistry({
    world,
    nodeInfo,
    operations: metrics && new CsiOperations(metrics, now),
    changed: (name) => {
      volumes.driverChanged(name);
      refresher.look(name);
      driversChanged();
    },
  });
  const operations = metrics && new StorageOperations(metrics, now);
  const volumes = new CsiVolumes({
    ...options,
    operations,
    paths: new CsiPaths(options.rootDirectory),
    drivers,
    csiDriver: async (name) => {
      await csiDrivers.synced;
      return csiDrivers.store.get(name);
    },
  });
  const refresher = new CountRefresher({ world, drivers, csiDriver: (name) => csiDrivers.store.get(name) });
  const look = ({ metadata }: CSIDriver) => refresher.look(metadata.name ?? '');
  csiDrivers.addHandler({ added: look, updated: (_, driver) => look(driver), deleted: look });
  return {
    volumes,
    operations,
    handler: drivers,
    problems: () => (isInitialized ? [] : ['CSINode is not yet initialized']),
    registered: async () => {
      await nodeInfo.initialize();
      isInitialized = true;
    },
    stop: () => {
      refresher.stop();
      volumes.stop();
      drivers.close();
    },
  };
}
