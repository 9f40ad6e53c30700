/** Who has which CPUs (pkg/kubelet/cm/cpumanager/state). */
import { type CpuSet, union, without } from './set.ts';

export class CpuAssignments {
  /** Of all containers that have none of their own. */
  shared: CpuSet;
  /** By pod's uid and container's name. */
  readonly #own: Map<string, Map<string, CpuSet>>;

  constructor(shared: CpuSet, own: Iterable<readonly [uid: string, containers: Map<string, CpuSet>]> = []) {
    this.shared = shared;
    this.#own = new Map(own);
  }

  of(uid: string, container: string): CpuSet | undefined {
    return this.#own.get(uid)?.get(container);
  }

  /** It has them from now on, and nobody else but others of its pod. */
  give(uid: string, container: string, cpus: CpuSet): void {
    const containers = this.#own.get(uid) ?? new Map<string, CpuSet>();
    this.#own.set(uid, containers.set(container, cpus));
    this.shared = without(this.shared, cpus);
  }

  /** What others of the pod have stays theirs. */
  release(uid: string, container: string): void {
    const containers = this.#own.get(uid);
    const cpus = containers?.get(container);
    if (!containers || !cpus) return;
    containers.delete(container);
    if (containers.size === 0) this.#own.delete(uid);
    this.shared = union(this.shared, without(cpus, union(...containers.values())));
  }

  *entries(): Iterable<{ readonly uid: string; readonly container: string; readonly cpus: CpuSet }> {
    for (const [uid, containers] of this.#own) {
      for (const [container, cpus] of containers) yield { uid, container, cpus };
    }
  }
}
