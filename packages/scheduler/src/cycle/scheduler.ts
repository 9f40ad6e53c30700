/** Takes one pod after the other from the queue, finds it a node, and leaves its binding to run beside the next. */
import type { Pod } from '@keelson/api/generated/types/core/v1';
import type { Client, EventRecorder } from '@keelson/client';
import type { Logger } from '@keelson/component/logs/logger';
import type { Cache } from '../cache/cache.ts';
import type { Snapshot } from '../cache/snapshot.ts';
import type { Profile } from '../framework/profile.ts';
import type { SchedulerMetrics } from '../metrics.ts';
import { PodInfo } from '../pods/pod-info.ts';
import type { SchedulingQueue } from '../queue/queue.ts';
import type { QueuedPod } from '../queue/queued-pod.ts';
import type { Algorithm, Found } from './algorithm.ts';
import { type Binder, type Placed, rejectedOn } from './binding.ts';
import { brokenBy, type Failure, messageOfFailure } from './outcome.ts';
import type { Permits } from './permits.ts';
import { patchPodStatus } from './pod-status.ts';

export interface SchedulerParts {
  readonly client: Client;
  readonly cache: Cache;
  readonly snapshot: Snapshot;
  readonly queue: SchedulingQueue;
  /** By the name that pods ask for. */
  readonly profileOf: (schedulerName: string) => Profile | undefined;
  readonly algorithm: Algorithm;
  readonly permits: Permits;
  readonly binder: Binder;
  readonly recorder: EventRecorder;
  readonly metrics: SchedulerMetrics;
  readonly log: Logger;
  /** The pod as informers know it, by key. */
  readonly current: (key: string) => Pod | undefined;
}

/** So long pods are scheduled in a row, then other work of the process gets its turn. Seconds. */
const SLICE = 0.008;
/** So many bindings at a time; what is decided much earlier than it is sent is decided on less. */
const MAX_BINDINGS = 256;
const NOTE_LIMIT = 1024;

export class Scheduler {
  readonly #parts: SchedulerParts;
  readonly #bindings = new Set<Promise<void>>();
  #wake = () => {};

  constructor(parts: SchedulerParts) {
    this.#parts = parts;
  }

  /** There is something to pop, or the signal was aborted. */
  ready(): void {
    this.#wake();
  }

  /** Schedules until the signal is aborted; then resolves when all bindings that are under way are over. */
  async run(signal: AbortSignal): Promise<void> {
    signal.addEventListener('abort', () => this.#wake(), { once: true });
    const { metrics } = this.#parts;
    let since = metrics.seconds();
    while (!signal.aborted) {
      const queued = this.#parts.queue.pop();
      if (!queued) {
        await new Promise<void>((resolve) => {
          this.#wake = resolve;
          if (this.#parts.queue.isReady || signal.aborted) resolve();
        });
        since = metrics.seconds();
        continue;
      }
      await this.scheduleOne(queued, signal);
      if (this.#bindings.size >= MAX_BINDINGS) await Promise.race(this.#bindings);
      if (metrics.seconds() - since < SLICE) continue;
      await new Promise(setImmediate);
      since = metrics.seconds();
    }
    await Promise.all(this.#bindings);
  }

  async scheduleOne(queued: QueuedPod, signal: AbortSignal): Promise<void> {
    const { profileOf, queue, cache, snapshot, algorithm, metrics } = this.#parts;
    const profile = profileOf(queued.schedulerName);
    if (!profile || this.#isOver(queued)) return queue.done(queued.uid);
    const startedAt = metrics.seconds();
    cache.updateSnapshot(snapshot);
    const found = await algorithm.schedule(profile, queued.info);
    metrics.searched(startedAt);
    const failure = found.outcome.kind === 'placed' ? undefined : found.outcome;
    if (failure) return this.fail(profile, queued, failure, startedAt);
    const placed = this.#place(profile, queued, found, startedAt);
    if (!placed) return;
    const binding = this.#parts.binder.run(placed, signal).finally(() => this.#bindings.delete(binding));
    this.#bindings.add(binding);
  }

  /** The pod goes back to the queue, and whoever asks is told why. */
  fail(profile: Profile, queued: QueuedPod, failure: Failure, startedAt: number): void {
    const { queue, metrics, recorder, current, log } = this.#parts;
    const broken = failure.kind === 'error';
    metrics.attempted(broken ? 'error' : 'unschedulable', profile.name, startedAt);
    queued.rejectedBy = broken ? new Set() : failure.rejectedBy;
    queued.pendingBy = broken ? new Set() : failure.pendingBy;
    queued.gate = undefined;
    const message = messageOfFailure(failure);
    log.debug({ pod: queued.key, message }, broken ? 'Error scheduling pod' : 'Unable to schedule pod');
    const pod = current(queued.key);
    if (!pod || pod.spec.nodeName || pod.metadata.uid !== queued.uid) queue.done(queued.uid);
    if (pod && pod.metadata.uid !== queued.uid) return;
    if (pod && !pod.spec.nodeName) {
      queued.info = new PodInfo(pod);
      queue.addUnschedulable(queued);
    }
    const nominate = broken ? '' : failure.nominate;
    queue.nominations.put(queued.info, nominate);
    const note = shortened(message);
    recorder.event(queued.info.pod, 'Warning', 'FailedScheduling', note, { action: 'Scheduling' });
    this.#tell(queued.info, broken ? 'SchedulerError' : 'Unschedulable', message, nominate);
  }

  /** A pod that is going away, or has a node that the informer has not seen yet. */
  #isOver({ info }: QueuedPod): boolean {
    if (info.pod.metadata.deletionTimestamp) {
      const message = `skip schedule deleting pod: ${info.key}`;
      this.#parts.recorder.event(info.pod, 'Warning', 'FailedScheduling', message, { action: 'Scheduling' });
      return true;
    }
    return this.#parts.cache.isAssumed(info.uid);
  }

  /** Gives the pod its node in the cache, with all that plugins set aside for it. */
  #place(profile: Profile, queued: QueuedPod, { outcome, cycle }: Found, startedAt: number): Placed | undefined {
    if (outcome.kind !== 'placed') return undefined;
    const { cache, queue, binder, permits } = this.#parts;
    const { node } = outcome;
    const pod = queued.info.on(node);
    const placed: Placed = { profile, queued, pod, node, cycle, startedAt };
    const giveUp = (failure: Failure) => {
      binder.release(placed);
      this.fail(profile, queued, failure, startedAt);
    };
    try {
      cache.assume(pod);
    } catch (error) {
      this.fail(profile, queued, brokenBy(error), startedAt);
      return undefined;
    }
    queue.nominations.remove(pod.uid);
    const waits = new Map<string, number>();
    try {
      for (const plugin of profile.plugins.reserve) {
        const rejected = plugin.reserve!(pod, node, cycle?.states.get(plugin.name));
        if (rejected) return void giveUp(rejectedOn(node, rejected));
      }
      for (const plugin of profile.plugins.permit) {
        const answer = plugin.permit!(pod, node);
        if (!answer) continue;
        if ('code' in answer) return void giveUp(rejectedOn(node, answer));
        waits.set(plugin.name, answer.waitMs);
      }
    } catch (error) {
      return void giveUp(brokenBy(error));
    }
    if (waits.size > 0) permits.hold(pod.uid, waits);
    return placed;
  }

  #tell({ pod, key }: PodInfo, reason: string, message: string, nominate: string | undefined): void {
    const { client, log } = this.#parts;
    const condition = { type: 'PodScheduled', status: 'False', reason, message };
    const change = { condition, ...(nominate === undefined ? {} : { nominatedNodeName: nominate }) };
    patchPodStatus(client, pod, change).catch((error) => {
      log.warn({ pod: key, error }, 'Could not tell why a pod has no node');
    });
  }
}

function shortened(message: string): string {
  return message.length <= NOTE_LIMIT ? message : `${message.slice(0, NOTE_LIMIT - 4)} ...`;
}
