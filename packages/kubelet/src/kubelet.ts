/** The kubelet of a real node. docs/kubelet.md draws it. */
import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Node, Taint } from '@keelson/api/generated/types/core/v1';
import { ApiEventRecorder, type Client, InformerFactory } from '@keelson/client';
import type { MetricsRegistry } from '@keelson/component/metrics/registry';
import type { Running } from '@keelson/component/running';
import { assemble, viewOf } from './assembly.ts';
import { ClaimManager } from './claims/manager.ts';
import { startDevices } from './devices/start.ts';
import { PodObjects } from './environment/objects.ts';
import { MachineFigures } from './eviction/figures.ts';
import type { EvictionPolicy } from './eviction/manager.ts';
import { reservedBy } from './eviction/thresholds.ts';
import { EVICTION, housekeepingOf } from './housekeeping.ts';
import { IMAGE_COLLECTION, type ImageCollectionPolicy } from './images/collector.ts';
import { credentialsFor, pullSecretNames } from './images/credentials.ts';
import { CredentialProviders, type ProviderConfiguration } from './images/providers.ts';
import { PullRecords, type PullRecordsOptions } from './images/pull-records.ts';
import { hookRunner } from './lifecycle/hooks.ts';
import { type LogRotation, ROTATION, type RotationPolicy, rotateLog } from './logs/rotation.ts';
import { NodeAgent, nodeReference } from './node/agent.ts';
import { type NodeConfiguration, networkProblem, notReadyBecause } from './node/description.ts';
import { defaultAddresses, readMachine } from './node/machine.ts';
import { PluginManager } from './plugins/manager.ts';
import { dynamicResourcesOf } from './podresources/claims.ts';
import { endpointMetrics, UNCOUNTED } from './podresources/metrics.ts';
import { servePodResources } from './podresources/server.ts';
import type { PodManager } from './pods/manager.ts';
import { NodePreparer } from './pods/preparer.ts';
import { isStatic, uidOf } from './pods/spec.ts';
import { ProbeManager } from './probes/manager.ts';
import { ProbeMetrics } from './probes/metrics.ts';
import { probeRunner } from './probes/run.ts';
import type { CgroupDriver } from './resources/cgroups.ts';
import type { Runtime, RuntimeStatus } from './runtime/runtime.ts';
import { admitSysctls } from './security/sysctls.ts';
import { UserNamespaces } from './security/user-namespaces.ts';
import { Manifests } from './sources/manifests.ts';
import { MirrorPods } from './sources/mirror.ts';
import type { PodRules } from './sources/static-pod.ts';
import type { ServerFactory } from './view.ts';
import { csiNodeOf } from './volumes/csi/node.ts';
import { VolumeManager } from './volumes/manager.ts';
import { PodTokens } from './volumes/tokens.ts';
import { registerVolumeMetrics } from './volumes/volume-metrics.ts';

/** Defaults are upstream's. */
export interface KubeletOptions {
  /** Acts as `system:node:NAME` of `system:nodes`. */
  readonly client: Client;
  readonly nodeName: string;
  readonly runtime: Runtime;
  /** Absolute; `/var/lib/kubelet`. */
  readonly rootDirectory: string;
  /** Absolute; `/var/log/pods`. */
  readonly podLogsDirectory?: string | undefined;
  /** The primary one first; without it the machine's first address. */
  readonly nodeIps?: readonly string[] | undefined;
  readonly labels?: Readonly<Record<string, string>> | undefined;
  readonly annotations?: Readonly<Record<string, string>> | undefined;
  readonly taints?: readonly Taint[] | undefined;
  readonly maxPods?: number | undefined;
  readonly providerId?: string | undefined;
  /** What pods cannot have, by resource. */
  readonly reserved?: Readonly<Record<string, string>> | undefined;
  readonly clusterDns?: readonly string[] | undefined;
  readonly clusterDomain?: string | undefined;
  readonly resolvConf?: string | undefined;
  /** Folder of static pods' manifests, or one manifest. */
  readonly staticPodPath?: string | undefined;
  /** What static pods are held to. */
  readonly podRules?: PodRules | undefined;
  /** Where the runtime does not say which. */
  readonly cgroupDriver?: CgroupDriver | undefined;
  readonly cgroupRoot?: string | undefined;
  readonly seccompDefault?: boolean | undefined;
  readonly allowedUnsafeSysctls?: readonly string[] | undefined;
  readonly serializeImagePulls?: boolean | undefined;
  readonly crashLoopMaxMs?: number | undefined;
  readonly server?: ServerFactory | undefined;
  readonly metrics?: MetricsRegistry | undefined;
  readonly imageCollection?: ImageCollectionPolicy | undefined;
  readonly eviction?: EvictionPolicy | undefined;
  /** How old what is known of the size of volumes and logs may be. */
  readonly foldersMs?: number | undefined;
  /** Images that the node's status tells of; -1: all. */
  readonly maxStatusImages?: number | undefined;
  readonly logRotation?: LogRotation | undefined;
  readonly statusMs?: number | undefined;
  readonly reportMs?: number | undefined;
  readonly leaseSeconds?: number | undefined;
  /** Which images that are here need credentials of each pod. Default: those that this kubelet has pulled. */
  readonly imageVerification?: Pick<PullRecordsOptions, 'policy' | 'allowlist'> | undefined;
  /** Programs that know what opens registries, in one folder. */
  readonly credentialProviders?:
    | { readonly directory: string; readonly configurations: readonly ProviderConfiguration[] }
    | undefined;
  /** How many users a pod with a user namespace of its own has; a multiple of 65,536. */
  readonly userNamespaceIds?: number | undefined;
  /** How long a driver of devices may be away until the slices in which it offers them are deleted. */
  readonly driverGraceMs?: number | undefined;
}

const RUNTIME_CHECK_MS = 5_000;
const ORPHANS_MS = 60_000;
/** How often it is noted which images are used, and how often those go that have to. */
const IMAGES_MS = 5 * 60_000;
const CLAIMS_MS = 60_000;
/** Mirrors that could not be made, for lack of an API server perhaps, are tried again. */
const MIRRORS_MS = 3_000;
const RESYNC_MS = 60_000;

/** Resolves when the node is registered and its pods are worked on. */
export async function startKubelet(options: KubeletOptions): Promise<Running> {
  const { client, nodeName, runtime, rootDirectory, leaseSeconds = 40 } = options;
  const { world } = client;
  const { log } = world;
  for (const folder of ['pods', 'plugins']) {
    await mkdir(join(rootDirectory, folder), { recursive: true, mode: 0o750 });
  }
  const version = await runtime.version();
  const machine = await readMachine(rootDirectory);
  const addresses = options.nodeIps ?? defaultAddresses();
  let state: RuntimeStatus = await runtime.status();
  const recorder = new ApiEventRecorder({ client, source: { component: 'kubelet', host: nodeName }, api: 'v1' });
  const informers = new InformerFactory(client);
  const pods = informers.informer('pods', { fieldSelector: `spec.nodeName=${nodeName}` });
  const nodes = informers.informer('nodes', { fieldSelector: `metadata.name=${nodeName}` });
  const services = informers.informer('services');
  const csiDrivers = informers.informer('csidrivers.storage.k8s.io');

  const objects = new PodObjects(client, (uid) => assembly.manager.wake(uid));
  const recursiveReadOnly = state.handlers.some(
    ({ name, recursiveReadOnlyMounts }) => name === '' && recursiveReadOnlyMounts,
  );
  const hostIps = () => addresses;
  const updateNode = () => void agent.update().catch((error) => log.warn({ error }, 'Could not update the node'));
  const tokens = new PodTokens(client);
  const csi = csiNodeOf({
    client,
    nodeName,
    recorder,
    rootDirectory,
    csiDrivers,
    metrics: options.metrics,
    token: (pod, audience, seconds) => tokens.issue(pod, audience, seconds),
    node: () => agent.node,
    changed: updateNode,
    wake: (uid) => assembly.manager.wake(uid),
    driversChanged: () => void removeOrphans(),
  });
  const volumes = new VolumeManager({
    client,
    recorder,
    rootDirectory,
    objects,
    tokens,
    csi: csi.volumes,
    node: () => agent.node,
    hostIps,
    podIps: (uid) => (assembly.services.status.get(uid)?.podIPs ?? []).map(({ ip }) => ip),
  });
  const logsDirectory = options.podLogsDirectory ?? '/var/log/pods';
  const eviction = options.eviction ?? EVICTION;
  const figures = new MachineFigures({
    clock: world.clock,
    runtime,
    rootDirectory,
    logsDirectory,
    volumes: (uid) => volumes.of(uid),
    podDirectory: (uid) => volumes.podDirectory(uid),
    foldersMs: options.foldersMs,
  });
  if (options.metrics) registerVolumeMetrics(options.metrics, figures, (uid) => assembly.manager.get(uid));
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
    metrics: options.metrics,
    figures,
    images: options.imageCollection ?? IMAGE_COLLECTION,
    imagesSeen: (ids, at) =>
      void records.prune(ids, at).catch((error) => log.warn({ error }, 'Records of pulled images were not cleaned up')),
    eviction,
    manager: () => assembly.manager,
    changed: updateNode,
  });
  const userNamespaces = new UserNamespaces({
    podDirectory: (uid) => volumes.podDirectory(uid),
    handlers: () => state.handlers,
    idsPerPod: options.userNamespaceIds,
  });
  await userNamespaces.restore(await volumes.uids());
  const plugins = new PluginManager({
    directory: join(rootDirectory, 'plugins_registry'),
    world,
    metrics: options.metrics,
  });
  let knowsAllPods = false;
  const devices = await startDevices({
    rootDirectory,
    world,
    runtime,
    plugins,
    metrics: options.metrics,
    pods: () => assembly.manager,
    ready: () => knowsAllPods,
    capacityChanged: () => {
      if (agent.node) agent.update().catch((error) => log.warn({ error }, 'Could not update the node'));
    },
  });
  const claims = await ClaimManager.restore({
    client,
    nodeName,
    directory: rootDirectory,
    metrics: options.metrics,
    driverGraceMs: options.driverGraceMs,
    healthChanged: (uid) => assembly.manager.wake(uid),
  });
  plugins.addHandler('DRAPlugin', claims.handler);
  const preparer = new NodePreparer({
    client,
    world,
    runtime,
    volumes,
    objects,
    logsDirectory,
    cgroupDriver: state.cgroupDriver ?? options.cgroupDriver ?? 'cgroupfs',
    cgroupRoot: options.cgroupRoot ?? '/',
    memoryCapacity: machine.memoryBytes,
    dns: {
      clusterDns: options.clusterDns ?? [],
      clusterDomain: options.clusterDomain ?? 'cluster.local',
      resolvConf: await readFile(options.resolvConf ?? '/etc/resolv.conf', 'utf8').catch(() => ''),
    },
    security: { seccompRoot: join(rootDirectory, 'seccomp'), seccompDefault: options.seccompDefault ?? false },
    recursiveReadOnly,
    userNamespaces,
    devices: devices.manager,
    claims,
    services: async (pod) => {
      // The API server that would tell of them may be a static pod itself.
      if (!isStatic(pod)) await services.synced;
      return services.store.values();
    },
    node: () => agent.node,
    hostIps,
  });
  const probeMetrics = new ProbeMetrics();
  const probes = new ProbeManager({
    metrics: probeMetrics,
    world,
    recorder,
    run: probeRunner(runtime),
    changed: (uid) => assembly.manager.wake(uid),
  });
  const { credentialProviders: given } = options;
  const providers = given && new CredentialProviders(given.configurations, given.directory, world);
  const assembly = assemble({
    client,
    recorder,
    runtime,
    runtimeName: version.name,
    metrics: options.metrics,
    preparer,
    probes,
    hooks: hookRunner({ runtime, world, recorder }),
    images: {
      serialize: options.serializeImagePulls ?? true,
      records,
      credentials: async (pod, repository) => {
        const reader = objects.for(pod);
        const names = pullSecretNames(pod);
        const found = await Promise.allSettled(
          names.map((name) => reader.get('secrets', pod.metadata.namespace!, name)),
        );
        const secrets = found.flatMap((each) => (each.status === 'fulfilled' ? [each.value] : []));
        return [...credentialsFor(repository, secrets), ...((await providers?.for(repository)) ?? [])];
      },
    },
    crashBackoff: { maxMs: options.crashLoopMaxMs },
    recursiveReadOnly,
    hostIps,
    networkProblem: () => networkProblem(state),
    resyncMs: RESYNC_MS,
    node: () => agent.node,
    devices: devices.manager,
    alsoAdmit: (pod) => housekeeping.admit(pod) ?? admitSysctls(pod, options.allowedUnsafeSysctls ?? []),
    mirrors: new MirrorPods({
      client,
      world,
      node: () => agent.node && { name: nodeName, uid: agent.node.metadata.uid! },
    }),
  });
  const { manager } = assembly;
  const problems = () => [notReadyBecause(state)].filter((problem) => problem !== undefined);
  const server = await options.server?.({
    ...viewOf(nodeName, assembly, problems),
    figures: () => figures.of(manager.pods()),
    probeMetrics: () => probeMetrics.text(),
  });
  const configuration: NodeConfiguration = {
    name: nodeName,
    addresses,
    labels: options.labels ?? {},
    annotations: options.annotations ?? {},
    taints: options.taints ?? [],
    maxPods: options.maxPods ?? 110,
    providerId: options.providerId ?? '',
    reserved: options.reserved ?? reservedBy(eviction.thresholds, machine),
    capacity: {},
    serverPort: server?.port ?? 0,
    maxImages: options.maxStatusImages ?? 50,
  };
  plugins.addHandler('CSIPlugin', csi.handler);
  const removeOrphans = () =>
    manager.removeOrphans().catch((error) => log.warn({ error }, "Could not look for what is nobody's"));
  let cidrs: readonly string[] = [];
  const seen = (node: Node) => {
    csi.volumes.nodeChanged();
    const now = node.spec?.podCIDRs ?? [];
    if (now.join() === cidrs.join()) return;
    cidrs = now;
    runtime.setPodCidrs(now).catch((error) => log.warn({ error }, 'The runtime did not take the CIDRs of pods'));
  };
  const agent: NodeAgent = new NodeAgent({
    client,
    recorder,
    configuration,
    facts: async () => ({
      machine,
      version,
      runtime: state,
      images: await runtime.images().catch(() => []),
      notReady: notReadyBecause(state, ...csi.problems()),
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
  pods.addHandler({
    added: (pod) => manager.put(pod),
    updated: (_old, pod) => manager.put(pod),
    deleted: (pod) => manager.remove(pod),
  });
  const unsubscribe = runtime.subscribe((uid) => manager.wake(uid));
  const manifests =
    options.staticPodPath === undefined
      ? undefined
      : new Manifests({
          path: options.staticPodPath,
          nodeName,
          world,
          rules: options.podRules,
          put: (pod) => manager.put(pod),
          remove: (pod) => manager.remove(pod),
          broken: (file, problem) =>
            recorder.event(
              nodeReference(nodeName),
              'Warning',
              'FailedValidation',
              `Could not process manifest file ${file}: ${problem}`,
            ),
        });
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
  claims.start();
  await plugins.start();
  const closePodResources = await servePodResources({
    socket: join(rootDirectory, 'pod-resources', 'kubelet.sock'),
    world,
    metrics: options.metrics ? endpointMetrics(options.metrics) : UNCOUNTED,
    pods: () => manager.holders(),
    allPods: () => manager.pods(),
    devices: devices.manager,
    dynamicResources: (pod, container) => dynamicResourcesOf(claims.ofContainer(pod, container)),
  }).catch((error) => {
    log.error({ error }, 'The resources of pods cannot be asked for');
    return () => {};
  });
  const { collector } = housekeeping;
  const noteImages = async () => void (await collector.detect());
  await noteImages().catch((error) => log.warn({ error }, 'Could not look at images'));
  const rotation = options.logRotation ?? ROTATION;
  const cancels = [
    repeatedly(client, IMAGES_MS, () => (collector.isOn ? collector.collectAndTell() : noteImages())),
    repeatedly(client, RUNTIME_CHECK_MS, async () => {
      const before = notReadyBecause(state);
      state = await runtime.status().catch((error: Error) => unreachable(error));
      if (notReadyBecause(state) !== before) await agent.update();
    }),
    repeatedly(client, ORPHANS_MS, () => manager.removeOrphans()),
    repeatedly(client, CLAIMS_MS, () => {
      const active = new Set(manager.holders().map(uidOf));
      return claims.reconcile((uid) => active.has(uid));
    }),
    repeatedly(client, MIRRORS_MS, async () => manager.reconcileMirrors()),
    repeatedly(client, rotation.everyMs, () => rotateLogs(client, runtime, manager, rotation)),
  ];

  const { promise: done, resolve } = Promise.withResolvers<void>();
  return {
    done,
    stop: async () => {
      for (const cancel of cancels) cancel();
      housekeeping.stop();
      unsubscribe();
      manifests?.stop();
      plugins.stop();
      csi.stop();
      closePodResources();
      agent.stop();
      assembly.stop();
      await Promise.all([server?.stop(), informers.stop(), objects.stop(), devices.stop(), claims.stop()]);
      recorder.stop();
      resolve();
    },
  };
}

async function rotateLogs(
  { world }: Client,
  runtime: Runtime,
  manager: PodManager,
  rotation: RotationPolicy,
): Promise<void> {
  const stamp = new Date(world.clock.now()).toISOString().slice(0, 19).replace(/[-:]/g, '').replace('T', '-');
  for (const pod of manager.pods()) {
    for (const container of (await runtime.pod(uidOf(pod))).containers) {
      await rotateLog(container, (id) => runtime.reopenLog(id), stamp, rotation).catch((error) =>
        world.log.warn({ container: container.id, error }, 'Could not rotate a log'),
      );
    }
  }
}

function unreachable({ message }: Error): RuntimeStatus {
  const problem = { ok: false, reason: 'RuntimeUnavailable', message };
  return {
    conditions: [
      { type: 'RuntimeReady', ...problem },
      { type: 'NetworkReady', ...problem },
    ],
    handlers: [],
    supplementalGroupsPolicy: false,
  };
}

/** @returns ends it */
function repeatedly({ world }: Client, ms: number, work: () => Promise<void>): () => void {
  let [stopped, cancel] = [false, () => {}];
  const again = () => {
    cancel = world.clock.after(
      ms,
      () => {
        work()
          .catch((error) => world.log.warn({ error }, 'What the kubelet looks after regularly failed'))
          .finally(() => !stopped && again());
      },
      { background: true },
    );
  };
  again();
  return () => {
    stopped = true;
    cancel();
  };
}
