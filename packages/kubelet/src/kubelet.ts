/** The kubelet of a real node. docs/kubelet.md draws it. */
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { ApiEventRecorder, InformerFactory } from '@keelson/client';
import type { Running } from '@keelson/component/running';
import { assemble, viewOf } from './assembly.ts';
import { driversOf } from './drivers.ts';
import { PodObjects } from './environment/objects.ts';
import { MachineFigures } from './eviction/figures.ts';
import { EVICTION, housekeepingOf } from './housekeeping.ts';
import { IMAGE_COLLECTION } from './images/collector.ts';
import { pullsOf } from './images/pulls.ts';
import { hookRunner } from './lifecycle/hooks.ts';
import { ROTATION } from './logs/rotation.ts';
import { nodeReference } from './node/agent.ts';
import { networkProblem, notReadyBecause } from './node/description.ts';
import { defaultAddresses, readMachine } from './node/machine.ts';
import { RuntimeHealth } from './node/runtime-health.ts';
import type { KubeletOptions } from './options.ts';
import { type OwnNode, ownNodeOf } from './own-node.ts';
import { registerPodLevels } from './pods/worker-metrics.ts';
import { preparationOf } from './preparation.ts';
import { ProbeManager } from './probes/manager.ts';
import { ProbeMetrics } from './probes/metrics.ts';
import { probeRunner } from './probes/run.ts';
import { NodeResources } from './resources/node.ts';
import { admitAppArmor, hasAppArmor } from './security/apparmor.ts';
import { admitSysctls } from './security/sysctls.ts';
import { systemdLogind } from './shutdown/logind.ts';
import { NodeShutdown } from './shutdown/manager.ts';
import { MirrorPods } from './sources/mirror.ts';
import { sourcesOf } from './sources/sources.ts';
import { startUpkeep } from './upkeep.ts';
import { PodTokens } from './volumes/tokens.ts';
import { registerVolumeMetrics } from './volumes/volume-metrics.ts';

const RESYNC_MS = 60_000;

/** Resolves when the node is registered and its pods are worked on. */
export async function startKubelet(options: KubeletOptions): Promise<Running> {
  const { client, nodeName, runtime, rootDirectory, metrics } = options;
  const { world } = client;
  const { log } = world;
  for (const folder of ['pods', 'plugins']) {
    await mkdir(join(rootDirectory, folder), { recursive: true, mode: 0o750 });
  }
  const version = await runtime.version();
  const machine = await readMachine(rootDirectory);
  const addresses = options.nodeIps ?? defaultAddresses();
  const health = await RuntimeHealth.of(runtime);
  const recorder = new ApiEventRecorder({ client, source: { component: 'kubelet', host: nodeName }, api: 'v1' });
  const informers = new InformerFactory(client);
  const pods = informers.informer('pods', { fieldSelector: `spec.nodeName=${nodeName}` });
  const services = informers.informer('services');

  const objects = new PodObjects(client, (uid) => assembly.manager.wake(uid));
  const updateNode = () => void agent.update().catch((error) => log.warn({ error }, 'Could not update the node'));
  const tokens = new PodTokens(client);
  const eviction = options.eviction ?? EVICTION;
  let knowsAllPods = false;
  const resources = await NodeResources.start({
    world,
    recorder,
    node: nodeReference(nodeName),
    runtime,
    machine,
    metrics,
    directory: rootDirectory,
    thresholds: eviction.thresholds,
    driver: health.status.cgroupDriver ?? options.cgroupDriver ?? 'cgroupfs',
    settings: options,
    manager: () => assembly.manager,
    ready: () => knowsAllPods,
  });
  const { cgroups, exclusive } = resources;
  const drivers = await driversOf({
    client,
    nodeName,
    rootDirectory,
    runtime,
    recorder,
    informers,
    metrics,
    driverGraceMs: options.driverGraceMs,
    tokens,
    exclusive,
    node: () => agent.node,
    manager: () => assembly.manager,
    knowsAllPods: () => knowsAllPods,
    changed: updateNode,
    driversChanged: () => void removeOrphans(),
  });
  const { csi, devices, claims } = drivers;
  const logsDirectory = options.podLogsDirectory ?? '/var/log/pods';
  const preparation = await preparationOf({
    client,
    recorder,
    settings: options,
    logsDirectory,
    health,
    resources,
    drivers,
    objects,
    tokens,
    services,
    node: () => agent.node,
    hostIps: () => addresses,
    podIps: (uid) => (assembly.services.status.get(uid)?.podIPs ?? []).map(({ ip }) => ip),
  });
  const { volumes } = preparation;
  const figures = new MachineFigures({
    clock: world.clock,
    runtime,
    rootDirectory,
    logsDirectory,
    volumes: (uid) => volumes.of(uid),
    podDirectory: (uid) => volumes.podDirectory(uid),
    podsMemory: () => cgroups.memory(),
    foldersMs: options.foldersMs,
  });
  if (metrics) registerVolumeMetrics(metrics, figures, (uid) => assembly.manager.get(uid));
  const pulls = await pullsOf({ client, settings: options, objects, tokens });
  const housekeeping = housekeepingOf({
    world,
    recorder,
    nodeName,
    runtime,
    metrics,
    figures,
    images: options.imageCollection ?? IMAGE_COLLECTION,
    imagesSeen: (ids, at) =>
      void pulls.records
        .prune(ids, at)
        .catch((error) => log.warn({ error }, 'Records of pulled images were not cleaned up')),
    eviction,
    manager: () => assembly.manager,
    changed: updateNode,
  });
  const shutdown = new NodeShutdown({
    world,
    recorder,
    node: nodeReference(nodeName),
    periods: options.shutdownPeriods ?? [],
    logind: systemdLogind(),
    directory: rootDirectory,
    metrics,
    pods: () => assembly.manager.active(),
    evict: (uid, notice) => assembly.manager.evict(uid, notice),
    phaseOf: (uid) => assembly.manager.worker(uid)?.state.phase,
    changed: updateNode,
  });
  const appArmor = hasAppArmor();
  const probeMetrics = new ProbeMetrics();
  const probes = new ProbeManager({
    metrics: probeMetrics,
    world,
    recorder,
    run: probeRunner(runtime),
    changed: (uid) => assembly.manager.wake(uid),
  });
  const assembly = assemble({
    client,
    recorder,
    runtime,
    runtimeName: version.name,
    metrics,
    tracing: options.tracing,
    ...preparation,
    probes,
    hooks: hookRunner({ runtime, world, recorder }),
    images: pulls,
    crashBackoff: { maxMs: options.crashLoopMaxMs },
    networkProblem: () => networkProblem(health.status),
    resyncMs: RESYNC_MS,
    node: () => agent.node,
    resources: resources.admission(devices.manager),
    alsoAdmit: (pod) =>
      housekeeping.admit(pod) ??
      admitSysctls(pod, options.allowedUnsafeSysctls ?? []) ??
      admitAppArmor(pod, appArmor) ??
      shutdown.admit(),
    mirrors: new MirrorPods({
      client,
      world,
      node: () => agent.node && { name: nodeName, uid: agent.node.metadata.uid! },
    }),
  });
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
  const problems = () => [notReadyBecause(health.status)].filter((problem) => problem !== undefined);
  const server = await options.server?.({
    ...viewOf(nodeName, assembly, problems),
    figures: () => figures.of(manager.pods()),
    probeMetrics: () => probeMetrics.text(),
    checkpoints: join(rootDirectory, 'checkpoints'),
  });
  const removeOrphans = () =>
    manager.removeOrphans().catch((error) => log.warn({ error }, "Could not look for what is nobody's"));
  const { agent, synced: nodeSynced }: OwnNode = ownNodeOf({
    client,
    recorder,
    informers,
    nodeName,
    settings: options,
    addresses,
    reserved: resources.reserved,
    serverPort: server?.port ?? 0,
    machine,
    runtime,
    version,
    health,
    drivers,
    problems: () => shutdown.problems(),
    pressures: () => housekeeping.pressures(),
  });
  const unsubscribe = runtime.subscribe((uid) => manager.wake(uid));
  const { staticPodPath, podRules } = options;
  const manifests = sourcesOf({ world, recorder, nodeName, manager, pods, staticPodPath, podRules });
  await devices.serve();
  // Static pods do not wait for the API server: it may be one of them.
  await manifests?.start();
  await agent.start();
  await csi.volumes.reconstruct(agent.node?.status?.volumesInUse ?? []);
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
  const endUpkeep = startUpkeep({
    world,
    runtime,
    health,
    manager,
    images: collector,
    claims,
    rotation: options.logRotation ?? ROTATION,
    cgroups,
    exclusive: { everyMs: options.cpus?.reconcileMs ?? 10_000, reconcile: () => exclusive.reconcile() },
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
