/**
 * Gives containers CPUs of their own: those of guaranteed pods that ask for whole ones. Others share what is left
 * (pkg/kubelet/cm/cpumanager/policy_static.go).
 */
import type { Container, Pod } from '@keelson/api/generated/types/core/v1';
import { Quantity } from '@keelson/api/quantity';
import { hasPodLevelResources, isSidecar, qosClass, sumContainers } from '@keelson/api/resources/pod';
import { declaredContainers } from '@keelson/api/resources/pod-parts';
import { uidOf } from '../pods/spec.ts';
import type { ExclusivePolicy } from '../topology/exclusive-manager.ts';
import { type Hint, type Hints, hintsFor, includes, NO_HINTS, type Nodes } from '../topology/hints.ts';
import type { Cpu } from '../topology/machine.ts';
import { AdmissionError, type AllocationHow } from '../topology/manager.ts';
import type { CpuAssignments } from './assignments.ts';
import { takeCpus } from './choose.ts';
import { distributeCpus } from './distribute.ts';
import { type CpuSet, common, formatCpus, isEqual, NO_CPUS, union, without } from './set.ts';

export interface StaticOptions {
  /** Only whole cores are given. */
  readonly wholeCores: boolean;
  /** Nobody runs on what is reserved, those that share CPUs neither. */
  readonly strict: boolean;
  /** Of several nodes as much of each. */
  readonly distribute: boolean;
  /** Cores that share a cache rather than others. */
  readonly byCache: boolean;
}

/** Those that are taken together, as the options want it. @throws Error where there are not as many */
export function choose(
  machine: readonly Cpu[],
  available: CpuSet,
  count: number,
  { distribute, wholeCores, byCache }: StaticOptions,
): CpuSet {
  if (!distribute) return takeCpus(machine, available, count, byCache);
  return distributeCpus(machine, available, count, wholeCores ? threadsOf(machine) : 1);
}

/** Of a core. */
function threadsOf(machine: readonly Cpu[]): number {
  return Math.floor(machine.length / new Set(machine.map(({ core }) => core)).size);
}

export class StaticCpus implements ExclusivePolicy {
  readonly assignments: CpuAssignments;
  /** What is never anybody's own. */
  readonly reserved: CpuSet;
  readonly #machine: readonly Cpu[];
  readonly #options: StaticOptions;

  constructor(machine: readonly Cpu[], reserved: CpuSet, options: StaticOptions, assignments: CpuAssignments) {
    this.#machine = machine;
    this.#options = options;
    this.reserved = reserved;
    this.assignments = assignments;
  }

  /** What all share before anybody has their own. */
  static shared(machine: readonly Cpu[], reserved: CpuSet, { strict }: StaticOptions): CpuSet {
    const all = allOf(machine);
    return strict ? without(all, reserved) : all;
  }

  /** What can be somebody's own. */
  get allocatable(): CpuSet {
    return without(allOf(this.#machine), this.reserved);
  }

  /** How many a container is to have as its own. */
  wanted(pod: Pod, container: Container): number {
    // Containers of pods that ask as a whole share.
    if (qosClass(pod) !== 'Guaranteed' || hasPodLevelResources(pod.spec)) return 0;
    const milli = Number(Quantity.parse(container.resources?.requests?.cpu ?? '0').milliValue());
    return milli % 1000 === 0 ? milli / 1000 : 0;
  }

  wants(pod: Pod, container: Container): boolean {
    return this.wanted(pod, container) > 0;
  }

  hints(pod: Pod, container: Container): Hints {
    const count = this.wanted(pod, container);
    if (count === 0) return NO_HINTS;
    const held = this.assignments.of(uidOf(pod), container.name);
    if (held) return ofCpus(held.size === count ? this.#hints(held, NO_CPUS, count) : []);
    return ofCpus(this.#hints(this.#available(), this.#reusable(pod, container.name), count));
  }

  podHints(pod: Pod): Hints {
    const totals = sumContainers(pod.spec, (each) => [['cpu', Quantity.of(this.wanted(pod, each))]]);
    const count = Number(totals.get('cpu')?.value() ?? 0n);
    if (count === 0) return NO_HINTS;
    const held = declaredContainers(pod.spec).flatMap((container) => {
      const cpus = this.assignments.of(uidOf(pod), container.name);
      return cpus ? [{ cpus, wanted: this.wanted(pod, container) }] : [];
    });
    if (held.some(({ cpus, wanted }) => cpus.size !== wanted)) return ofCpus([]);
    const own = union(...held.map(({ cpus }) => cpus));
    if (own.size === count) return ofCpus(this.#hints(own, NO_CPUS, count));
    return ofCpus(this.#hints(this.#available(), own, count));
  }

  /** @returns whether it was given any @throws AdmissionError, Error why it cannot have them */
  allocate(pod: Pod, container: Container, { nodes }: Pick<AllocationHow, 'nodes'>): boolean {
    const count = this.wanted(pod, container);
    if (count === 0) return false;
    if (this.#options.wholeCores) this.#checkCores(count);
    if (this.assignments.of(uidOf(pod), container.name)) return false;
    const available = union(this.#available(), this.#reusable(pod, container.name));
    const near = nodes === undefined ? NO_CPUS : this.#on(available, nodes);
    const take = (from: CpuSet, amount: number) => choose(this.#machine, from, amount, this.#options);
    const first = take(near, Math.min(count, near.size));
    const rest = take(without(available, first), count - first.size);
    this.assignments.give(uidOf(pod), container.name, union(first, rest));
    return true;
  }

  /** Gives back what containers have that are no more. @returns whether there was any */
  release(isActive: (uid: string, container: string) => boolean): boolean {
    const ended = [...this.assignments.entries()].filter(({ uid, container }) => !isActive(uid, container));
    for (const { uid, container } of ended) this.assignments.release(uid, container);
    return ended.length > 0;
  }

  /** What is remembered must be of this machine. @throws Error in upstream's words */
  validate(): void {
    const { shared } = this.assignments;
    const both = common(this.reserved, shared);
    if (this.#options.strict && both.size > 0) {
      throw new Error(
        `some of strictly reserved cpus: "${formatCpus(both)}" are present in defaultCpuSet: "${formatCpus(shared)}"`,
      );
    }
    if (!this.#options.strict && !isEqual(both, this.reserved)) {
      throw new Error(
        `not all reserved cpus: "${formatCpus(this.reserved)}" are present in defaultCpuSet: "${formatCpus(shared)}"`,
      );
    }
    const own = [...this.assignments.entries()];
    for (const { uid, container, cpus } of own) {
      if (common(cpus, shared).size === 0) continue;
      const what = `pod: ${uid}, container: ${container} cpuset: "${formatCpus(cpus)}"`;
      throw new Error(`${what} overlaps with default cpuset "${formatCpus(shared)}"`);
    }
    const known = union(shared, ...own.map(({ cpus }) => cpus));
    const all = StaticCpus.shared(this.#machine, this.reserved, this.#options);
    if (isEqual(known, all)) return;
    throw new Error(
      `current set of available CPUs "${formatCpus(all)}" doesn't match with CPUs in state "${formatCpus(known)}"`,
    );
  }

  #available(): CpuSet {
    return without(this.assignments.shared, this.reserved);
  }

  /** What init containers before this one have, and no container since: they end before it begins. */
  #reusable(pod: Pod, container: string): CpuSet {
    let free = NO_CPUS;
    const init = new Set((pod.spec?.initContainers ?? []).filter((each) => !isSidecar(each)));
    for (const each of declaredContainers(pod.spec)) {
      if (each.name === container) break;
      const cpus = this.assignments.of(uidOf(pod), each.name) ?? NO_CPUS;
      free = init.has(each) ? union(free, cpus) : without(free, cpus);
    }
    return free;
  }

  /** Where so many can come from, so that those of the pod's own that come again are among them. */
  #hints(available: CpuSet, again: CpuSet, count: number): Hint[] {
    return hintsFor({
      nodes: [...new Set(this.#machine.map(({ node }) => node))].sort((a, b) => a - b),
      count,
      all: (nodes) => this.#on(allOf(this.#machine), nodes).size,
      free: (nodes) => {
        const own = this.#on(again, nodes).size;
        return own < again.size ? undefined : own + this.#on(without(available, again), nodes).size;
      },
    });
  }

  #on(cpus: CpuSet, nodes: Nodes): CpuSet {
    return new Set(this.#machine.filter(({ id, node }) => cpus.has(id) && includes(nodes, node)).map(({ id }) => id));
  }

  #checkCores(count: number): void {
    const perCore = threadsOf(this.#machine);
    const error = (message: string) => new AdmissionError('SMTAlignmentError', `SMT Alignment Error: ${message}`);
    if (count % perCore !== 0) throw error(`requested ${count} cpus not multiple cpus per core = ${perCore}`);
    const reserved = new Set(this.#machine.filter(({ id }) => this.reserved.has(id)).map(({ core }) => core));
    const free = this.#machine.filter(({ id, core }) => this.assignments.shared.has(id) && !reserved.has(core)).length;
    if (count <= free) return;
    const figures = `available physical CPUs = ${free}, requested CPUs = ${count}, CPUs per core = ${perCore}`;
    throw error(`not enough free physical CPUs: ${figures}`);
  }
}

const ofCpus = (hints: readonly Hint[]): Hints => new Map([['cpu', hints]]);

export function allOf(machine: readonly Cpu[]): CpuSet {
  return new Set(machine.map(({ id }) => id));
}
