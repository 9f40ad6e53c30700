/** What the managers of CPUs and of memory have in common: they give by a policy, and keep on disk who has what. */
import type { Container, Pod } from '@keelson/api/generated/types/core/v1';
import { declaredContainers } from '@keelson/api/resources/pod-parts';
import type { World } from '@keelson/client';
import { StateFile } from '../state-file.ts';
import { type Hints, NO_HINTS } from './hints.ts';
import type { AllocationHow, Provider } from './manager.ts';
import { type ExclusiveMetrics, UNCOUNTED } from './metrics.ts';
import { belongingTo } from './remembered.ts';

/** Who gets what. */
export interface ExclusivePolicy {
  /** Whether a container is to have any. */
  wants(pod: Pod, container: Container): boolean;
  hints(pod: Pod, container: Container): Hints;
  podHints(pod: Pod): Hints;
  /** @returns whether it was given any. @throws AdmissionError, Error why it cannot have it, in upstream's words */
  allocate(pod: Pod, container: Container, how: AllocationHow): boolean;
  /** Gives back what containers have that are no more. @returns whether there was any */
  release(isActive: (uid: string, container: string) => boolean): boolean;
}

export interface ExclusiveManagerOptions {
  readonly world: World;
  readonly metrics?: ExclusiveMetrics | undefined;
  /** Those that run or may run. */
  pods(): readonly Pod[];
  /** Whether all pods of the node are known. */
  ready(): boolean;
}

/** What is given, and where that is kept. */
interface Keeping<P> {
  readonly resource: 'cpu' | 'memory';
  /** Undefined: nobody has any. */
  readonly policy: P | undefined;
  readonly path: string;
  /** As it is now, for the file. */
  text(): string;
}

export class ExclusiveManager<P extends ExclusivePolicy> implements Provider {
  protected readonly policy: P | undefined;
  protected readonly metrics: ExclusiveMetrics;
  readonly #options: ExclusiveManagerOptions;
  readonly #keeping: Keeping<P>;
  readonly #file: StateFile;

  protected constructor(options: ExclusiveManagerOptions, keeping: Keeping<P>) {
    this.policy = keeping.policy;
    this.metrics = options.metrics ?? UNCOUNTED;
    this.#options = options;
    this.#keeping = keeping;
    this.#file = new StateFile(keeping.path);
  }

  wants(pod: Pod): boolean {
    const { policy } = this;
    return policy !== undefined && declaredContainers(pod.spec).some((each) => policy.wants(pod, each));
  }

  hints(pod: Pod, container: Container): Hints {
    this.release();
    return this.policy?.hints(pod, container) ?? NO_HINTS;
  }

  podHints(pod: Pod): Hints {
    this.release();
    return this.policy?.podHints(pod) ?? NO_HINTS;
  }

  /** Resolves when it is on disk. */
  async allocate(pod: Pod, container: Container, how: AllocationHow): Promise<void> {
    this.release();
    const { policy, metrics } = this;
    if (!policy?.wants(pod, container)) return;
    if (metrics.pin(this.#keeping.resource, () => policy.allocate(pod, container, how))) await this.write();
  }

  /** Whether a pod cannot be resized, as what it has is its own. */
  get isExclusive(): boolean {
    return this.policy !== undefined;
  }

  /** Resolves when what is known is on disk. */
  async stop(): Promise<void> {
    await this.#file.idle();
  }

  /** Gives back what pods had that have ended. */
  protected release(): void {
    const { ready, pods } = this.#options;
    if (ready() && this.policy?.release(belongingTo(pods()))) this.writeSoon();
  }

  protected writeSoon(): void {
    this.write().catch((error) => this.#options.world.log.error({ error }, 'Failed to store state to checkpoint'));
  }

  /** Resolves when what there is now is on disk. @throws Error */
  protected write(): Promise<void> {
    return this.#file.write(() => this.#keeping.text());
  }
}
