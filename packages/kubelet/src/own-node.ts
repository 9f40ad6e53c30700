/** What the kubelet tells of its own node, and hears of it. */

import type { Node } from '@keelson/api/generated/types/core/v1';
import type { Client, EventRecorder, InformerFactory } from '@keelson/client';
import { isEnabledByDefault } from '@keelson/component/featuregate/featuregate';
import type { Drivers } from './drivers.ts';
import { NodeAgent } from './node/agent.ts';
import { type NodeConfiguration, type NodeFacts, notReadyBecause, type Pressure } from './node/description.ts';
import type { Machine } from './node/machine.ts';
import { podCidrsTo } from './node/pod-cidrs.ts';
import type { RuntimeHealth } from './node/runtime-health.ts';
import type { KubeletOptions } from './options.ts';
import type { Runtime, RuntimeVersion } from './runtime/runtime.ts';

export interface OwnNodeOptions {
  readonly client: Client;
  readonly recorder: EventRecorder;
  readonly informers: InformerFactory;
  readonly nodeName: string;
  readonly settings: Pick<
    KubeletOptions,
    | 'labels'
    | 'annotations'
    | 'taints'
    | 'maxPods'
    | 'providerId'
    | 'maxStatusImages'
    | 'statusMs'
    | 'reportMs'
    | 'leaseSeconds'
    | 'isEnabled'
  >;
  /** The primary one first. */
  readonly addresses: readonly string[];
  readonly reserved: NodeConfiguration['reserved'];
  /** 0 where there is no server. */
  readonly serverPort: number;
  readonly machine: Machine;
  readonly runtime: Runtime;
  readonly version: RuntimeVersion;
  readonly health: RuntimeHealth;
  readonly drivers: Pick<Drivers, 'csi' | 'devices'>;
  /** Why the node takes no pods, beside what the runtime and drivers say. */
  problems(): readonly string[];
  pressures(): readonly Pressure[];
}

export interface OwnNode {
  readonly agent: NodeAgent;
  /** Resolves when it is known what the API server has of it. */
  readonly synced: Promise<unknown>;
}

/** Nothing is begun yet. */
export function ownNodeOf(options: OwnNodeOptions): OwnNode {
  const { client, recorder, informers, nodeName, settings, runtime, drivers } = options;
  const { leaseSeconds = 40 } = settings;
  const tellCidrs = podCidrsTo(runtime, client.world.log);
  const seen = (node: Node) => {
    drivers.csi.volumes.nodeChanged();
    tellCidrs(node);
  };
  const agent = new NodeAgent({
    client,
    recorder,
    configuration: configurationOf(options),
    facts: () => factsOf(options),
    registered: () => drivers.csi.registered(),
    isNew: drivers.devices.isNew,
    seen,
    statusMs: settings.statusMs ?? 10_000,
    reportMs: settings.reportMs ?? 300_000,
    leaseMs: leaseSeconds * 250,
    leaseSeconds,
  });
  const observe = (node: Node) => {
    agent.observe(node);
    seen(node);
  };
  const nodes = informers.informer('nodes', { fieldSelector: `metadata.name=${nodeName}` });
  nodes.addHandler({ added: observe, updated: (_old, node) => observe(node) });
  return { agent, synced: nodes.synced };
}

function configurationOf({ nodeName, settings, addresses, reserved, serverPort }: OwnNodeOptions): NodeConfiguration {
  return {
    name: nodeName,
    addresses,
    labels: settings.labels ?? {},
    annotations: settings.annotations ?? {},
    taints: settings.taints ?? [],
    maxPods: settings.maxPods ?? 110,
    providerId: settings.providerId ?? '',
    reserved,
    capacity: {},
    serverPort,
    maxImages: settings.maxStatusImages ?? 50,
    isEnabled: settings.isEnabled ?? isEnabledByDefault,
  };
}

async function factsOf(options: OwnNodeOptions): Promise<NodeFacts> {
  const { client, machine, version, health, runtime, drivers, problems, pressures } = options;
  const { csi, devices } = drivers;
  return {
    machine,
    version,
    runtime: health.status,
    images: await runtime.images().catch((error) => {
      client.world.log.warn({ error }, 'The images of the node could not be listed');
      return [];
    }),
    notReady: notReadyBecause(health.status, ...csi.problems(), ...problems()),
    pressures: pressures(),
    volumesInUse: csi.volumes.inUse(),
    devices: devices.manager.capacity(),
  };
}
