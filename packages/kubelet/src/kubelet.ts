/** The kubelet of a real node. docs/kubelet.md draws it. */

import { join } from 'node:path';
import { isEnabledByDefault } from '@keelson/component/featuregate/featuregate';
import type { Running } from '@keelson/component/running';
import { viewOf } from './assembly.ts';
import { ROTATION } from './logs/rotation.ts';
import { notReadyBecause } from './node/description.ts';
import type { KubeletOptions } from './options.ts';
import { type OwnNode, ownNodeOf } from './own-node.ts';
import { type Parts, partsOf } from './parts.ts';
import { registerPodLevels } from './pods/worker-metrics.ts';
import { sourcesOf } from './sources/sources.ts';
import { startUpkeep } from './upkeep.ts';

const EXCLUSIVE_MS = 10_000;

/** Resolves when the node is registered and its pods are worked on. */
export async function startKubelet(options: KubeletOptions): Promise<Running> {
  const { nodeName, runtime, metrics, staticPodPath, podRules } = options;
  const { world } = options.client;
  const { log } = world;
  let knowsAllPods = false;
  const removeOrphans = () =>
    parts.assembly.manager.removeOrphans().catch((error) => log.warn({ error }, "Could not look for what is nobody's"));
  const parts: Parts = await partsOf(options, {
    node: () => agent.node,
    knowsAllPods: () => knowsAllPods,
    updateNode: () => void agent.update().catch((error) => log.warn({ error }, 'Could not update the node')),
    removeOrphans: () => void removeOrphans(),
  });
  const { recorder, informers, pods, health, resources, drivers, objects, housekeeping, shutdown, assembly } = parts;
  const { manager } = assembly;
  if (metrics)
    registerPodLevels(metrics, {
      nodeName,
      desired: () => manager.pods(),
      active: () => manager.active(),
      workers: () => manager.workers(),
      mirrors: () => manager.mirrorCount,
      list: () => runtime.list(),
    });
  const server = await serverOf(options, parts);
  const { agent, synced: nodeSynced }: OwnNode = ownNodeOf({
    ...parts,
    client: options.client,
    nodeName,
    settings: options,
    reserved: resources.reserved,
    serverPort: server?.port ?? 0,
    runtime,
    problems: () => shutdown.problems(),
    pressures: () => housekeeping.pressures(),
  });
  const unsubscribe = runtime.subscribe((uid) => manager.wake(uid));
  const manifests = sourcesOf({ world, recorder, nodeName, manager, pods, staticPodPath, podRules });
  await drivers.devices.serve();
  // Static pods do not wait for the API server: it may be one of them.
  await manifests?.start();
  await agent.start();
  await drivers.csi.volumes.reconstruct(agent.node?.status?.volumesInUse ?? []);
  informers.start();
  await Promise.all([pods.synced, nodeSynced]);
  knowsAllPods = true;
  manager.reconcileMirrors();
  await removeOrphans();
  housekeeping.start();
  await drivers.start();
  void shutdown.start();
  const { collector } = housekeeping;
  await collector.detect().catch((error) => log.warn({ error }, 'Could not look at images'));
  const { cgroups, exclusive } = resources;
  const endUpkeep = startUpkeep({
    world,
    runtime,
    health,
    manager,
    images: collector,
    claims: drivers.claims,
    rotation: options.logRotation ?? ROTATION,
    cgroups,
    exclusive: { everyMs: options.cpus?.reconcileMs ?? EXCLUSIVE_MS, reconcile: () => exclusive.reconcile() },
    healthChanged: () => agent.update(),
    tracing: options.tracing,
  });

  const { promise: done, resolve } = Promise.withResolvers<void>();
  return {
    done,
    stop: async () => {
      endUpkeep();
      housekeeping.stop();
      shutdown.stop();
      unsubscribe();
      manifests?.stop();
      agent.stop();
      assembly.stop();
      await Promise.all([server?.stop(), informers.stop(), objects.stop(), drivers.stop()]);
      await resources.stop();
      recorder.stop();
      resolve();
    },
  };
}

async function serverOf(
  { nodeName, rootDirectory, server, isEnabled = isEnabledByDefault }: KubeletOptions,
  { assembly, health, figures, probeMetrics }: Parts,
) {
  const problems = () => [notReadyBecause(health.status)].filter((problem) => problem !== undefined);
  return server?.({
    ...viewOf(nodeName, assembly, problems),
    figures: () => figures.of(assembly.manager.pods()),
    probeMetrics: () => probeMetrics.text(),
    ...(isEnabled('ContainerCheckpoint') ? { checkpoints: join(rootDirectory, 'checkpoints') } : {}),
  });
}
