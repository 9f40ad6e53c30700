/**
 * Pods that are being scheduled, and what happened meanwhile: an event may help a pod that is only about to be rejected.
 *
 *     log:  pod A │ event 1 │ pod B │ event 2      A has missed 1 and 2, B has missed 2; when A is done, 1 can go.
 */
import type { TypedObject } from '@keelson/api/object';
import type { ClusterEvent } from '../framework/events.ts';

export interface Happening {
  readonly event: ClusterEvent;
  readonly old: TypedObject | undefined;
  readonly now: TypedObject | undefined;
}

type Entry = { readonly uid: string } | Happening | undefined;

export class InFlight {
  /** `undefined` where a pod is done. */
  #log: Entry[] = [];
  /** How many entries before the log have been forgotten. */
  #forgotten = 0;
  /** Where in the log each pod is, with what was forgotten counted. */
  readonly #places = new Map<string, number>();

  get size(): number {
    return this.#places.size;
  }

  /** How many entries there are of each label; pods have that of `PodPopped`. */
  counts(): Map<string, number> {
    const counts = new Map<string, number>();
    for (const entry of this.#log) {
      if (entry === undefined) continue;
      const label = 'event' in entry ? entry.event.label : 'PodPopped';
      counts.set(label, (counts.get(label) ?? 0) + 1);
    }
    return counts;
  }

  has(uid: string): boolean {
    return this.#places.has(uid);
  }

  /** @returns false when it is in flight already */
  begin(uid: string): boolean {
    if (this.#places.has(uid)) return false;
    this.#places.set(uid, this.#forgotten + this.#log.length);
    this.#log.push({ uid });
    return true;
  }

  happened(event: Happening): void {
    if (this.#places.size === 0) return;
    this.#log.push(event);
  }

  since(uid: string): Happening[] {
    const place = this.#places.get(uid);
    if (place === undefined) return [];
    return this.#log.slice(place - this.#forgotten + 1).filter((entry) => entry !== undefined && 'event' in entry);
  }

  done(uid: string): void {
    const place = this.#places.get(uid);
    if (place === undefined) return;
    this.#places.delete(uid);
    this.#log[place - this.#forgotten] = undefined;
    let forget = 0;
    while (forget < this.#log.length && !isPod(this.#log[forget])) forget += 1;
    if (forget === 0) return;
    this.#log = this.#log.slice(forget);
    this.#forgotten += forget;
  }
}

function isPod(entry: Entry): boolean {
  return entry !== undefined && 'uid' in entry;
}
