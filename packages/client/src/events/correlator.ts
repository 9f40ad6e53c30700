/**
 * Events of core/v1 (client-go/tools/record/events_cache.go):
 *
 *     occurrence ─▶ more than 10 different messages of one reason within 10 minutes? "(combined from similar events): …"
 *                ─▶ told before? count + 1, as a patch
 *                ─▶ more than 25 about one object, refilled by one in 5 minutes? nothing is told
 */
import type { Clock } from '@keelson/api/clock';
import type { Event } from '@keelson/api/generated/types/core/v1';
import { formatTime } from '@keelson/api/time';
import { TokenBucket } from '../rest/ratelimit.ts';
import { Lru } from './lru.ts';
import { namespaceOf, type Occurrence, type Source, type Teller, type Telling } from './occurrence.ts';

const REMEMBERED = 4096;
const SIMILAR = 10;
const SIMILAR_WITHIN_MS = 10 * 60 * 1000;
const BURST = 25;
const PER_SECOND = 1 / 300;

interface Group {
  readonly messages: Set<string>;
  at: number;
}

interface Told {
  count: number;
  readonly first: string;
  readonly name: string;
}

export class Correlator implements Teller {
  readonly resource = 'events';
  readonly atOnce = 1;
  readonly maxQueued = 1000;
  readonly #source: Source;
  readonly #clock: Clock;
  readonly #groups = new Lru<Group>(REMEMBERED);
  readonly #told = new Lru<Told>(REMEMBERED);
  readonly #buckets = new Lru<TokenBucket>(REMEMBERED);

  constructor(source: Source, clock: Clock) {
    this.#source = source;
    this.#clock = clock;
  }

  tell(occurrence: Occurrence): Telling | undefined {
    const { key, message } = this.#combined(occurrence);
    const before = this.#told.get(key);
    const time = formatTime(new Date(occurrence.at));
    const told: Told = before
      ? { ...before, count: before.count + 1 }
      : { count: 1, first: time, name: occurrence.name };
    this.#told.set(key, told);
    if (!this.#bucket(occurrence).tryTake()) return undefined;
    const event = this.#event(occurrence, told, message, time);
    return before ? { event, patch: { count: told.count, lastTimestamp: time, message } } : { event };
  }

  /** The key of the event that tells of it, and in which words. */
  #combined(occurrence: Occurrence): { key: string; message: string } {
    const { type, reason, message, at, regarding } = occurrence;
    const about = [...aboutObject(occurrence), type, reason];
    const groupKey = JSON.stringify(about);
    const known = this.#groups.get(groupKey);
    const group = known && at - known.at <= SIMILAR_WITHIN_MS ? known : { messages: new Set<string>(), at };
    group.messages.add(message);
    group.at = at;
    this.#groups.set(groupKey, group);
    if (group.messages.size < SIMILAR) {
      return { key: JSON.stringify([...about, regarding.fieldPath, message]), message };
    }
    for (const any of group.messages) {
      group.messages.delete(any);
      break;
    }
    return { key: groupKey, message: `(combined from similar events): ${message}` };
  }

  #bucket(occurrence: Occurrence): TokenBucket {
    const key = JSON.stringify([...aboutObject(occurrence), occurrence.type]);
    const bucket = this.#buckets.get(key) ?? new TokenBucket(PER_SECOND, BURST, this.#clock);
    this.#buckets.set(key, bucket);
    return bucket;
  }

  #event(occurrence: Occurrence, { count, first, name }: Told, message: string, time: string): Event {
    const { regarding, related, type, reason, action, annotations } = occurrence;
    const { component, host } = this.#source;
    return {
      metadata: {
        name,
        namespace: namespaceOf(occurrence),
        ...(annotations ? { annotations: { ...annotations } } : {}),
      },
      involvedObject: regarding,
      ...(related ? { related } : {}),
      reason,
      message,
      source: { component, ...(host === '' ? {} : { host }) },
      firstTimestamp: first,
      lastTimestamp: time,
      count,
      type,
      ...(action === '' ? {} : { action }),
      reportingComponent: component,
      reportingInstance: host,
    };
  }
}

function aboutObject({ regarding }: Occurrence): (string | undefined)[] {
  return [regarding.kind, regarding.namespace, regarding.name, regarding.uid, regarding.apiVersion];
}
