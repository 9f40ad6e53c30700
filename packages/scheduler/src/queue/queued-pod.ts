import type { ClusterEvent } from '../framework/events.ts';
import type { Queued } from '../framework/plugin.ts';
import type { PodInfo } from '../pods/pod-info.ts';

/** A pod that waits for a node, and what became of earlier attempts. */
export class QueuedPod implements Queued {
  info: PodInfo;
  /** When it got into the queue or last failed; milliseconds since the epoch. */
  timestamp: number;
  readonly serial: number;
  attempts = 0;
  /** When it was first in the active queue. */
  firstAttempt: number | undefined;
  /** How often it was found unschedulable. */
  failures = 0;
  /** How often in a row something broke. */
  errors = 0;
  /** When its back-off ends, once that is known. */
  backoffUntil: number | undefined;
  /** Names of the plugins that rejected it. */
  rejectedBy: ReadonlySet<string> = new Set();
  /** Names of those that wait for something. */
  pendingBy: ReadonlySet<string> = new Set();
  /** The plugin that keeps it out of the active queue. */
  gate: string | undefined;
  gateEvents: readonly ClusterEvent[] = [];
  /** Nothing happened that would let it through, yet it was tried again. */
  flushed = false;

  constructor(info: PodInfo, now: number, serial: number) {
    this.info = info;
    this.timestamp = now;
    this.serial = serial;
  }

  get key(): string {
    return this.info.key;
  }
  get uid(): string {
    return this.info.uid;
  }
  get schedulerName(): string {
    return this.info.pod.spec.schedulerName ?? '';
  }
  get isRejected(): boolean {
    return this.rejectedBy.size > 0 || this.pendingBy.size > 0;
  }

  *rejectors(): Iterable<string> {
    yield* this.rejectedBy;
    for (const plugin of this.pendingBy) if (!this.rejectedBy.has(plugin)) yield plugin;
  }
}
