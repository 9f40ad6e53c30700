/**
 * Pods that wait for a node (pkg/scheduler/backend/queue/scheduling_queue.go). docs/scheduler.md draws the moves:
 *
 *     active ──pop──▶ in flight ──rejected──▶ unschedulable ──an event helps──▶ back-off ──time──▶ active
 *
 * A pod is in one of these at a time. Gated pods are among the unschedulable, and no event moves them but their gate's.
 */
import type { Clock } from '@keelson/api/clock';
import type { Pod } from '@keelson/api/generated/types/core/v1';
import type { TypedObject } from '@keelson/api/object';
import {
  assignedPodDelete,
  backoffComplete,
  type ClusterEvent,
  forceActivate,
  matches,
  podEvents,
  popFromBackoff,
  scheduleAttemptFailure,
  unschedulableTimeout,
  unscheduledPodAdd,
  unscheduledPodUpdate,
} from '../framework/events.ts';
import type { Rejection } from '../framework/status.ts';
import { PodInfo } from '../pods/pod-info.ts';
import { BackoffQueue, WINDOW_MS } from './backoff.ts';
import { Heap } from './heap.ts';
import type { Hints, Worth } from './hints.ts';
import { InFlight } from './in-flight.ts';
import { Nominator } from './nominator.ts';
import type { QueueObserver } from './observer.ts';
import { QueuedPod } from './queued-pod.ts';

export interface QueueOptions {
  readonly clock: Clock;
  readonly compare: (a: QueuedPod, b: QueuedPod) => number;
  readonly initialBackoffMs: number;
  readonly maxBackoffMs: number;
  /** Whether pods that back off are taken when nothing else is to do (gate `SchedulerPopFromBackoffQ`). */
  readonly popsEarly: boolean;
  readonly hints: Hints;
  /** What the plugins of the pod's profile say before it becomes active. */
  readonly preEnqueue: (pod: PodInfo, first: string | undefined) => Rejection | undefined;
  /** The pod as informers know it, by key. */
  readonly current: (key: string) => Pod | undefined;
  readonly observer: QueueObserver;
  /** Told when a pod can be popped. */
  readonly ready: () => void;
}

/** A pod that nothing has helped for so long is tried all the same. */
const UNSCHEDULABLE_MAX_MS = 5 * 60 * 1000;
const FLUSH_UNSCHEDULABLE_MS = 30_000;

export class SchedulingQueue {
  readonly nominations: Nominator;
  readonly #options: QueueOptions;
  readonly #active: Heap<QueuedPod>;
  readonly #backoff: BackoffQueue;
  readonly #unschedulable = new Map<string, QueuedPod>();
  readonly #inFlight = new InFlight();
  #serial = 0;
  #cancelFlush: (() => void) | undefined;
  #cancelSweep: (() => void) | undefined;
  #closed = false;

  constructor(options: QueueOptions) {
    this.#options = options;
    const { clock, compare, initialBackoffMs: initialMs, maxBackoffMs: maxMs } = options;
    this.#active = new Heap((pod) => pod.key, compare);
    this.#backoff = new BackoffQueue({ initialMs, maxMs, now: () => clock.now(), compare });
    this.nominations = new Nominator(options.current);
  }

  /** How many pods are where. */
  counts(): { active: number; backoff: number; unschedulable: number; gated: number; inFlight: number } {
    let gated = 0;
    for (const pod of this.#unschedulable.values()) if (pod.gate !== undefined) gated += 1;
    const unschedulable = this.#unschedulable.size - gated;
    return {
      active: this.#active.size,
      backoff: this.#backoff.size,
      unschedulable,
      gated,
      inFlight: this.#inFlight.size,
    };
  }

  /** What is remembered for pods that are being scheduled, by event. */
  inFlightEvents(): ReadonlyMap<string, number> {
    return this.#inFlight.counts();
  }

  /** A pod without a node has come. */
  add(pod: Pod): void {
    this.#enter(new PodInfo(pod), unscheduledPodAdd.label);
  }

  /** The next pod to schedule, which is then in flight until {@link done} or {@link addUnschedulable}. */
  pop(): QueuedPod | undefined {
    for (;;) {
      let pod = this.#active.pop();
      if (!pod && this.#options.popsEarly) {
        pod = this.#backoff.popEarly();
        if (pod) this.#options.observer.incoming('active', popFromBackoff);
      }
      if (!pod) return undefined;
      if (!this.#inFlight.begin(pod.uid)) continue;
      pod.attempts += 1;
      for (const plugin of pod.rejectors()) this.#options.observer.rejected(plugin, pod.schedulerName, -1);
      return pod;
    }
  }

  get isReady(): boolean {
    return this.#active.size > 0 || (this.#options.popsEarly && this.#backoff.hasEarly);
  }

  /** The pod has its node, or is given up. */
  done(uid: string): void {
    this.#inFlight.done(uid);
  }

  /** A pod in flight could not be scheduled. Goes where what happened meanwhile sends it. */
  addUnschedulable(pod: QueuedPod): void {
    if (this.#find(pod.key)) {
      this.done(pod.uid);
      return;
    }
    if (pod.isRejected) {
      pod.failures += 1;
      pod.errors = 0;
    } else pod.errors += 1;
    pod.timestamp = this.#now();
    pod.backoffUntil = undefined;
    pod.flushed = false;
    for (const plugin of pod.rejectors()) this.#options.observer.rejected(plugin, pod.schedulerName, 1);
    const worth = this.#worthMeanwhile(pod);
    this.done(pod.uid);
    this.#requeue(pod, worth, scheduleAttemptFailure);
  }

  /** A pod without a node has changed. */
  update(old: Pod, pod: Pod): void {
    const events = podEvents(old, pod);
    if (this.#inFlight.has(pod.metadata.uid!)) {
      for (const event of events) this.#inFlight.happened({ event, old, now: pod });
      return;
    }
    const info = new PodInfo(pod);
    const queued = this.#find(info.key);
    if (!queued) {
      this.#enter(info, unscheduledPodUpdate.label);
      return;
    }
    queued.info = info;
    this.nominations.update(old, info);
    if (this.#active.has(info.key)) this.#active.put(queued);
    else if (this.#backoff.get(info.key)) this.#backoff.put(queued);
    else this.#reconsider(queued, events, old, pod);
  }

  /** An unschedulable pod itself has changed. */
  #reconsider(queued: QueuedPod, events: readonly ClusterEvent[], old: Pod, pod: Pod): void {
    for (const event of events) {
      const worth = this.#options.hints.worth(queued, event, old, pod);
      this.#requeue(queued, worth, event.label);
      if (!this.#unschedulable.has(queued.key)) break;
    }
  }

  delete(pod: Pod): void {
    const { uid, key } = new PodInfo(pod);
    this.nominations.remove(uid);
    if (this.#active.remove(key) || this.#backoff.remove(key)) return;
    const queued = this.#unschedulable.get(key);
    if (!queued) return;
    this.#unschedulable.delete(key);
    for (const plugin of queued.rejectors()) this.#options.observer.rejected(plugin, queued.schedulerName, -1);
  }

  /** Something happened in the cluster: pods that it may help are moved. */
  move(
    event: ClusterEvent,
    old: TypedObject | undefined,
    now: TypedObject | undefined,
    concerns: (pod: PodInfo) => boolean = () => true,
  ): void {
    const { hints } = this.#options;
    if (!hints.isInteresting(event)) return;
    for (const pod of [...this.#unschedulable.values()]) {
      if (!concerns(pod.info)) continue;
      if (pod.gate !== undefined && !pod.gateEvents.some((each) => matches(each, event))) continue;
      const worth = hints.worth(pod, event, old, now);
      if (worth !== 'skip') this.#requeue(pod, worth, event.label);
    }
    this.#inFlight.happened({ event, old, now });
  }

  /** Tries pods again at once, whatever they wait for. */
  activate(pods: Iterable<PodInfo>): void {
    for (const { key, uid } of pods) {
      const queued = this.#unschedulable.get(key) ?? this.#backoff.get(key);
      if (queued) this.#toActive(queued, forceActivate.label);
      else if (this.#inFlight.has(uid)) {
        const pod = this.#options.current(key);
        this.#inFlight.happened({ event: forceActivate, old: undefined, now: pod as TypedObject | undefined });
      }
    }
  }

  /** Pods that are to get a node have left room for those of no higher priority. */
  nominationFreed(pod: Pod): void {
    const priority = pod.spec.priority ?? 0;
    this.move(assignedPodDelete, pod, undefined, (other) => other.priority <= priority);
  }

  close(): void {
    this.#closed = true;
    this.#cancelFlush?.();
    this.#cancelSweep?.();
  }

  #enter(info: PodInfo, event: string): void {
    this.#serial += 1;
    this.#toActive(new QueuedPod(info, this.#now(), this.#serial), event);
  }

  #now(): number {
    return this.#options.clock.now();
  }

  #find(key: string): QueuedPod | undefined {
    return this.#active.get(key) ?? this.#backoff.get(key) ?? this.#unschedulable.get(key);
  }

  #worthMeanwhile(pod: QueuedPod): Worth {
    if (!pod.isRejected) return 'after-backoff';
    let best: Worth = 'skip';
    for (const { event, old, now } of this.#inFlight.since(pod.uid)) {
      const worth = this.#options.hints.worth(pod, event, old, now);
      if (worth === 'immediately') return worth;
      if (worth === 'after-backoff') best = worth;
      if (best !== 'skip' && pod.pendingBy.size === 0) return best;
    }
    return best;
  }

  #requeue(pod: QueuedPod, worth: Worth, event: string): void {
    if (worth === 'skip') this.#toUnschedulable(pod, event);
    else if (worth === 'after-backoff' && this.#backoff.isBackingOff(pod)) this.#toBackoff(pod, event);
    else this.#toActive(pod, event);
  }

  /** @returns whether the pod may become active; if not it waits among the unschedulable */
  #passesGates(pod: QueuedPod, event: string): boolean {
    const rejection = this.#options.preEnqueue(pod.info, pod.gate);
    if (!rejection) {
      pod.gate = undefined;
      pod.gateEvents = [];
      return true;
    }
    const { plugin } = rejection;
    if (!pod.rejectedBy.has(plugin) && !pod.pendingBy.has(plugin)) {
      this.#options.observer.rejected(plugin, pod.schedulerName, 1);
    }
    pod.rejectedBy = new Set([...pod.rejectedBy, plugin]);
    pod.gate = plugin;
    pod.gateEvents = this.#options.hints.eventsOf(pod.schedulerName, plugin);
    if (!this.#active.has(pod.key) && !this.#backoff.get(pod.key)) this.#toUnschedulable(pod, event);
    return false;
  }

  #toActive(pod: QueuedPod, event: string): void {
    const wasInBackoff = this.#backoff.get(pod.key) !== undefined || event === backoffComplete;
    if (!wasInBackoff && !this.#passesGates(pod, event)) return;
    pod.firstAttempt ??= this.#now();
    this.#unschedulable.delete(pod.key);
    this.#backoff.remove(pod.key);
    this.#active.put(pod);
    this.#options.observer.incoming('active', event);
    if (event === unscheduledPodAdd.label || event === unscheduledPodUpdate.label) {
      this.nominations.put(pod.info, undefined);
    }
    this.#options.ready();
  }

  #toBackoff(pod: QueuedPod, event: string): void {
    if (!this.#passesGates(pod, event)) return;
    this.#unschedulable.delete(pod.key);
    this.#backoff.put(pod);
    this.#options.observer.incoming('backoff', event);
    this.#scheduleFlush();
    this.#options.ready();
  }

  #toUnschedulable(pod: QueuedPod, event: string): void {
    if (!this.#unschedulable.has(pod.key)) this.#options.observer.incoming('unschedulable', event);
    this.#unschedulable.set(pod.key, pod);
    this.#scheduleSweep();
  }

  /** At the end of each window, while a pod waits for that. */
  #scheduleFlush(): void {
    if (this.#cancelFlush || this.#closed) return;
    const wait = WINDOW_MS - (this.#now() % WINDOW_MS);
    const flush = () => {
      this.#cancelFlush = undefined;
      for (const pod of this.#backoff.popEnded()) this.#toActive(pod, backoffComplete);
      if (this.#backoff.size > 0) this.#scheduleFlush();
    };
    this.#cancelFlush = this.#options.clock.after(wait, flush, { background: true });
  }

  #scheduleSweep(): void {
    if (this.#cancelSweep || this.#closed) return;
    const sweep = () => {
      this.#cancelSweep = undefined;
      const before = this.#now() - UNSCHEDULABLE_MAX_MS;
      for (const pod of [...this.#unschedulable.values()]) {
        if (pod.timestamp >= before) continue;
        if (pod.gate !== undefined && !pod.gateEvents.some((each) => matches(each, unschedulableTimeout))) continue;
        pod.flushed = true;
        this.#requeue(pod, 'after-backoff', unschedulableTimeout.label);
      }
      if (this.#unschedulable.size > 0) this.#scheduleSweep();
    };
    this.#cancelSweep = this.#options.clock.after(FLUSH_UNSCHEDULABLE_MS, sweep, { background: true });
  }
}
