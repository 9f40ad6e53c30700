/**
 * Pods that failed and wait before they are tried again: longer each time (pkg/scheduler/backend/queue/backoff_queue.go).
 * Those that were rejected may be taken early when nothing else is to do; those that met an error may not.
 */
import { Heap } from './heap.ts';
import type { QueuedPod } from './queued-pod.ts';

/** Ends of back-off are rounded down to it, so that within one pods come by priority. */
export const WINDOW_MS = 1000;

export interface BackoffOptions {
  readonly initialMs: number;
  /** 0: there is no back-off. */
  readonly maxMs: number;
  readonly now: () => number;
  readonly compare: (a: QueuedPod, b: QueuedPod) => number;
}

const keyOf = (pod: QueuedPod) => pod.key;

export class BackoffQueue {
  readonly #options: BackoffOptions;
  readonly #rejected: Heap<QueuedPod>;
  readonly #broken: Heap<QueuedPod>;

  constructor(options: BackoffOptions) {
    this.#options = options;
    const byEnd = (a: QueuedPod, b: QueuedPod) => this.endOf(a) - this.endOf(b);
    this.#rejected = new Heap(keyOf, (a, b) => byEnd(a, b) || options.compare(a, b));
    this.#broken = new Heap(keyOf, byEnd);
  }

  get size(): number {
    return this.#rejected.size + this.#broken.size;
  }

  get(key: string): QueuedPod | undefined {
    return this.#rejected.get(key) ?? this.#broken.get(key);
  }

  put(pod: QueuedPod): void {
    const [into, other] = pod.isRejected ? [this.#rejected, this.#broken] : [this.#broken, this.#rejected];
    other.remove(pod.key);
    into.put(pod);
  }

  remove(key: string): QueuedPod | undefined {
    return this.#rejected.remove(key) ?? this.#broken.remove(key);
  }

  /** The one whose back-off ends first, whether it has ended or not. */
  popEarly(): QueuedPod | undefined {
    return this.#rejected.pop();
  }

  /** Whether {@link popEarly} has one. */
  get hasEarly(): boolean {
    return this.#rejected.size > 0;
  }

  popEnded(): QueuedPod[] {
    const ended: QueuedPod[] = [];
    for (const heap of [this.#rejected, this.#broken]) {
      for (let first = heap.peek(); first && !this.isBackingOff(first); first = heap.peek()) ended.push(heap.pop()!);
    }
    return ended;
  }

  isBackingOff(pod: QueuedPod): boolean {
    return this.endOf(pod) >= windowOf(this.#options.now());
  }

  /** Milliseconds since the epoch; 0 for a pod that never failed. */
  endOf(pod: QueuedPod): number {
    const count = pod.errors > 0 ? pod.errors : pod.failures;
    if (this.#options.maxMs === 0 || count === 0) return 0;
    pod.backoffUntil ??= windowOf(pod.timestamp + this.#duration(count));
    return pod.backoffUntil;
  }

  #duration(count: number): number {
    const { initialMs, maxMs } = this.#options;
    return Math.min(maxMs, initialMs * 2 ** (count - 1));
  }
}

function windowOf(time: number): number {
  return time - (time % WINDOW_MS);
}
