/**
 * Events of events.k8s.io/v1 (client-go/tools/events/event_broadcaster.go): the second of a kind makes the first one a
 * series, further ones are only counted here. A series is told of every half hour, and for the last time when it was quiet
 * for six minutes.
 */
import type { Clock } from '@keelson/api/clock';
import type { Event } from '@keelson/api/generated/types/events/v1';
import { formatMicroTime } from '@keelson/api/time';
import { namespaceOf, type Occurrence, type Source, type Teller, type Telling } from './occurrence.ts';

const QUIET_MS = 6 * 60 * 1000;
const REFRESH_MS = 30 * 60 * 1000;
/** A note may have so many bytes. */
const NOTE_LIMIT = 1024;
const REMEMBERED = 10_000;

interface Series {
  readonly event: Event;
  count: number;
  /** Milliseconds since the epoch. */
  last: number;
  toldAt: number;
}

export class SeriesTeller implements Teller {
  readonly resource = 'events.events.k8s.io';
  /** Upstream has no bounds here: each event is told by a goroutine of its own. */
  readonly atOnce = 4;
  readonly maxQueued = 10_000;
  readonly housekeeping = { everyMs: QUIET_MS, due: () => this.#due() };
  readonly #source: Source;
  readonly #clock: Clock;
  readonly #series = new Map<string, Series>();

  constructor(source: Source, clock: Clock) {
    this.#source = source;
    this.#clock = clock;
  }

  tell(occurrence: Occurrence): Telling | undefined {
    const { type, action, reason, regarding, related, at } = occurrence;
    const key = JSON.stringify([type, action, reason, regarding, related]);
    const known = this.#series.get(key);
    if (!known) {
      const event = this.#event(occurrence);
      if (this.#series.size < REMEMBERED) this.#series.set(key, { event, count: 1, last: at, toldAt: at });
      return { event };
    }
    known.count += 1;
    known.last = at;
    return known.count === 2 ? this.#tellSeries(known) : undefined;
  }

  #tellSeries(series: Series): Telling {
    series.toldAt = this.#clock.now();
    const told = { series: { count: series.count, lastObservedTime: formatMicroTime(new Date(series.last)) } };
    return { event: { ...series.event, ...told }, patch: told };
  }

  #due(): Telling[] {
    const now = this.#clock.now();
    const due: Telling[] = [];
    for (const [key, series] of this.#series) {
      const over = now - series.last > QUIET_MS;
      if (over) this.#series.delete(key);
      if (series.count > 1 && (over || now - series.toldAt >= REFRESH_MS)) due.push(this.#tellSeries(series));
    }
    return due;
  }

  #event(occurrence: Occurrence): Event {
    const { regarding, related, type, reason, action, message, annotations, at, name } = occurrence;
    const { component, host } = this.#source;
    return {
      metadata: {
        name,
        namespace: namespaceOf(occurrence),
        ...(annotations ? { annotations: { ...annotations } } : {}),
      },
      eventTime: formatMicroTime(new Date(at)),
      reportingController: component,
      reportingInstance: host === '' ? component : `${component}-${host}`,
      action,
      reason,
      regarding,
      ...(related ? { related } : {}),
      note: Buffer.from(message)
        .subarray(0, NOTE_LIMIT)
        .toString()
        .replace(/\uFFFD$/, ''),
      type,
      deprecatedSource: {},
    };
  }
}
