/** The kubelet of a real node. docs/kubelet.md draws it. */
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Node } from '@keelson/api/generated/types/core/v1';
import { ApiEventRecorder, InformerFactory } from '@keelson/client';
import type { Running } from '@keelson/component/running';
import { assemble, viewOf } from './assembly.ts';
import { driversOf } from './drivers.ts';
import { PodObjects } from './environment/objects.ts';
import { MachineFigures } from './eviction/figures.ts';
import { EVICTION, housekeepingOf } from './housekeeping.ts';
import { accountsOf } from './images/accounts.ts';
import { IMAGE_COLLECTION } from './images/collector.ts';
import { credentialsOfPod } from './images/credentials.ts';
import { CredentialProviders } from './images/providers.ts';
import { PullRecords } from './images/pull-records.ts';
import { hookRunner } from './lifecycle/hooks.ts';
import { ROTATION } from './logs/rotation.ts';
import { NodeAgent, nodeReference } from './node/agent.ts';
import { type NodeConfiguration, networkProblem, notReadyBecause } from './node/description.ts';
import { defaultAddresses, readMachine } from './node/machine.ts';
import { podCidrsTo } from './node/pod-cidrs.ts';
import { RuntimeHealth } from './node/runtime-health.ts';
import type { KubeletOptions } from './options.ts';
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
  const { client, nodeName, runtime, rootDirectory, metrics, leaseSeconds = 40 } = options;
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
  const nodes = informers.informer('nodes', { fieldSelector: `metadata.name=${nodeName}` });
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
  const records = new PullRecords({
    directory: join(rootDirectory, 'image_manager'),
    clock: world.clock,
    policy: options.imageVerification?.policy ?? 'NeverVerifyPreloadedImages',
    allowlist: options.imageVerification?.allowlist ?? [],
  });
  await records.restore(() => runtime.images());
  const housekeeping = housekeepingOf({
    world,
    recorder,
    nodeName,
    runtime,
    metrics,
    figures,
    images: options.imageCollection ?? IMAGE_COLLECTION,
    imagesSeen: (ids, at) =>
      void records.prune(ids, at).catch((error) => log.warn({ error }, 'Records of pulled images were not cleaned up')),
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
  const { credentialProviders: given } = options;
  const providers =
    given && new CredentialProviders(given.configurations, given.directory, accountsOf(client, tokens), world);
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
    images: {
      serialize: options.serializeImagePulls ?? true,
      records,
      credentials: (pod, repository) => credentialsOfPod(pod, repository, objects, providers),
    },
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
  const problems = () => [notReadyBecause(health.status)].filter((problem) => problem !== undefined);
  const server = await options.server?.({
    ...viewOf(nodeName, assembly, problems),
    figures: () => figures.of(manager.pods()),
    probeMetrics: () => probeMetrics.text(),
    checkpoints: join(rootDirectory, 'checkpoints'),
  });
  const configuration: NodeConfiguration = {
    name: nodeName,
    addresses,
    labels: options.labels ?? {},
    annotations: options.annotations ?? {},
    taints: options.taints ?? [],
    maxPods: options.maxPods ?? 110,
    providerId: options.providerId ?? '',
    reserved: resources.reserved,
    capacity: {},
    serverPort: server?.port ?? 0,
    maxImages: options.maxStatusImages ?? 50,
  };
  const removeOrphans = () =>
    manager.removeOrphans().catch((error) => log.warn({ error }, "Could not look for what is nobody's"));
  const tellCidrs = podCidrsTo(runtime, log);
  const seen = (node: Node) => {
    csi.volumes.nodeChanged();
    tellCidrs(node);
  };
  const agent: NodeAgent = new NodeAgent({
    client,
    recorder,
    configuration,
    facts: async () => ({
      machine,
      version,
      runtime: health.status,
      images: await runtime.images().catch((error) => {
        log.warn({ error }, 'The images of the node could not be listed');
        return [];
      }),
      notReady: notReadyBecause(health.status, ...csi.problems(), ...shutdown.problems()),
      pressures: housekeeping.pressures(),
      volumesInUse: csi.volumes.inUse(),
      devices: devices.manager.capacity(),
    }),
    registered: () => csi.registered(),
    isNew: devices.isNew,
    seen,
    statusMs: options.statusMs ?? 10_000,
    reportMs: options.reportMs ?? 300_000,
    leaseMs: leaseSeconds * 250,
    leaseSeconds,
  });

  const observe = (node: Node) => {
    agent.observe(node);
    seen(node);
  };
  nodes.addHandler({ added: observe, updated: (_old, node) => observe(node) });
  const unsubscribe = runtime.subscribe((uid) => manager.wake(uid));
  const { staticPodPath, podRules } = options;
  const manifests = sourcesOf({ world, recorder, nodeName, manager, pods, staticPodPath, podRules });
  await devices.serve();
  // Static pods do not wait for the API server: it may be one of them.
  await manifests?.start();
  await agent.start();
  await csi.volumes.reconstruct(agent.node?.status?.volumesInUse ?? []);
  informers.start();
  await Promise.all([pods.synced, nodes.synced]);
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
