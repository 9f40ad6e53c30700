/** The parts of the kubelet of a real node, put together. What of them begins when, and ends, stands in `kubelet.ts`. */

import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Node } from '@keelson/api/generated/types/core/v1';
import { ApiEventRecorder, InformerFactory } from '@keelson/client';
import { isEnabledByDefault } from '@keelson/component/featuregate/featuregate';
import { type Assembly, assemble } from './assembly.ts';
import { driversOf } from './drivers.ts';
import { PodObjects } from './environment/objects.ts';
import { MachineFigures } from './eviction/figures.ts';
import { EVICTION, housekeepingOf } from './housekeeping.ts';
import { IMAGE_COLLECTION } from './images/collector.ts';
import { pullsOf } from './images/pulls.ts';
import { hookRunner } from './lifecycle/hooks.ts';
import { nodeReference } from './node/agent.ts';
import { networkProblem } from './node/description.ts';
import { defaultAddresses, readMachine } from './node/machine.ts';
import { RuntimeHealth } from './node/runtime-health.ts';
import type { KubeletOptions } from './options.ts';
import type { PodManager } from './pods/manager.ts';
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
import { PodTokens } from './volumes/tokens.ts';
import { registerVolumeMetrics } from './volumes/volume-metrics.ts';

const RESYNC_MS = 60_000;
const LOGS_DIRECTORY = '/var/log/pods';

/** What parts ask of those that are made after them. */
export interface Later {
  /** The node as it was seen last. */
  node(): Node | undefined;
  /** Whether all pods of the node are known. */
  knowsAllPods(): boolean;
  /** The node has other things to say of itself. */
  updateNode(): void;
  /** What was left for a driver can be done now. */
  removeOrphans(): void;
}

type Surroundings = Awaited<ReturnType<typeof surroundingsOf>>;

/** What the kubelet finds where it starts, and what its parts share. */
async function surroundingsOf({ client, nodeName, runtime, rootDirectory, nodeIps }: KubeletOptions) {
  for (const folder of ['pods', 'plugins']) {
    await mkdir(join(rootDirectory, folder), { recursive: true, mode: 0o750 });
  }
  const informers = new InformerFactory(client);
  return {
    version: await runtime.version(),
    machine: await readMachine(rootDirectory),
    addresses: nodeIps ?? defaultAddresses(),
    health: await RuntimeHealth.of(runtime),
    recorder: new ApiEventRecorder({ client, source: { component: 'kubelet', host: nodeName }, api: 'v1' }),
    informers,
    pods: informers.informer('pods', { fieldSelector: `spec.nodeName=${nodeName}` }),
    services: informers.informer('services'),
    tokens: new PodTokens(client),
  };
}

type Provisions = Awaited<ReturnType<typeof provisionsOf>>;

export interface Parts extends Surroundings, Provisions, ReturnType<typeof caretakersOf> {
  readonly probeMetrics: ProbeMetrics;
  readonly assembly: Assembly;
}

interface Wiring extends Later {
  manager(): PodManager;
  /** Addresses of a pod, as far as they are known. */
  podIps(uid: string): readonly string[];
}

/** With what a kubelet before has left. Nothing is begun yet. */
export async function partsOf(options: KubeletOptions, later: Later): Promise<Parts> {
  const surroundings = await surroundingsOf(options);
  const wiring: Wiring = {
    ...later,
    manager: () => assembly.manager,
    podIps: (uid) => (assembly.services.status.get(uid)?.podIPs ?? []).map(({ ip }) => ip),
  };
  const provisions = await provisionsOf(options, wiring, surroundings);
  const caretakers = caretakersOf(options, wiring, surroundings, provisions);
  const probeMetrics = new ProbeMetrics();
  const parts = { ...surroundings, ...provisions, ...caretakers, probeMetrics };
  const assembly = assemblyOf(options, wiring, parts);
  return { ...parts, assembly };
}

/** What pods get of this node. */
async function provisionsOf(options: KubeletOptions, wiring: Wiring, surroundings: Surroundings) {
  const { client, nodeName, runtime, rootDirectory, metrics } = options;
  const { world } = client;
  const { machine, addresses, health, recorder, informers, services, tokens } = surroundings;
  const { node, manager, knowsAllPods, updateNode } = wiring;
  const objects = new PodObjects(client, (uid) => manager().wake(uid));
  const resources = await NodeResources.start({
    world,
    recorder,
    node: nodeReference(nodeName),
    runtime,
    machine,
    metrics,
    directory: rootDirectory,
    thresholds: evictionOf(options).thresholds,
    driver: health.status.cgroupDriver ?? options.cgroupDriver ?? 'cgroupfs',
    settings: options,
    manager,
    ready: knowsAllPods,
  });
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
    exclusive: resources.exclusive,
    node,
    manager,
    knowsAllPods,
    changed: updateNode,
    driversChanged: wiring.removeOrphans,
  });
  const logsDirectory = options.podLogsDirectory ?? LOGS_DIRECTORY;
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
    node,
    hostIps: () => addresses,
    podIps: wiring.podIps,
  });
  const { volumes } = preparation;
  const figures = new MachineFigures({
    clock: world.clock,
    runtime,
    rootDirectory,
    logsDirectory,
    volumes: (uid) => volumes.of(uid),
    podDirectory: (uid) => volumes.podDirectory(uid),
    podsMemory: () => resources.cgroups.memory(),
    foldersMs: options.foldersMs,
  });
  if (metrics) registerVolumeMetrics(metrics, figures, (uid) => manager().get(uid));
  const pulls = await pullsOf({ client, settings: options, objects, tokens });
  return { objects, resources, drivers, preparation, figures, pulls };
}

/** Who looks after the node as a whole. */
function caretakersOf(
  options: KubeletOptions,
  { manager, updateNode }: Wiring,
  { recorder }: Surroundings,
  { figures, pulls }: Pick<Provisions, 'figures' | 'pulls'>,
) {
  const { client, nodeName, runtime, metrics } = options;
  const { world } = client;
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
        .catch((error) => world.log.warn({ error }, 'Records of pulled images were not cleaned up')),
    eviction: evictionOf(options),
    manager,
    changed: updateNode,
  });
  const shutdown = new NodeShutdown({
    world,
    recorder,
    node: nodeReference(nodeName),
    periods: options.shutdownPeriods ?? [],
    logind: systemdLogind(),
    directory: options.rootDirectory,
    metrics,
    pods: () => manager().active(),
    evict: (uid, notice) => manager().evict(uid, notice),
    phaseOf: (uid) => manager().worker(uid)?.state.phase,
    changed: updateNode,
  });
  return { housekeeping, shutdown };
}

const evictionOf = ({ eviction }: KubeletOptions) => eviction ?? EVICTION;

/** What makes pods run, of the parts that it asks. */
function assemblyOf(options: KubeletOptions, { node, manager }: Wiring, parts: Omit<Parts, 'assembly'>): Assembly {
  const { client, nodeName, runtime, metrics } = options;
  const { world } = client;
  const { recorder, version, health, resources, drivers, housekeeping, shutdown, probeMetrics } = parts;
  const appArmor = hasAppArmor();
  const probes = new ProbeManager({
    metrics: probeMetrics,
    world,
    recorder,
    run: probeRunner(runtime),
    changed: (uid) => manager().wake(uid),
  });
  return assemble({
    client,
    recorder,
    runtime,
    runtimeName: version.name,
    metrics,
    tracing: options.tracing,
    ...parts.preparation,
    probes,
    hooks: hookRunner({ runtime, world, recorder }),
    images: parts.pulls,
    crashBackoff: options.crashLoop ?? {},
    isEnabled: options.isEnabled ?? isEnabledByDefault,
    networkProblem: () => networkProblem(health.status),
    resyncMs: RESYNC_MS,
    node,
    resources: resources.admission(drivers.devices.manager),
    alsoAdmit: (pod) =>
      housekeeping.admit(pod) ??
      admitSysctls(pod, options.allowedUnsafeSysctls ?? []) ??
      admitAppArmor(pod, appArmor) ??
      shutdown.admit(),
    mirrors: new MirrorPods({
      client,
      world,
      node: () => {
        const own = node();
        return own && { name: nodeName, uid: own.metadata.uid! };
      },
    }),
  });
}
