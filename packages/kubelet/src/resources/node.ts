/** What a node has for its pods: what is kept from them, who has what of it alone, and what all are held to. */
import { aggregateText } from '@keelson/api/aggregate';
import type { Container, Node, ObjectReference, Pod } from '@keelson/api/generated/types/core/v1';
import type { EventRecorder, World } from '@keelson/client';
import type { MetricsRegistry } from '@keelson/component/metrics/registry';
import type { AdmittedResources } from '../assembly.ts';
import { systemFiles } from '../cgroups/files.ts';
import type { CgroupDriver } from '../cgroups/names.ts';
import { type Cgroups, startCgroups } from '../cgroups/start.ts';
import { formatCpus } from '../cpus/set.ts';
import { allOf } from '../cpus/static.ts';
import { processesNow } from '../eviction/figures.ts';
import { reservedBy, type Threshold } from '../eviction/thresholds.ts';
import { type Amounts, NOTHING_RESERVED, reservationOf } from '../node/allocatable.ts';
import { capacityOf } from '../node/description.ts';
import type { Machine } from '../node/machine.ts';
import type { KubeletOptions } from '../options.ts';
import type { PodManager } from '../pods/manager.ts';
import type { PodResources } from '../pods/services.ts';
import { uidOf } from '../pods/spec.ts';
import type { LinuxResources } from '../runtime/linux.ts';
import type { Runtime } from '../runtime/runtime.ts';
import type { SandboxConfig } from '../runtime/sandbox.ts';
import { ExclusiveResources } from '../topology/exclusive.ts';
import { readTopology } from '../topology/machine.ts';
import { ANYWHERE, type Provider, TopologyManager } from '../topology/manager.ts';
import { countingAdmissions, type ExclusiveMetrics, exclusiveMetrics, UNCOUNTED } from '../topology/metrics.ts';
import { hugePageLimits, pageSize } from './huge-pages.ts';
import { type CpuQuota, containerResources, overheadResources, sandboxResources } from './linux.ts';
import { ANY_SWAP, Swap } from './swap.ts';

export interface NodeResourcesOptions {
  readonly world: World;
  readonly recorder: EventRecorder;
  readonly node: { readonly reference: ObjectReference };
  readonly runtime: Runtime;
  readonly machine: Machine;
  readonly metrics?: MetricsRegistry | undefined;
  /** Of the kubelet. */
  readonly directory: string;
  readonly thresholds: readonly Threshold[];
  readonly driver: CgroupDriver;
  readonly settings: Pick<
    KubeletOptions,
    'reserved' | 'cgroups' | 'cpus' | 'memory' | 'topology' | 'cpuCfsQuota' | 'swap'
  >;
  manager(): PodManager;
  /** Whether all pods of the node are known. */
  ready(): boolean;
}

export class NodeResources implements PodResources {
  /** What pods cannot have. */
  readonly reserved: Amounts;
  readonly exclusive: ExclusiveResources;
  readonly cgroups: Cgroups;
  readonly #swap: Swap;
  readonly #options: NodeResourcesOptions;
  readonly #counts: ExclusiveMetrics;
  readonly #pageSizes: readonly string[];

  private constructor(
    options: NodeResourcesOptions,
    counts: ExclusiveMetrics,
    swap: Swap,
    { reserved, exclusive, cgroups }: Pick<NodeResources, 'reserved' | 'exclusive' | 'cgroups'>,
  ) {
    this.#options = options;
    this.#counts = counts;
    this.#swap = swap;
    this.#pageSizes = [...options.machine.hugePages.keys()].map((size) => pageSize(BigInt(size)));
    this.reserved = reserved;
    this.exclusive = exclusive;
    this.cgroups = cgroups;
  }

  /** With what a kubelet before has left. @throws Error for settings that the machine is not fit for */
  static async start(options: NodeResourcesOptions): Promise<NodeResources> {
    const { settings, machine, manager } = options;
    const swap = await Swap.start({ ...options, settings: settings.swap ?? ANY_SWAP, files: systemFiles });
    const reservations = settings.reserved ?? NOTHING_RESERVED;
    const capacity = capacityOf(machine);
    const reserved = reservationOf(reservations, reservedBy(options.thresholds, machine), capacity);
    const counts = options.metrics ? exclusiveMetrics(options.metrics) : UNCOUNTED;
    const exclusive = await ExclusiveResources.start({
      ...options,
      metrics: counts,
      machine: await readTopology(machine.memoryBytes),
      cpus: settings.cpus,
      memory: settings.memory,
      kept: reserved,
      pods: () => manager().holders(),
    });
    const processes = await processesNow();
    const cgroups = await startCgroups({
      ...options,
      settings: settings.cgroups,
      reserved: reservations,
      capacity: { ...capacity, ...(processes ? { pid: String(processes.max) } : {}) },
      cpus: exclusive.givesCpus ? '' : formatCpus(allOf(exclusive.machine.cpus)),
      cpuQuota: (pod) => quotaOf(settings, exclusive, pod) === 'limited',
      pods: () => manager().active(),
    });
    return new NodeResources(options, counts, swap, { reserved, exclusive, cgroups });
  }

  /** What pods are given when they are admitted. @param devices come before all else */
  admission(devices: Provider & { nodeFor(pod: Pod, node: Node): Node }): AdmittedResources {
    const { settings, world, ready } = this.#options;
    const { machine, providers } = this.exclusive;
    const topology = new TopologyManager(settings.topology ?? ANYWHERE, machine.nodes, [devices, ...providers], ready);
    return {
      allocate: countingAdmissions((pod) => topology.allocate(pod), this.#counts, world.clock),
      nodeFor: (pod, node) => devices.nodeFor(pod, node),
      resizeProblem: (pod, current) =>
        this.#swap.resizeProblem(pod, current) ?? this.exclusive.resizeProblem(pod, current),
    };
  }

  ofContainer(pod: Pod, container: Container): LinuxResources {
    const { settings, machine } = this.#options;
    const quota = quotaOf(settings, this.exclusive, pod, container.name);
    const own = containerResources(pod, container, machine.memoryBytes, quota);
    return {
      ...own,
      ...this.#swap.resourcesOf(pod, container, own),
      hugepageLimits: hugePageLimits(pod, container, this.#pageSizes),
      ...this.exclusive.placeOf(pod, container.name),
    };
  }

  ofSandbox(pod: Pod): Pick<SandboxConfig['linux'], 'overhead' | 'resources'> {
    const quota = quotaOf(this.#options.settings, this.exclusive, pod);
    return { overhead: overheadResources(pod, quota), resources: sandboxResources(pod, quota) };
  }

  async shrinkProblem(pod: Pod, limits: ReadonlyMap<string, number>): Promise<string | undefined> {
    const ofPod = await this.cgroups.pods.problem(pod);
    const stats = limits.size > 0 ? await this.#options.runtime.stats() : [];
    const own = stats.find(({ uid }) => uid === uidOf(pod))?.containers ?? [];
    const problems = own.map(({ name, memory }) => {
      const [limit, usage] = [limits.get(name), memory?.usageBytes];
      if (limit === undefined) return undefined;
      if (usage === undefined) return `missing container ${JSON.stringify(name)} memory usage`;
      if (usage < limit) return undefined;
      return `attempting to set container ${JSON.stringify(name)} memory limit (${limit}) below current usage (${usage})`;
    });
    const all = [ofPod, ...problems].filter((problem) => problem !== undefined);
    return all.length === 0 ? undefined : aggregateText(all);
  }

  grow(pod: Pod): Promise<void> {
    return this.cgroups.pods.grow(pod);
  }

  settle(pod: Pod): Promise<void> {
    return this.cgroups.pods.settle(pod);
  }

  async stop(): Promise<void> {
    await Promise.all([this.cgroups.stop(), this.exclusive.stop()]);
  }
}

/** CPUs of one's own are all of one's own. */
function quotaOf(
  { cpuCfsQuota = true }: NodeResourcesOptions['settings'],
  exclusive: ExclusiveResources,
  pod: Pod,
  container?: string,
): CpuQuota {
  if (!cpuCfsQuota) return 'off';
  return exclusive.hasCpus(pod, container) ? 'unlimited' : 'limited';
}
