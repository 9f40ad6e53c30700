/**
 * When what endpoints tell of has changed, which those who read them measure delays by
 * (staging/src/k8s.io/endpointslice/util/trigger_time_tracker.go).
 */
import type { Pod, Service } from '@keelson/api/generated/types/core/v1';
import { formatTime, millisOf } from '@keelson/api/time';
import { storeKey } from '@keelson/client';
import { podCondition } from '../pods/state.ts';

const ANNOTATION = 'endpoints.kubernetes.io/last-change-trigger-time';

interface Seen {
  readonly service: number;
  /** By name of the pod. */
  readonly pods: ReadonlyMap<string, number>;
}

export class TriggerTimes {
  readonly #seen = new Map<string, Seen>();

  /**
   * To be asked whenever a service is looked at, also where nothing comes of it.
   * @returns the earliest of the changes since the last time, in milliseconds; of a service that is new, its beginning
   */
  next(service: Service, pods: readonly Pod[]): number | undefined {
    const before = this.#seen.get(storeKey(service));
    const created = timeOf(service.metadata.creationTimestamp);
    const times = new Map(
      pods.flatMap((pod) => {
        const time = timeOf(podCondition(pod, 'Ready')?.lastTransitionTime);
        return time === undefined ? [] : [[pod.metadata.name!, time] as const];
      }),
    );
    this.#seen.set(storeKey(service), { service: created ?? 0, pods: times });
    if (!before) return created;
    const changed = [...times].filter(([name, time]) => time > (before.pods.get(name) ?? 0)).map(([, time]) => time);
    if (created !== undefined && created > before.service) changed.push(created);
    return changed.length === 0 ? undefined : Math.min(...changed);
  }

  /** @param key of a service that is gone */
  forget(key: string): void {
    this.#seen.delete(key);
  }
}

/** Annotations that tell of the change; where there was none, they do not. */
export function withTriggerTime(
  annotations: Readonly<Record<string, string>> | undefined,
  at: number | undefined,
): Record<string, string> {
  const { [ANNOTATION]: _, ...others } = annotations ?? {};
  return { ...others, ...(at === undefined ? {} : { [ANNOTATION]: formatTime(new Date(at)) }) };
}

function timeOf(text: string | null | undefined): number | undefined {
  return text ? millisOf(text) : undefined;
}
