/**
 * The CPUs of a node: containers get their own when their pod is admitted, those that share follow as others come and go
 * (pkg/kubelet/cm/cpumanager/cpu_manager.go).
 */
import { join } from 'node:path';
import type { Pod } from '@keelson/api/generated/types/core/v1';
import { Quantity } from '@keelson/api/quantity';
import { declaredContainers } from '@keelson/api/resources/pod-parts';
import { uidOf } from '../pods/spec.ts';
import type { Runtime } from '../runtime/runtime.ts';
import { ExclusiveManager, type ExclusiveManagerOptions } from '../topology/exclusive-manager.ts';
import type { Cpu } from '../topology/machine.ts';
import { restoredFrom } from '../topology/remembered.ts';
import { CpuAssignments } from './assignments.ts';
import { CPU_STATE, formatCpuState, parseCpuState } from './checkpoint.ts';
import { type CpuSet, common, formatCpus, isEqual, NO_CPUS, parseCpus, union, without } from './set.ts';
import { allOf, choose, StaticCpus, type StaticOptions } from './static.ts';

export interface CpuSettings extends StaticOptions {
  readonly policy: 'none' | 'static';
  /** Those that are nobody's own, by name; undefined: as many as are kept from pods. */
  readonly reserved?: CpuSet | undefined;
  /** How often those that share are looked at. */
  readonly reconcileMs: number;
}

export interface CpuManagerOptions extends ExclusiveManagerOptions {
  readonly settings: CpuSettings;
  readonly machine: readonly Cpu[];
  /** Of CPU, kept from pods. */
  readonly kept: string | undefined;
  /** Of the kubelet. */
  readonly directory: string;
  readonly runtime: Pick<Runtime, 'pod' | 'updateContainer'>;
}

export class CpuManager extends ExclusiveManager<StaticCpus> {
  readonly #options: CpuManagerOptions;
  /** What containers were given last, by their ids. */
  readonly #given = new Map<string, CpuSet>();

  private constructor(options: CpuManagerOptions, policy: StaticCpus | undefined, assignments: CpuAssignments) {
    const path = join(options.directory, CPU_STATE);
    super(options, { resource: 'cpu', policy, path, text: () => formatCpuState(options.settings.policy, assignments) });
    this.#options = options;
  }

  /** With what a kubelet before has left. @throws Error where that does not fit the machine or the settings */
  static async start(options: CpuManagerOptions): Promise<CpuManager> {
    const { settings, machine, directory } = options;
    const { policy } = settings;
    const online = allOf(machine);
    if (settings.reserved && common(settings.reserved, online).size < settings.reserved.size) {
      const asked = formatCpus(settings.reserved);
      throw new Error(`reserved-cpus: ${asked} is not a subset of online-cpus: ${formatCpus(online)}`);
    }
    const reserved = policy === 'static' ? reservedOf(options) : NO_CPUS;
    const found = await restoredFrom(join(directory, CPU_STATE), 'CPU', (text) => parseCpuState(text, policy));
    const isNew = !found || (found.shared.size === 0 && [...found.entries()].length === 0);
    const shared = isNew && policy === 'static' ? StaticCpus.shared(machine, reserved, settings) : undefined;
    const assignments = shared ? new CpuAssignments(shared) : (found ?? new CpuAssignments(NO_CPUS));
    const cpus = policy === 'static' ? new StaticCpus(machine, reserved, settings, assignments) : undefined;
    try {
      cpus?.validate();
    } catch (error) {
      throw new Error(`start cpu manager error: ${(error as Error).message}`, { cause: error });
    }
    const manager = new CpuManager(options, cpus, assignments);
    manager.#count();
    if (isNew) await manager.write();
    return manager;
  }

  /** A container's own. */
  own(uid: string, container: string): CpuSet {
    return this.policy?.assignments.of(uid, container) ?? NO_CPUS;
  }

  /** On which a container may run; undefined: on all. */
  listFor(uid: string, container: string): string | undefined {
    return this.policy && formatCpus(this.#for(this.policy, uid, container));
  }

  /** Whether the pod, or one of its containers, has CPUs that are nobody else's. */
  hasOwn({ metadata, spec }: Pod, container?: string): boolean {
    const all = declaredContainers(spec);
    const asked = container === undefined ? all.map(({ name }) => name) : [container];
    return asked.some((name) => this.own(metadata.uid ?? '', name).size > 0);
  }

  /** What can be somebody's own. */
  get allocatable(): CpuSet {
    return this.policy?.allocatable ?? NO_CPUS;
  }

  /** Containers run where they may, as that is now. */
  async reconcile(): Promise<void> {
    const { runtime, pods, world } = this.#options;
    if (!this.policy) return;
    this.release();
    const seen = new Set<string>();
    for (const pod of pods()) {
      for (const { id, metadata, state, resources } of (await runtime.pod(uidOf(pod))).containers) {
        if (state.type !== 'running') continue;
        seen.add(id);
        const wanted = this.#for(this.policy, uidOf(pod), metadata.name);
        const has = resources?.cpusetCpus ? parseCpus(resources.cpusetCpus) : this.#given.get(id);
        if (has && isEqual(has, wanted)) continue;
        await runtime.updateContainer(id, { cpusetCpus: formatCpus(wanted) }).then(
          () => this.#given.set(id, wanted),
          (error) => world.log.warn({ container: id, error }, 'Could not move a container to its CPUs'),
        );
      }
    }
    for (const id of this.#given.keys()) if (!seen.has(id)) this.#given.delete(id);
  }

  protected override write(): Promise<void> {
    this.#count();
    return super.write();
  }

  #for({ assignments }: StaticCpus, uid: string, container: string): CpuSet {
    return assignments.of(uid, container) ?? assignments.shared;
  }

  #count(): void {
    if (!this.policy) return;
    const { assignments, reserved } = this.policy;
    const own = union(...Array.from(assignments.entries(), ({ cpus }) => cpus));
    this.metrics.cpus(without(assignments.shared, reserved).size, own.size);
  }
}

function reservedOf({ settings, machine, kept }: CpuManagerOptions): CpuSet {
  if (kept === undefined) {
    throw new Error('[cpumanager] unable to determine reserved CPU resources for static policy');
  }
  const count = Math.ceil(Number(Quantity.parse(kept).milliValue()) / 1000);
  const isTooFew = count > machine.length;
  const reserved = settings.reserved ?? (isTooFew ? NO_CPUS : choose(machine, allOf(machine), count, settings));
  if (reserved.size === count) return reserved;
  const sizes = `(size of ${formatCpus(reserved)} did not equal ${count})`;
  throw new Error(`new static policy error: [cpumanager] unable to reserve the required amount of CPUs ${sizes}`);
}
