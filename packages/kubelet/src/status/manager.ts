/**
 * Tells the API server how pods are: what is newest, one write at a time for each pod, and nothing that it has already.
 * When a deleted pod is finished, deletes it for good. Compare pkg/kubelet/status/status_manager.go.
 */
import type { Pod, PodStatus } from '@keelson/api/generated/types/core/v1';
import { formatTime } from '@keelson/api/time';
import { type Client, hasReason, keyOf, type World } from '@keelson/client';
import { isMirror, isTerminalPhase } from '../pods/spec.ts';
import { mergeStatus, same, statusPatch, withTimes } from './merge.ts';

export interface StatusManagerOptions {
  readonly client: Client;
  readonly world: World;
  /** What the API server has of a pod: of a static one its mirror, if there is one. */
  stored(uid: string): Pod | undefined;
  /** Whether containers of it may still run. */
  mayRun(uid: string): boolean;
  /** Is told of each status before it is kept. */
  readonly terminations?: ((old: PodStatus, status: PodStatus) => void) | undefined;
  /** A change has reached the API server. @param ms since it was noticed, or the first of several */
  written?(ms: number): void;
  /** Bounds how many writes are under way. */
  readonly limit?: <T>(write: () => Promise<T>) => Promise<T>;
}

interface Entry {
  readonly uid: string;
  status: PodStatus;
  /** Of what is the last that is known of the API server's: the informer may be behind. */
  stored: Pod | undefined;
  finished: boolean;
  dirty: boolean;
  /** Since when there is something that the API server has not. */
  changedAt: number | undefined;
  writing: boolean;
  /** The API server had something new of the pod while a write was under way. */
  observed: boolean;
  failures: number;
  cancel: () => void;
}

/** Until a difference is taken for somebody else's doing. */
const RECONCILE_MS = 10_000;
const FIRST_PAUSE_MS = 250;

export class StatusManager {
  readonly #options: StatusManagerOptions;
  readonly #entries = new Map<string, Entry>();
  #stopped = false;

  constructor(options: StatusManagerOptions) {
    this.#options = options;
  }

  /** What was last said of a pod. */
  get(uid: string): PodStatus | undefined {
    return this.#entries.get(uid)?.status;
  }

  /**
   * @param finished it has nothing on the node any more: this is the last that is said of it
   * @returns the status with its times
   */
  set(pod: Pod, uid: string, status: PodStatus, finished = false): PodStatus {
    const known = this.#entries.get(uid);
    const old = known?.status ?? pod.status ?? {};
    const full = withTimes(status, old, formatTime(new Date(this.#options.world.clock.now())));
    this.#options.terminations?.(old, full);
    const entry: Entry = known ?? {
      uid,
      status: full,
      stored: undefined,
      finished: false,
      dirty: true,
      changedAt: undefined,
      writing: false,
      observed: false,
      failures: 0,
      cancel: () => {},
    };
    this.#entries.set(uid, entry);
    if (known && !finished && same(known.status, full)) return known.status;
    entry.status = full;
    entry.changedAt ??= this.#options.world.clock.now();
    entry.finished ||= finished;
    this.#wake(entry);
    return full;
  }

  /** The API server has something new of a pod. */
  observe(uid: string): void {
    const entry = this.#entries.get(uid);
    if (!entry) return;
    if (entry.writing) {
      entry.observed = true;
      return;
    }
    const pod = this.#newest(entry);
    if (!pod) return;
    const isAnother = entry.stored !== undefined && entry.stored.metadata.uid !== pod.metadata.uid;
    if (entry.dirty || isAnother || this.#mayDelete(entry, pod)) this.#wake(entry);
    else if (this.#patch(entry, pod)) {
      entry.cancel();
      entry.cancel = this.#options.world.clock.after(RECONCILE_MS, () => this.#wake(entry), { background: true });
    }
  }

  forget(uid: string): void {
    this.#entries.get(uid)?.cancel();
    this.#entries.delete(uid);
  }

  stop(): void {
    this.#stopped = true;
    for (const { cancel } of this.#entries.values()) cancel();
  }

  #wake(entry: Entry): void {
    entry.dirty = true;
    entry.cancel();
    if (entry.writing || this.#stopped) return;
    entry.writing = true;
    // What is said in the same turn is one write.
    setImmediate(() => void this.#write(entry));
  }

  async #write(entry: Entry): Promise<void> {
    const { limit = (write) => write(), world } = this.#options;
    try {
      while (entry.dirty && !this.#stopped && this.#entries.get(entry.uid) === entry) {
        const pod = this.#newest(entry);
        if (!pod) break;
        entry.dirty = false;
        await limit(() => this.#send(entry, pod));
      }
      entry.failures = 0;
    } catch (error) {
      if (hasReason(error, 'NotFound') || hasReason(error, 'Conflict')) {
        // It is gone, or another one of its name: its source will tell.
        world.log.debug({ uid: entry.uid, error }, 'The pod of a status is gone');
        return;
      }
      entry.dirty = true;
      const pause = Math.min(RECONCILE_MS, FIRST_PAUSE_MS * 2 ** entry.failures++);
      world.log.warn({ uid: entry.uid, error, pause }, 'Could not write the status of a pod');
      entry.cancel = world.clock.after(pause, () => this.#wake(entry), { background: true });
    } finally {
      entry.writing = false;
      if (entry.observed) {
        entry.observed = false;
        if (!this.#stopped) this.observe(entry.uid);
      }
    }
  }

  async #send(entry: Entry, pod: Pod): Promise<void> {
    const pods = this.#options.client.resource('pods');
    const patch = this.#patch(entry, pod);
    const { changedAt } = entry;
    entry.changedAt = undefined;
    try {
      if (patch) entry.stored = await pods.patch(keyOf(pod), 'strategic', patch, { subresource: 'status' });
    } catch (error) {
      entry.changedAt ??= changedAt;
      throw error;
    }
    if (patch && changedAt !== undefined) this.#options.written?.(this.#options.world.clock.now() - changedAt);
    const stored = patch ? entry.stored! : pod;
    if (!this.#mayDelete(entry, stored)) return;
    await pods.delete(keyOf(stored), { gracePeriodSeconds: 0, preconditions: { uid: stored.metadata.uid! } });
  }

  #patch(entry: Entry, pod: Pod): object | undefined {
    const stored = pod.status ?? {};
    const now = formatTime(new Date(this.#options.world.clock.now()));
    return statusPatch(pod, stored, mergeStatus(stored, entry.status, this.#options.mayRun(entry.uid), now));
  }

  #mayDelete({ finished }: Entry, pod: Pod): boolean {
    return (
      finished && pod.metadata.deletionTimestamp !== undefined && !isMirror(pod) && isTerminalPhase(pod.status?.phase)
    );
  }

  /** Of what the informer has and what was answered to the last write. */
  #newest(entry: Entry): Pod | undefined {
    const pod = this.#options.stored(entry.uid);
    const answered = entry.stored;
    if (!pod || !answered || answered.metadata.uid !== pod.metadata.uid) return pod;
    return isNewer(answered, pod) ? answered : pod;
  }
}

function isNewer(a: Pod, b: Pod): boolean {
  const [left, right] = [a.metadata.resourceVersion ?? '', b.metadata.resourceVersion ?? ''];
  return left.length === right.length ? left > right : left.length > right.length;
}
