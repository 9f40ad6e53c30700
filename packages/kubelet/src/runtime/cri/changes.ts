/**
 * Tells of pods of which something has changed: by the runtime's events where it has some, and by looking, every second where
 * it has none and every so often where it has (pkg/kubelet/pleg).
 */
import { POD_UID } from '../labels.ts';
import type { PodListing } from '../runtime.ts';
import type { PodSandboxStatus } from './messages.ts';
import type { CriService } from './service.ts';

const LOOK_MS = 1000;
const LOOK_BESIDE_EVENTS_MS = 60_000;
/** Until one asks for events again after they broke off. */
const RECONNECT_MS = 5000;

export class Changes {
  readonly #cri: CriService;
  readonly #list: () => Promise<readonly PodListing[]>;
  readonly #subscribers = new Set<(uid: string) => void>();
  #seen = new Map<string, string>();
  #timer: NodeJS.Timeout | undefined;
  #stream: { cancel(): void } | undefined;
  #hasEvents = false;
  #stopped = false;

  constructor(cri: CriService, list: () => Promise<readonly PodListing[]>) {
    this.#cri = cri;
    this.#list = list;
  }

  subscribe(changed: (uid: string) => void): () => void {
    this.#subscribers.add(changed);
    if (this.#subscribers.size === 1) {
      this.#listen();
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
    this.#stream?.cancel();
    this.#stream = undefined;
  }

  #tell(uid: string): void {
    for (const changed of this.#subscribers) changed(uid);
  }

  #listen(): void {
    const stream = this.#cri.events();
    this.#stream = stream;
    stream.on('data', (event: { pod_sandbox_status?: PodSandboxStatus | null }) => {
      this.#hasEvents = true;
      const uid = event.pod_sandbox_status?.labels[POD_UID];
      if (uid !== undefined) this.#tell(uid);
    });
    stream.on('error', (error: { code?: number }) => {
      this.#hasEvents = false;
      this.#lookIn(LOOK_MS);
      // 12: the runtime does not know of events, and will not learn.
      if (this.#stopped || this.#subscribers.size === 0 || error.code === 12) return;
      setTimeout(() => this.#subscribers.size > 0 && !this.#stopped && this.#listen(), RECONNECT_MS).unref();
    });
  }

  #lookIn(ms: number): void {
    clearTimeout(this.#timer);
    if (this.#stopped || this.#subscribers.size === 0) return;
    this.#timer = setTimeout(() => void this.#look(), ms);
    this.#timer.unref();
  }

  async #look(): Promise<void> {
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
    }
    this.#lookIn(this.#hasEvents ? LOOK_BESIDE_EVENTS_MS : LOOK_MS);
  }
}
