/**
 * Tells of pods of which something has changed: by the runtime's events where it has some, and by looking, every second where
 * it has none and every so often where it has (pkg/kubelet/pleg).
 */
import { POD_UID } from '../labels.ts';
import { type PodListing, RuntimeError } from '../runtime.ts';
import type { RelistMetrics } from './relist-metrics.ts';
import type { CriService } from './service.ts';

const LOOK_MS = 1000;
const LOOK_BESIDE_EVENTS_MS = 60_000;
/** Until one asks for events again after they broke off. */
const RECONNECT_MS = 5000;

export class Changes {
  readonly #cri: CriService;
  readonly #list: () => Promise<readonly PodListing[]>;
  readonly #metrics: RelistMetrics | undefined;
  readonly #subscribers = new Set<(uid: string) => void>();
  #seen = new Map<string, string>();
  #timer: NodeJS.Timeout | undefined;
  #events: AbortController | undefined;
  #hasEvents = false;
  #stopped = false;

  constructor(cri: CriService, list: () => Promise<readonly PodListing[]>, metrics?: RelistMetrics) {
    this.#cri = cri;
    this.#metrics = metrics;
    this.#list = list;
  }

  subscribe(changed: (uid: string) => void): () => void {
    this.#subscribers.add(changed);
    if (this.#subscribers.size === 1) {
      void this.#listen();
      this.#lookIn(0);
    }
    return () => {
      this.#subscribers.delete(changed);
      if (this.#subscribers.size === 0) this.#rest();
    };
  }

  stop(): void {
    this.#stopped = true;
    this.#rest();
  }

  #rest(): void {
    clearTimeout(this.#timer);
    this.#events?.abort();
    this.#events = undefined;
  }

  #tell(uid: string): void {
    for (const changed of this.#subscribers) changed(uid);
  }

  async #listen(): Promise<void> {
    const ended = new AbortController();
    this.#events = ended;
    try {
      for await (const { pod_sandbox_status: sandbox } of this.#cri.events(ended.signal)) {
        if (!this.#hasEvents) this.#metrics?.connected();
        this.#hasEvents = true;
        const uid = sandbox?.labels[POD_UID];
        if (uid !== undefined) this.#tell(uid);
      }
    } catch (error) {
      // It does not know of events, and will not learn.
      if (error instanceof RuntimeError && error.code === 'Unimplemented') return this.#lookIn(LOOK_MS);
    }
    if (ended.signal.aborted) return;
    this.#metrics?.broken();
    this.#hasEvents = false;
    this.#lookIn(LOOK_MS);
    setTimeout(() => !ended.signal.aborted && void this.#listen(), RECONNECT_MS).unref();
  }

  #lookIn(ms: number): void {
    clearTimeout(this.#timer);
    if (this.#stopped || this.#subscribers.size === 0) return;
    this.#timer = setTimeout(() => void this.#look(), ms);
    this.#timer.unref();
  }

  async #look(): Promise<void> {
    const done = this.#metrics?.looking();
    try {
      const next = new Map(
        (await this.#list()).map((pod) => [pod.uid, JSON.stringify([pod.sandboxes, pod.containers])]),
      );
      const before = this.#seen;
      this.#seen = next;
      for (const [uid, state] of next) if (before.get(uid) !== state) this.#tell(uid);
      for (const uid of before.keys()) if (!next.has(uid)) this.#tell(uid);
    } catch {
      // It does not answer: whoever asks for its status will say so.
    } finally {
      done?.();
    }
    this.#lookIn(this.#hasEvents ? LOOK_BESIDE_EVENTS_MS : LOOK_MS);
  }
}
