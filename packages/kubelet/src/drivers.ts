/** What drivers of this node bring: volumes, devices, what claims have allocated. They register as plugins; docs/kubelet.md draws it. */
import { join } from 'node:path';
import type { Node } from '@keelson/api/generated/types/core/v1';
import type { Client, EventRecorder, InformerFactory } from '@keelson/client';
import type { MetricsRegistry } from '@keelson/component/metrics/registry';
import { ClaimManager } from './claims/manager.ts';
import { type Devices, startDevices } from './devices/start.ts';
import { PluginManager } from './plugins/manager.ts';
import { dynamicResourcesOf } from './podresources/claims.ts';
import { endpointMetrics, UNCOUNTED } from './podresources/metrics.ts';
import { servePodResources } from './podresources/server.ts';
import type { PodManager } from './pods/manager.ts';
import type { Runtime } from './runtime/runtime.ts';
import type { ExclusiveResources } from './topology/exclusive.ts';
import { type CsiNode, csiNodeOf } from './volumes/csi/node.ts';
import type { PodTokens } from './volumes/tokens.ts';

export interface DriversOptions {
  readonly client: Client;
  readonly nodeName: string;
  readonly rootDirectory: string;
  readonly runtime: Runtime;
  readonly recorder: EventRecorder;
  readonly informers: InformerFactory;
  readonly metrics?: MetricsRegistry | undefined;
  readonly driverGraceMs?: number | undefined;
  readonly tokens: PodTokens;
  readonly exclusive: ExclusiveResources;
  /** As it was seen last. */
  node(): Node | undefined;
  manager(): PodManager;
  /** Whether all pods of the node are known. */
  knowsAllPods(): boolean;
  /** The node has other things to say of itself. */
  changed(): void;
  /** A driver of volumes came or went: what was left for it can be done now. */
  driversChanged(): void;
}

export interface Drivers {
  readonly csi: CsiNode;
  readonly devices: Devices;
  readonly claims: ClaimManager;
  /** Once all pods are known: plugins may register, and it may be asked which pod has what. */
  start(): Promise<void>;
  stop(): Promise<void>;
}

/** With what a kubelet before has left. */
export async function driversOf(options: DriversOptions): Promise<Drivers> {
  const { client, nodeName, rootDirectory, runtime, recorder, metrics, node, manager, changed } = options;
  const { world } = client;
  const wake = (uid: string) => manager().wake(uid);
  const csi = csiNodeOf({
    client,
    nodeName,
    recorder,
    rootDirectory,
    csiDrivers: options.informers.informer('csidrivers.storage.k8s.io'),
    metrics,
    token: (pod, audience, seconds) => options.tokens.issue(pod, audience, seconds),
    node,
    changed,
    wake,
    driversChanged: options.driversChanged,
  });
  const plugins = new PluginManager({ directory: join(rootDirectory, 'plugins_registry'), world, metrics });
  const devices = await startDevices({
    rootDirectory,
    world,
    runtime,
    plugins,
    metrics,
    nodes: options.exclusive.machine.nodes.map(({ id }) => id),
    pods: manager,
    ready: options.knowsAllPods,
    capacityChanged: () => {
      if (node()) changed();
    },
  });
  const claims = await ClaimManager.restore({
    client,
    nodeName,
    directory: rootDirectory,
    metrics,
    driverGraceMs: options.driverGraceMs,
    healthChanged: wake,
  });
  plugins.addHandler('DRAPlugin', claims.handler);
  plugins.addHandler('CSIPlugin', csi.handler);
  let closePodResources = () => {};
  return {
    csi,
    devices,
    claims,
    start: async () => {
      claims.start();
      await plugins.start();
      closePodResources = await servePodResources({
        socket: join(rootDirectory, 'pod-resources', 'kubelet.sock'),
        world,
        metrics: metrics ? endpointMetrics(metrics) : UNCOUNTED,
        pods: () => manager().holders(),
        allPods: () => manager().pods(),
        devices: devices.manager,
        exclusive: options.exclusive,
        dynamicResources: (pod, container) => dynamicResourcesOf(claims.ofContainer(pod, container)),
      }).catch((error) => {
        world.log.error({ error }, 'The resources of pods cannot be asked for');
        return () => {};
      });
    },
    stop: async () => {
      plugins.stop();
      csi.stop();
      closePodResources();
      await Promise.all([devices.stop(), claims.stop()]);
    },
  };
}
