/**
 * Who is told of an event. Subscribers that can only be interested in one namespace, or in one value of a label or field,
 * stand in a group of their own, so that an event costs nothing for those whom it does not concern: of thousands of
 * kubelets that watch their own pods, one hears of a pod.
 */
import type { CacheEvent, Subscriber } from './cacher.ts';
import { type Demand, valueIn } from './valueindex.ts';

/** What a subscriber can see at most; it looks closer itself. */
export interface Interest {
  /** '' for all. */
  readonly namespace: string;
  readonly demand: Demand | undefined;
}

const EVERYTHING: Interest = { namespace: '', demand: undefined };

export class Audience {
  readonly #groups = new Map<string, Set<Subscriber>>();
  /** The labels and fields by which there are groups, with the number of their groups. */
  readonly #watched = new Map<string, { readonly what: Demand; groups: number }>();

  /** @returns what ends it */
  add(subscriber: Subscriber, interest: Interest = EVERYTHING): () => void {
    const name = groupOf(interest);
    let group = this.#groups.get(name);
    if (!group) {
      group = new Set();
      this.#groups.set(name, group);
      this.#watch(interest.demand, 1);
    }
    group.add(subscriber);
    return () => {
      if (!group.delete(subscriber) || group.size > 0 || this.#groups.get(name) !== group) return;
      this.#groups.delete(name);
      this.#watch(interest.demand, -1);
    };
  }

  /** @param revision where the cache stands behind the events */
  tell(events: readonly CacheEvent[], revision: number): void {
    const byGroup = new Map<string, CacheEvent[]>();
    for (const event of events) {
      for (const name of this.#concerned(event)) {
        const known = byGroup.get(name);
        if (known) known.push(event);
        else byGroup.set(name, [event]);
      }
    }
    for (const [name, concerning] of byGroup) {
      for (const subscriber of this.#groups.get(name)!) subscriber.onEvents(concerning, revision);
    }
  }

  /** Whatever their interest. */
  tellAll(event: CacheEvent): void {
    for (const group of this.#groups.values()) {
      for (const subscriber of group) subscriber.onEvents([event], event.revision);
    }
  }

  /** Nobody is told any more. @returns who was */
  clear(): Subscriber[] {
    const all = [...this.#groups.values()].flatMap((group) => [...group]);
    this.#groups.clear();
    this.#watched.clear();
    return all;
  }

  /** The groups, of those that there are, that an event concerns: by what the object is and by what it was. */
  #concerned({ object, previous }: CacheEvent): Set<string> {
    const names = new Set<string>();
    const add = (interest: Interest): void => {
      const name = groupOf(interest);
      if (this.#groups.has(name)) names.add(name);
    };
    const addBoth = (demand: Demand | undefined): void => {
      add({ namespace: '', demand });
      if (object.namespace !== '') add({ namespace: object.namespace, demand });
    };
    addBoth(undefined);
    for (const { what } of this.#watched.values()) {
      for (const state of previous ? [object, previous] : [object]) {
        const value = valueIn(what, state);
        if (value !== undefined) addBoth({ ...what, value });
      }
    }
    return names;
  }

  #watch(demand: Demand | undefined, change: 1 | -1): void {
    if (!demand) return;
    const name = `${demand.of} ${demand.key}`;
    const watched = this.#watched.get(name) ?? { what: demand, groups: 0 };
    watched.groups += change;
    if (watched.groups > 0) this.#watched.set(name, watched);
    else this.#watched.delete(name);
  }
}

function groupOf({ namespace, demand }: Interest): string {
  return demand ? `${namespace}/${demand.of} ${demand.key}=${demand.value}` : namespace;
}
