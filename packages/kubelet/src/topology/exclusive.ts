/** What containers have for themselves of the machine, and what that means for how they are run. */
import type { Pod } from '@keelson/api/generated/types/core/v1';
import { qosClass } from '@keelson/api/resources/pod';
import type { World } from '@keelson/client';
import { CpuManager, type CpuManagerOptions, type CpuSettings } from '../cpus/manager.ts';
import { sorted } from '../cpus/set.ts';
import { MemoryManager, type MemorySettings } from '../memory/manager.ts';
import type { Block } from '../memory/state.ts';
import { sameAmounts } from '../pods/allocation.ts';
import { uidOf } from '../pods/spec.ts';
import type { LinuxResources } from '../runtime/linux.ts';
import type { MachineTopology } from './machine.ts';
import type { Provider } from './manager.ts';

export interface ExclusiveOptions
  extends Pick<CpuManagerOptions, 'directory' | 'runtime' | 'pods' | 'ready' | 'metrics'> {
  readonly world: World;
  readonly machine: MachineTopology;
  /** Nobody has CPUs of their own, and nothing is remembered of them, without it. */
  readonly cpus?: CpuSettings | undefined;
  /** All have memory from anywhere, and nothing is remembered of it, without it. */
  readonly memory?: MemorySettings | undefined;
  /** Of each resource, kept from pods. */
  readonly kept: Readonly<Record<string, string>>;
}

export class ExclusiveResources {
  readonly machine: MachineTopology;
  readonly #cpus: CpuManager | undefined;
  readonly #memory: MemoryManager | undefined;

  private constructor(machine: MachineTopology, cpus: CpuManager | undefined, memory: MemoryManager | undefined) {
    this.machine = machine;
    this.#cpus = cpus;
    this.#memory = memory;
  }

  /** With what a kubelet before has left. @throws Error where that does not fit the machine or the settings */
  static async start(options: ExclusiveOptions): Promise<ExclusiveResources> {
    const { machine, kept } = options;
    const cpus =
      options.cpus &&
      (await CpuManager.start({ ...options, settings: options.cpus, machine: machine.cpus, kept: kept.cpu }));
    const memory =
      options.memory && (await MemoryManager.start({ ...options, settings: options.memory, machine: machine.nodes }));
    return new ExclusiveResources(machine, cpus, memory);
  }

  /** In the order in which they are asked. */
  get providers(): Provider[] {
    return [this.#cpus, this.#memory].filter((each) => each !== undefined);
  }

  /** Where a container runs, and has its memory. */
  placeOf(pod: Pod, container: string): Pick<LinuxResources, 'cpusetCpus' | 'cpusetMems'> {
    const cpusetCpus = this.#cpus?.listFor(uidOf(pod), container);
    const cpusetMems = this.#memory?.nodesOf(uidOf(pod), container).join();
    return { ...(cpusetCpus ? { cpusetCpus } : {}), ...(cpusetMems ? { cpusetMems } : {}) };
  }

  /** A container is about to begin: what has ended before is given back. */
  begins(pod: Pod, container: string): void {
    this.#memory?.begins(pod, container);
  }

  /** Whether the pod, or one of its containers, has CPUs that are nobody else's. */
  hasCpus(pod: Pod, container?: string): boolean {
    return this.#cpus?.hasOwn(pod, container) ?? false;
  }

  /** Whether somebody has, or may have, CPUs of their own. */
  get givesCpus(): boolean {
    return this.#cpus?.isExclusive ?? false;
  }

  /** Why a pod cannot be resized, ever. @param current with what it has */
  resizeProblem(pod: Pod, current: Pod): string | undefined {
    if (qosClass(pod) !== 'Guaranteed') return undefined;
    const refused = 'Resize is infeasible for Guaranteed Pods alongside';
    if (this.givesCpus && !sameAmounts(pod, current, 'cpu')) return `${refused} CPU Manager policy "static"`;
    const isFixed = this.#memory?.isExclusive && !sameAmounts(pod, current, 'memory');
    return isFixed ? `${refused} Memory Manager policy "Static"` : undefined;
  }

  /** A container's own. */
  cpuIds(uid: string, container: string): number[] {
    return sorted(this.#cpus?.own(uid, container) ?? []);
  }

  /** Those that can be somebody's own. */
  allocatableCpuIds(): number[] {
    return sorted(this.#cpus?.allocatable ?? []);
  }

  /** Which memory a container has from where. */
  memoryOf(uid: string, container: string): readonly Block[] {
    return this.#memory?.blocksOf(uid, container) ?? [];
  }

  /** What containers can have of each node. */
  allocatableMemory(): readonly Block[] {
    return this.#memory?.allocatable() ?? [];
  }

  /** Containers run where they may, as that is now. */
  async reconcile(): Promise<void> {
    await this.#cpus?.reconcile();
  }

  /** Resolves when what is known is on disk. */
  async stop(): Promise<void> {
    await Promise.all([this.#cpus?.stop(), this.#memory?.stop()]);
  }
}
