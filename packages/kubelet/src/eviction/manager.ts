/**
 * Ends pods before the node runs out of what all of them need, one at a time, and says so in the node's conditions
 * (pkg/kubelet/eviction/eviction_manager.go). docs/kubelet.md tells the order of things.
 */
import type { ObjectReference, Pod, PodCondition } from '@keelson/api/generated/types/core/v1';
import { qosClass } from '@keelson/api/resources/pod';
import { toleratesTaint } from '@keelson/api/resources/tolerations';
import type { EventRecorder, World } from '@keelson/client';
import type { Pressure } from '../node/description.ts';
import type { Rejection } from '../pods/admission.ts';
import { isCritical, uidOf } from '../pods/spec.ts';
import { terminationByKubelet } from '../status/conditions.ts';
import { storageExcess } from './local-storage.ts';
import { type Explanation, explain } from './message.ts';
import { AT_EASE, assess, mostUrgent, type PressureState } from './pressure.ts';
import { rank } from './ranking.ts';
import { type Figures, hasOwnImageDisk, observationsOf, SIGNALS, type Signal } from './signals.ts';
import { type Threshold, thresholdsMet } from './thresholds.ts';

export interface EvictionPolicy {
  readonly thresholds: readonly Threshold[];
  /** For how long a pressure is told after it was seen last. */
  readonly transitionMs: number;
  /** At most so long a pod has to end when a soft threshold is met. */
  readonly maxGraceSeconds: number;
  /** Whether pods are held to what they may keep on the node's disk. */
  readonly limitStorage: boolean;
}

export interface Eviction {
  readonly message: string;
  readonly graceSeconds: number;
  readonly condition?: PodCondition | undefined;
}

export interface EvictionManagerOptions {
  readonly world: World;
  readonly recorder: EventRecorder;
  readonly node: { readonly reference: ObjectReference };
  readonly policy: EvictionPolicy;
  figures(): Promise<Figures>;
  /** Those that have something running, or may have. */
  pods(): readonly Pod[];
  evict(pod: Pod, eviction: Eviction): void;
  /** Whether nothing of it runs any more, and what it had is gone. */
  isFinished(uid: string): boolean;
  /** Makes room without ending anything. */
  readonly reclaim: { containers(): Promise<void>; images(): Promise<void> };
  /** Its pressures are others. */
  changed?(): void;
  /** @param signal or the limit that a pod has exceeded */
  evicted?(signal: string): void;
}

export const EVICTED = 'Evicted';

const PERIOD_MS = 10_000;
const CLEANUP_POLL_MS = 1_000;
const CLEANUP_PATIENCE_MS = 30_000;
/** Of a pod for which there is no time. */
const AT_ONCE_SECONDS = 1;

export class EvictionManager {
  readonly #options: EvictionManagerOptions;
  #state: PressureState = AT_EASE;
  #stopped = false;
  #cancel = () => {};

  constructor(options: EvictionManagerOptions) {
    this.#options = options;
  }

  get pressures(): readonly Pressure[] {
    return this.#state.pressures;
  }

  /** Under pressure only those pods come in that the node cannot be without, and, where memory is short, those that ask for some. */
  admit(pod: Pod): Rejection | undefined {
    const { pressures } = this;
    if (pressures.length === 0 || isCritical(pod)) return undefined;
    if (pressures.length === 1 && pressures[0] === 'MemoryPressure') {
      if (qosClass(pod) !== 'BestEffort') return undefined;
      const taint = { key: 'node.kubernetes.io/memory-pressure', effect: 'NoSchedule' };
      if (toleratesTaint(pod.spec?.tolerations, taint)) return undefined;
    }
    return { reason: EVICTED, message: `The node had condition: [${pressures.join(' ')}]. ` };
  }

  start(): void {
    const { thresholds, limitStorage } = this.#options.policy;
    if (thresholds.length > 0 || limitStorage) void this.#run();
  }

  stop(): void {
    this.#stopped = true;
    this.#cancel();
  }

  /** Looks at the node once. @returns uids of pods that have to go */
  async synchronize(): Promise<readonly string[]> {
    const { world, policy, figures: measure, changed } = this.#options;
    const figures = await measure();
    const before = this.pressures;
    const now = world.clock.now();
    this.#state = assess(this.#state, policy.thresholds, observationsOf(figures), now, policy.transitionMs);
    if (before.join() !== this.pressures.join()) changed?.();
    const greedy = policy.limitStorage ? this.#evictGreedy(figures) : [];
    return greedy.length > 0 ? greedy : this.#relieve(figures);
  }

  async #run(): Promise<void> {
    const { world } = this.#options;
    while (!this.#stopped) {
      const evicted = await this.synchronize().catch((error) => {
        world.log.warn({ error }, 'Could not look after what the node runs out of');
        return [];
      });
      if (evicted.length === 0) await this.#pause(PERIOD_MS);
      else await this.#cleanedUp(evicted);
    }
  }

  /** Those that exceed their own limits. */
  #evictGreedy(figures: Figures): string[] {
    const { pods } = this.#options;
    return pods().flatMap((pod) => {
      const usage = figures.pods.get(uidOf(pod));
      const excess = usage && storageExcess(pod, usage, hasOwnImageDisk(figures));
      if (!excess || !this.#evict(pod, { message: excess.message, annotations: {} }, AT_ONCE_SECONDS)) return [];
      this.#options.evicted?.(excess.limit);
      return [uidOf(pod)];
    });
  }

  /** @returns the pod that goes; none where what nobody uses is enough */
  async #relieve(figures: Figures): Promise<string[]> {
    const { recorder, node, pods, policy, world } = this.#options;
    const { due } = this.#state;
    const threshold = mostUrgent(due);
    if (!threshold) return [];
    const { signal } = threshold;
    const { resource } = SIGNALS[signal];
    recorder.event(node, 'Warning', 'EvictionThresholdMet', `Attempting to reclaim ${resource}`);
    if (await this.#reclaimed(signal, figures)) return [];
    for (const pod of rank(pods(), signal, figures)) {
      const { terminationGracePeriodSeconds: own } = pod.spec ?? {};
      const soft = Math.min(policy.maxGraceSeconds, own ?? policy.maxGraceSeconds);
      const grace = threshold.graceMs === 0 ? AT_ONCE_SECONDS : soft;
      const explanation = explain(resource, pod, due, figures);
      if (!this.#evict(pod, explanation, grace, terminationByKubelet(pod, explanation.message))) continue;
      this.#options.evicted?.(signal);
      return [uidOf(pod)];
    }
    world.log.warn({ resource }, 'The node runs short, and there is no pod that may be ended');
    return [];
  }

  /** Whether all is well without ending a pod. */
  async #reclaimed(signal: Signal, before: Figures): Promise<boolean> {
    const { reclaim, figures, policy, world } = this.#options;
    const isDisk = SIGNALS[signal].pressure === 'DiskPressure';
    // Where images have a disk of their own, removing them makes no room on that of volumes.
    if (!isDisk || (hasOwnImageDisk(before) && signal.startsWith('nodefs'))) return false;
    for (const work of [reclaim.containers, reclaim.images]) {
      await work().catch((error) => world.log.warn({ signal, error }, 'Could not make room on a disk'));
    }
    return thresholdsMet(policy.thresholds, observationsOf(await figures()), true).length === 0;
  }

  #evict(pod: Pod, { message, annotations }: Explanation, graceSeconds: number, condition?: PodCondition): boolean {
    const { world, recorder, evict } = this.#options;
    if (isCritical(pod)) {
      world.log.warn({ pod: pod.metadata.name }, 'A pod that the node cannot be without is not evicted');
      return false;
    }
    recorder.event(pod, 'Warning', EVICTED, message, { annotations });
    evict(pod, { message, graceSeconds: Math.max(1, graceSeconds), condition });
    return true;
  }

  async #cleanedUp(uids: readonly string[]): Promise<void> {
    const { isFinished } = this.#options;
    for (let waited = 0; waited < CLEANUP_PATIENCE_MS && !this.#stopped; waited += CLEANUP_POLL_MS) {
      await this.#pause(CLEANUP_POLL_MS);
      if (uids.every(isFinished)) return;
    }
  }

  #pause(ms: number): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const cancel = this.#options.world.clock.after(ms, resolve, { background: true });
    this.#cancel = () => {
      cancel();
      resolve();
    };
    return promise;
  }
}
