/**
 * What happens to a pod after a node was found for it, while the next pod is being looked at:
 *
 *     permit ──▶ pre-bind ──▶ bind ──▶ post-bind          each may fail: the node is free again, the pod back in the queue
 */
import type { Client, EventRecorder } from '@keelson/client';
import type { Logger } from '@keelson/component/logs/logger';
import type { Cache } from '../cache/cache.ts';
import type { Extenders } from '../extenders/extenders.ts';
import type { Cycle } from '../framework/cycle.ts';
import { assignedPodDelete } from '../framework/events.ts';
import { SKIP } from '../framework/plugin.ts';
import type { Profile } from '../framework/profile.ts';
import { messageOf, type Rejection } from '../framework/status.ts';
import type { SchedulerMetrics } from '../metrics.ts';
import type { PodInfo } from '../pods/pod-info.ts';
import type { SchedulingQueue } from '../queue/queue.ts';
import type { QueuedPod } from '../queue/queued-pod.ts';
import { brokenBy, type Failure } from './outcome.ts';
import type { Permits } from './permits.ts';
import { patchPodStatus } from './pod-status.ts';
import { fitMessage, Verdicts } from './verdicts.ts';

export interface BindingOptions {
  readonly client: Client;
  readonly cache: Cache;
  readonly queue: SchedulingQueue;
  readonly permits: Permits;
  readonly extenders: Extenders | undefined;
  /** Whether pods that take long to be bound tell on which node they will be (gate `NominatedNodeNameForExpectation`). */
  readonly tellsNodes: boolean;
  readonly recorder: EventRecorder;
  readonly metrics: SchedulerMetrics;
  readonly log: Logger;
  readonly failed: (profile: Profile, queued: QueuedPod, failure: Failure, startedAt: number) => void;
}

/** A pod that has got its node in the cache, and is to get it in the cluster. */
export interface Placed {
  readonly profile: Profile;
  readonly queued: QueuedPod;
  /** With its node. */
  readonly pod: PodInfo;
  readonly node: string;
  readonly cycle: Cycle | undefined;
  readonly startedAt: number;
}

export class Binder {
  readonly #options: BindingOptions;
  /** What can still be given up: pods before their binding is sent. */
  readonly #preparing = new Map<string, AbortController>();

  constructor(options: BindingOptions) {
    this.#options = options;
  }

  /** Never throws: what fails goes back to the queue. */
  async run(placed: Placed, signal: AbortSignal): Promise<void> {
    const { metrics } = this.#options;
    metrics.binding(1);
    try {
      const rejected = await this.#run(placed, signal);
      if (rejected) this.#undo(placed, rejected);
    } catch (error) {
      this.#undo(placed, brokenBy(error));
    } finally {
      metrics.binding(-1);
    }
  }

  /** @returns whether the pod was not bound yet, and will not be */
  giveUp(uid: string, why: string): boolean {
    if (this.#options.permits.reject(uid, '', why)) return true;
    const preparing = this.#preparing.get(uid);
    preparing?.abort(new Error(why));
    return preparing !== undefined;
  }

  /** Takes back what was set aside for the pod. */
  release({ profile, pod, node, cycle }: Placed): void {
    for (const plugin of profile.plugins.reserve.toReversed()) {
      plugin.unreserve?.(pod, node, cycle?.states.get(plugin.name));
    }
    this.#options.cache.forget(pod.uid);
  }

  async #run(placed: Placed, signal: AbortSignal): Promise<Failure | undefined> {
    const { profile, pod, node } = placed;
    const { queue, permits, metrics, tellsNodes } = this.#options;
    const prepares = profile.plugins.preBind.filter(
      (plugin) => plugin.hasPreBind?.(pod, node, placed.cycle?.states.get(plugin.name)) ?? true,
    );
    if (tellsNodes && (prepares.length > 0 || permits.isHeld(pod.uid))) await this.#tellNode(placed, signal);
    const [isHeld, heldAt] = [permits.isHeld(pod.uid), metrics.seconds()];
    const refused = await permits.wait(pod.uid, signal);
    if (isHeld) metrics.permitted(refused?.code ?? 'Success', heldAt);
    if (refused) return rejectedOn(node, refused);
    queue.done(pod.uid);
    if (prepares.length > 0) {
      const preparedAt = metrics.seconds();
      const rejected = await this.#prepare(placed, prepares, signal);
      metrics.ran('PreBind', rejected?.code ?? 'Success', profile.name, preparedAt);
      if (rejected) return rejectedOn(node, rejected);
    }
    const boundAt = metrics.seconds();
    await this.#bind(placed, signal);
    metrics.ran('Bind', 'Success', profile.name, boundAt);
    this.#succeeded(placed);
    return undefined;
  }

  /** Others may know where the pod will be: preparing may take long. */
  async #tellNode({ queued, node }: Placed, signal: AbortSignal): Promise<void> {
    const { client, log } = this.#options;
    try {
      await patchPodStatus(client, queued.info.pod, { nominatedNodeName: node }, signal);
    } catch (error) {
      log.warn({ pod: queued.key, node, error }, 'Could not tell the node that a pod is to get');
    }
  }

  async #prepare(
    { pod, node, cycle }: Placed,
    plugins: Profile['plugins']['preBind'],
    outer: AbortSignal,
  ): Promise<Rejection | undefined> {
    const preparing = new AbortController();
    this.#preparing.set(pod.uid, preparing);
    const signal = AbortSignal.any([outer, preparing.signal]);
    try {
      for (const plugin of plugins) {
        const rejected = await plugin.preBind!(pod, node, cycle?.states.get(plugin.name), signal).catch((error) => {
          throw new Error(`running PreBind plugin "${plugin.name}": ${error.message}`, { cause: error });
        });
        if (rejected) return rejected;
      }
      signal.throwIfAborted();
      return undefined;
    } finally {
      this.#preparing.delete(pod.uid);
    }
  }

  async #bind({ profile, pod, node }: Placed, signal: AbortSignal): Promise<void> {
    if (await this.#options.extenders?.bind(pod, node)) return;
    for (const plugin of profile.plugins.bind) {
      const answer = await plugin.bind!(pod, node, signal).catch((error) => {
        throw new Error(`running Bind plugin "${plugin.name}": ${error.message}`, { cause: error });
      });
      if (answer !== SKIP) return;
    }
    throw new Error('no plugin has bound the pod');
  }

  #succeeded({ profile, queued, pod, node, startedAt }: Placed): void {
    const { recorder, metrics, log, client } = this.#options;
    const message = `Successfully assigned ${pod.key} to ${node}`;
    recorder.event(pod.pod, 'Normal', 'Scheduled', message, { action: 'Binding' });
    log.debug({ pod: pod.key, node }, 'Successfully bound pod to node');
    metrics.attempted('scheduled', profile.name, startedAt);
    const now = client.world.clock.now();
    metrics.scheduled(queued.attempts, now - (queued.firstAttempt ?? now), queued.flushed);
    for (const plugin of profile.plugins.postBind) plugin.postBind!(pod, node);
  }

  #undo(placed: Placed, failure: Failure): void {
    const { queue, failed } = this.#options;
    const { pod, profile, queued, startedAt } = placed;
    this.release(placed);
    const itself = failure.kind === 'unschedulable';
    failed(profile, queued, failure, startedAt);
    queue.move(assignedPodDelete, pod.pod, undefined, (other) => !itself || other.uid !== pod.uid);
  }
}

/** A rejection of the one node that was chosen. */
export function rejectedOn(node: string, rejection: Rejection): Failure {
  const verdicts = new Verdicts();
  verdicts.set(node, rejection);
  return {
    kind: 'unschedulable',
    message: rejection.reasons.length > 0 ? fitMessage(1, verdicts) : messageOf(rejection),
    rejectedBy: verdicts.rejectedBy,
    pendingBy: verdicts.pendingBy,
    nominate: '',
  };
}
