import type { TypedObject } from '@keelson/api/object';
import { type ClusterEvent, isWildcard, matches } from '../framework/events.ts';
import type { Interest } from '../framework/plugin.ts';
import type { QueuedPod } from './queued-pod.ts';

/** What an event means for a pod that was rejected. */
export type Worth = 'skip' | 'after-backoff' | 'immediately';

/** Who waits for which events, by scheduler name. */
export type HintMap = ReadonlyMap<string, ReadonlyMap<string, readonly Interest[]>>;

/** Asks plugins whether an event is worth another attempt (pkg/scheduler/backend/queue/scheduling_queue.go). */
/** Told of what plugins have said, for metrics. */
export interface HintObserver {
  readonly seconds: () => number;
  hinted(plugin: string, event: string, hint: 'Queue' | 'QueueSkip' | 'Error', startedAt: number): void;
}

export class Hints {
  readonly #map: HintMap;
  readonly #failed: (plugin: string, error: unknown) => void;
  readonly #observer: HintObserver | undefined;
  /** Whether anybody waits for an event, by label. */
  readonly #interesting = new Map<string, boolean>();

  constructor(map: HintMap, failed: (plugin: string, error: unknown) => void, observer?: HintObserver) {
    this.#map = map;
    this.#failed = failed;
    this.#observer = observer;
  }

  eventsOf(schedulerName: string, plugin: string): readonly ClusterEvent[] {
    return (
      this.#map
        .get(schedulerName)
        ?.get(plugin)
        ?.map(({ event }) => event) ?? []
    );
  }

  isInteresting(event: ClusterEvent): boolean {
    if (isWildcard(event)) return true;
    let known = this.#interesting.get(event.label);
    if (known === undefined) {
      known = [...this.#map.values()].some((plugins) =>
        [...plugins.values()].some((interests) => interests.some((each) => matches(each.event, event))),
      );
      this.#interesting.set(event.label, known);
    }
    return known;
  }

  worth(pod: QueuedPod, event: ClusterEvent, old: TypedObject | undefined, now: TypedObject | undefined): Worth {
    if (!pod.isRejected) return 'after-backoff';
    if (isWildcard(event)) return now && now.metadata.uid !== pod.uid ? 'skip' : 'after-backoff';
    const plugins = this.#map.get(pod.schedulerName);
    if (!plugins) return 'after-backoff';
    let worth: Worth = 'skip';
    for (const name of pod.rejectors()) {
      for (const interest of plugins.get(name) ?? []) {
        if (!matches(interest.event, event) || !this.#helps(name, interest, pod, event, old, now)) continue;
        if (pod.pendingBy.has(name)) return 'immediately';
        if (pod.pendingBy.size === 0) return 'after-backoff';
        worth = 'after-backoff';
      }
    }
    return worth;
  }

  #helps(
    plugin: string,
    interest: Interest,
    { info }: QueuedPod,
    event: ClusterEvent,
    old: TypedObject | undefined,
    now: TypedObject | undefined,
  ): boolean {
    const startedAt = this.#observer?.seconds() ?? 0;
    const observed = (hint: 'Queue' | 'QueueSkip' | 'Error') =>
      this.#observer?.hinted(plugin, event.label, hint, startedAt);
    try {
      const helps = interest.helps?.(info, old, now) ?? true;
      observed(helps ? 'Queue' : 'QueueSkip');
      return helps;
    } catch (error) {
      observed('Error');
      this.#failed(plugin, error);
      return true;
    }
  }
}
