/** The cgroup of each pod: what its containers may have together (pkg/kubelet/cm/pod_container_manager_linux.go). */
import type { Pod } from '@keelson/api/generated/types/core/v1';
import { qosClass } from '@keelson/api/resources/pod';
import type { World } from '@keelson/client';
import { uidOf } from '../pods/spec.ts';
import { type CgroupLimits, limitsOfPod, type PodLimitOptions } from './limits.ts';
import { type CgroupDriver, type CgroupName, cgroupPath, classCgroup, podCgroup, podUidOf } from './names.ts';
import type { CgroupTree, CurrentLimits } from './tree.ts';

export interface PodCgroups {
  /** What the runtime is told to make containers in. */
  parentOf(pod: Pod): string;
  /** Makes the pod's, if it is not there. @throws Error in upstream's words */
  ensure(pod: Pod): Promise<void>;
  /** Why it cannot have what it is to have: it uses more. */
  problem(pod: Pod): Promise<string | undefined>;
  /** Before its containers are resized: where it is to have more than it has, it has it from now on. @throws Error */
  grow(pod: Pod): Promise<void>;
  /** After they were: what is more than it is to have is taken back. @throws Error */
  settle(pod: Pod): Promise<void>;
  /** Takes the pod's away, with processes that are left in it. May be called again. @throws Error */
  remove(uid: string): Promise<void>;
  /** Takes away those that are empty, of pods that nobody knows. */
  removeOrphans(isKnown: (uid: string) => boolean): Promise<void>;
}

/** Somebody else makes them, or nobody does: only their names are known. */
export function namedCgroups(driver: CgroupDriver, nameOf: (pod: Pod) => CgroupName): PodCgroups {
  const nothing = () => Promise.resolve();
  return {
    parentOf: (pod) => cgroupPath(nameOf(pod), driver),
    ensure: nothing,
    problem: () => Promise.resolve(undefined),
    grow: nothing,
    settle: nothing,
    remove: nothing,
    removeOrphans: nothing,
  };
}

export interface MadeCgroupsOptions {
  readonly world: World;
  readonly tree: CgroupTree;
  readonly root: CgroupName;
  /** What a pod's is given. */
  limits(pod: Pod): PodLimitOptions;
  /** There is another pod, or one less. */
  changed(): Promise<void>;
  kill(processId: number): void;
}

const CLASSES = ['BestEffort', 'Burstable', 'Guaranteed'] as const;

/** The kubelet makes them. */
export class MadeCgroups implements PodCgroups {
  readonly #options: MadeCgroupsOptions;
  /** What they have, by uid. */
  readonly #given = new Map<string, CgroupLimits>();
  #empty: ReadonlySet<string> = new Set();

  constructor(options: MadeCgroupsOptions) {
    this.#options = options;
  }

  parentOf(pod: Pod): string {
    return cgroupPath(this.#nameOf(pod), 'cgroupfs');
  }

  async ensure(pod: Pod): Promise<void> {
    const { tree } = this.#options;
    const name = this.#nameOf(pod);
    if (!(await tree.problem(name))) {
      if (!this.#given.has(uidOf(pod))) this.#given.set(uidOf(pod), await tree.limits(name));
      return;
    }
    const wanted = this.#limitsOf(pod);
    await this.#changed();
    try {
      await tree.create(name, wanted);
    } catch (error) {
      const message = `failed to create container for [${name.join(' ')}] : ${(error as Error).message}`;
      throw new Error(message, { cause: error });
    }
    this.#given.set(uidOf(pod), wanted);
  }

  async problem(pod: Pod): Promise<string | undefined> {
    const { memory } = this.#limitsOf(pod);
    const before = this.#given.get(uidOf(pod))?.memory ?? Infinity;
    if (memory === undefined || memory >= before) return undefined;
    const { usage } = await this.#options.tree.memory(this.#nameOf(pod));
    if (usage < memory) return undefined;
    return `attempting to set pod memory limit (${memory}) below current usage (${usage})`;
  }

  async grow(pod: Pod): Promise<void> {
    const { tree } = this.#options;
    const wanted = this.#limitsOf(pod);
    if (isSame(this.#given.get(uidOf(pod)), wanted)) return;
    const name = this.#nameOf(pod);
    await tree.update(name, more(wanted, await tree.limits(name)));
  }

  async settle(pod: Pod): Promise<void> {
    const given = this.#given.get(uidOf(pod));
    const wanted = this.#limitsOf(pod);
    if (!given || isSame(given, wanted)) return;
    const problem = await this.problem(pod);
    if (problem !== undefined) throw new Error(problem);
    const { cpuShares, cpuQuota, cpuPeriod, memory } = wanted;
    await this.#options.tree.update(this.#nameOf(pod), { cpuShares, cpuQuota, cpuPeriod, memory });
    this.#given.set(uidOf(pod), wanted);
    await this.#changed();
  }

  async remove(uid: string): Promise<void> {
    const { tree, root, kill } = this.#options;
    this.#given.delete(uid);
    for (const qos of CLASSES) {
      const name = podCgroup(root, qos, uid);
      for (const id of await tree.processes(name)) kill(id);
      await tree.remove(name);
    }
    await this.#changed();
  }

  /**
   * Those in which something runs stay: they may be another kubelet's. So may one that is empty, for the moment between it and
   * its first process: it goes when it is empty still at the next look.
   */
  async removeOrphans(isKnown: (uid: string) => boolean): Promise<void> {
    const { tree, root } = this.#options;
    const empty = new Set<string>();
    for (const qos of CLASSES) {
      for (const piece of await tree.children(classCgroup(root, qos))) {
        const uid = podUidOf(piece);
        if (uid === undefined || isKnown(uid)) continue;
        const name = podCgroup(root, qos, uid);
        if ((await tree.processes(name)).length > 0) continue;
        if (this.#empty.has(uid)) await tree.remove(name);
        else empty.add(uid);
      }
    }
    this.#empty = empty;
  }

  #limitsOf(pod: Pod): CgroupLimits {
    return limitsOfPod(pod, this.#options.limits(pod));
  }

  #nameOf(pod: Pod): CgroupName {
    return podCgroup(this.#options.root, qosClass(pod), uidOf(pod));
  }

  async #changed(): Promise<void> {
    const { changed, world } = this.#options;
    await changed().catch((error) => world.log.warn({ error }, 'Failed to update QoS cgroup configuration'));
  }
}

/** What of it is more than there is. */
function more({ cpuShares = 0, cpuQuota = 0, cpuPeriod, memory = 0 }: CgroupLimits, now: CurrentLimits): CgroupLimits {
  const quota = cpuQuota < 0 ? Infinity : cpuQuota;
  return {
    ...(cpuShares > now.cpuShares ? { cpuShares } : {}),
    ...(quota > now.cpuQuota ? { cpuQuota, cpuPeriod } : {}),
    ...(memory > now.memory ? { memory } : {}),
  };
}

function isSame(a: CgroupLimits | undefined, b: CgroupLimits): boolean {
  return (
    a?.cpuShares === b.cpuShares && a?.cpuQuota === b.cpuQuota && a?.cpuPeriod === b.cpuPeriod && a?.memory === b.memory
  );
}
