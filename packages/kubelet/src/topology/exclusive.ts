/** What containers have for themselves of the machine, and what that means for how they are run. */
import type { Pod } from '@keelson/api/generated/types/core/v1';
import { qosClass } from '@keelson/api/resources/pod';
import type { World } from '@keelson/client';
import { CpuManager, type CpuManagerOptions, type CpuSettings } from '../cpus/manager.ts';
import { sorted } from '../cpus/set.ts';
import { sameAmounts } from '../pods/allocation.ts';
import { uidOf } from '../pods/spec.ts';
import type { LinuxResources } from '../runtime/linux.ts';
import type { MachineTopology } from './machine.ts';
import type { Provider } from './manager.ts';

export interface ExclusiveOptions extends Pick<CpuManagerOptions, 'directory' | 'runtime' | 'pods' | 'ready' | 'kept'> {
  readonly world: World;
  readonly machine: MachineTopology;
  /** Nobody has CPUs of their own, and nothing is remembered of them, without it. */
  readonly cpus?: CpuSettings | undefined;
}

export class ExclusiveResources {
  readonly machine: MachineTopology;
  readonly #cpus: CpuManager | undefined;

  private constructor(machine: MachineTopology, cpus: CpuManager | undefined) {
    this.machine = machine;
    this.#cpus = cpus;
  }

  /** With what a kubelet before has left. @throws Error where that does not fit the machine or the settings */
  static async start(options: ExclusiveOptions): Promise<ExclusiveResources> {
    const { machine, cpus: settings } = options;
    const cpus = settings && (await CpuManager.start({ ...options, settings, machine: machine.cpus }));
    return new ExclusiveResources(machine, cpus);
  }

  /** In the order in which they are asked. */
  get providers(): Provider[] {
    return this.#cpus ? [this.#cpus] : [];
  }

  /** Where a container runs. */
  placeOf(pod: Pod, container: string): Pick<LinuxResources, 'cpusetCpus'> {
    const cpusetCpus = this.#cpus?.listFor(uidOf(pod), container);
    return cpusetCpus ? { cpusetCpus } : {};
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
    if (qosClass(pod) !== 'Guaranteed' || !this.givesCpus || sameAmounts(pod, current, 'cpu')) return undefined;
    return 'Resize is infeasible for Guaranteed Pods alongside CPU Manager policy "static"';
  }

  /** A container's own. */
  cpuIds(uid: string, container: string): number[] {
    return sorted(this.#cpus?.own(uid, container) ?? []);
  }

  /** Those that can be somebody's own. */
  allocatableCpuIds(): number[] {
    return sorted(this.#cpus?.allocatable ?? []);
  }

  /** Containers run where they may, as that is now. */
  async reconcile(): Promise<void> {
    await this.#cpus?.reconcile();
  }

  /** Resolves when what is known is on disk. */
  async stop(): Promise<void> {
    await this.#cpus?.stop();
  }
}
