/**
 * Gives pods what is theirs alone on this machine, devices, CPUs, memory, when they are admitted, and sees to it that all
 * of it is near to each other (pkg/kubelet/cm/topologymanager). One pod after the other.
 */
import type { Container, Pod } from '@keelson/api/generated/types/core/v1';
import { declaredContainers } from '@keelson/api/resources/pod-parts';
import { Mutex } from '@keelson/component/promises';
import type { Rejection } from '../pods/admission.ts';
import type { Hints, Nodes } from './hints.ts';
import type { NumaNode } from './machine.ts';
import { affinityOf, type PolicyOptions } from './policy.ts';

/** Who has something to give. */
export interface Provider {
  /** Whether the pod wants any of it. */
  wants(pod: Pod): boolean;
  hints(pod: Pod, container: Container): Hints;
  /** Of all containers of the pod together. */
  podHints(pod: Pod): Hints;
  /** @throws AdmissionError, Error why it cannot be had */
  allocate(pod: Pod, container: Container, how: AllocationHow): Promise<void>;
}

export interface AllocationHow {
  /** Where it is to come from, if it can; undefined: from anywhere. */
  readonly nodes: Nodes | undefined;
  /** No fewer nodes would do. */
  readonly preferred: boolean;
  /** It was asked for before all pods of the node were known. */
  readonly early: boolean;
}

/** A pod is rejected for a reason of its own. */
export class AdmissionError extends Error {
  override readonly name = 'AdmissionError';
  readonly reason: string;

  constructor(reason: string, message: string) {
    super(message);
    this.reason = reason;
  }
}

export interface TopologyOptions extends PolicyOptions {
  /** What is to be near to each other. */
  readonly scope: 'container' | 'pod';
  /** More of them are refused: their combinations are too many. */
  readonly maxNodes: number;
}

export const ANYWHERE: TopologyOptions = { policy: 'none', preferClosest: false, scope: 'container', maxNodes: 8 };

export class TopologyManager {
  readonly #options: TopologyOptions;
  readonly #numa: readonly NumaNode[];
  readonly #providers: readonly Provider[];
  readonly #ready: () => boolean;
  readonly #allocations = new Mutex();

  /**
   * @param providers in the order in which they give
   * @param ready whether all pods of the node are known
   * @throws Error where there are too many nodes
   */
  constructor(
    options: TopologyOptions,
    numa: readonly NumaNode[],
    providers: readonly Provider[],
    ready: () => boolean,
  ) {
    if (options.policy !== 'none' && numa.length > options.maxNodes) {
      throw new Error(`unsupported on machines with more than ${options.maxNodes} NUMA Nodes`);
    }
    this.#options = options;
    this.#numa = numa;
    this.#providers = providers;
    this.#ready = ready;
  }

  /**
   * What a pod has got that is rejected is given back when the next one wants some.
   * @returns undefined where the pod wants nothing; otherwise why it cannot have it, if it cannot
   */
  allocate(pod: Pod): Promise<Rejection | undefined> | undefined {
    if (!this.#providers.some((each) => each.wants(pod))) return undefined;
    // By the pod's turn all of them may be known.
    const early = !this.#ready();
    return this.#allocations.run(() => this.#allocate(pod, early)).then(() => undefined, rejectionOf);
  }

  async #allocate(pod: Pod, early: boolean): Promise<void> {
    const { scope } = this.#options;
    const ofPod = scope === 'pod' ? this.#affinity((each) => each.podHints(pod)) : undefined;
    for (const container of declaredContainers(pod.spec)) {
      const { nodes, preferred } = ofPod ?? this.#affinity((each) => each.hints(pod, container));
      for (const provider of this.#providers) await provider.allocate(pod, container, { nodes, preferred, early });
    }
  }

  #affinity(ask: (provider: Provider) => Hints) {
    const { policy } = this.#options;
    const found = affinityOf(policy === 'none' ? [] : this.#providers.map(ask), this.#numa, this.#options);
    if (found.admitted) return found;
    throw new AdmissionError('TopologyAffinityError', 'Resources cannot be allocated with Topology locality');
  }
}

function rejectionOf(error: Error): Rejection {
  if (error instanceof AdmissionError) return { reason: error.reason, message: error.message };
  return {
    reason: 'UnexpectedAdmissionError',
    message: `Allocate failed due to ${error.message}, which is unexpected`,
  };
}
