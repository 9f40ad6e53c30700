/** How many seats a request takes, and for how long beyond its answer (apiserver/pkg/util/flowcontrol/request). */
import type { RequestInfo } from '../requestinfo.ts';
import type { WatchTracker } from './watches.ts';

export interface Work {
  /** While it is served. */
  readonly seats: number;
  /** After its answer, for `lingerMs`. */
  readonly finalSeats: number;
  readonly lingerMs: number;
}

/** What the cache of a resource holds. */
export interface Contents {
  readonly count: number;
  readonly bytes: number;
}

const MAX_LIST_SEATS = 100;
const MAX_WRITE_SEATS = 10;
const BYTES_PER_SEAT = 100_000;
/** Answers from the cache are written piece by piece. */
const MAX_CACHED_BYTES = 1_000_000;
const MAX_OBJECT_BYTES = 1_500_000;
const WATCHES_PER_SEAT = 10;
/** What a seat's worth of watches does with one event. */
const EVENT_MS = 5;

const PLAIN: readonly Work[] = Array.from({ length: MAX_LIST_SEATS + 1 }, (_, seats) => ({
  seats,
  finalSeats: 0,
  lingerMs: 0,
}));
const ONE_SEAT = PLAIN[1]!;
const WRITES: ReadonlySet<string> = new Set(['create', 'update', 'patch', 'delete']);

export class WorkEstimator {
  readonly #contentsOf: (info: RequestInfo) => Contents | undefined;
  readonly #watches: WatchTracker;

  /** @param contentsOf undefined for a resource that is not served here */
  constructor(contentsOf: (info: RequestInfo) => Contents | undefined, watches: WatchTracker) {
    this.#contentsOf = contentsOf;
    this.#watches = watches;
  }

  /** @param maxSeats of one request in its level; 0: no bound of the level's own */
  estimate(info: RequestInfo, maxSeats: number): Work {
    if (info.verb === 'get') return ONE_SEAT;
    if (info.verb === 'list' || info.verb === 'watch') return this.#ofList(info, bounded(maxSeats, MAX_LIST_SEATS));
    return WRITES.has(info.verb) ? this.#ofWrite(info, bounded(maxSeats, MAX_WRITE_SEATS)) : ONE_SEAT;
  }

  #ofList(info: RequestInfo, maxSeats: number): Work {
    const { query, verb } = info;
    if (!isInteger(query.get('limit')) || !isInteger(query.get('timeoutSeconds'))) return PLAIN[maxSeats]!;
    if (verb === 'watch' && !beginsWithState(query)) return ONE_SEAT;
    const contents = this.#contentsOf(info);
    if (contents === undefined) return ONE_SEAT;
    const cached = verb === 'watch' || isFromCache(query);
    const bytes = heldBytes(contents, info, cached);
    const seats = Math.ceil((cached ? Math.min(bytes, MAX_CACHED_BYTES) : bytes) / BYTES_PER_SEAT);
    return PLAIN[Math.max(1, Math.min(seats, maxSeats))]!;
  }

  /** The fewer seats may be had at once, the longer they are kept: the work is the same. */
  #ofWrite(info: RequestInfo, maxSeats: number): Work {
    const makesNoEvent = info.resource === 'serviceaccounts' && info.subresource === 'token';
    const watches = makesNoEvent ? 0 : this.#watches.interestedIn(info);
    if (watches < WATCHES_PER_SEAT) return ONE_SEAT;
    const wanted = Math.ceil(watches / WATCHES_PER_SEAT);
    const finalSeats = Math.min(wanted, maxSeats);
    return { seats: 1, finalSeats, lingerMs: (wanted * EVENT_MS) / finalSeats };
  }
}

function bounded(maxSeats: number, limit: number): number {
  return maxSeats === 0 || maxSeats > limit ? limit : maxSeats;
}

function isInteger(value: string | null): boolean {
  return value === null || value === '' || /^[+-]?\d+$/.test(value);
}

function beginsWithState(query: URLSearchParams): boolean {
  const initial = query.get('sendInitialEvents');
  const revision = query.get('resourceVersion') ?? '';
  return revision === '' || revision === '0' || (initial !== null && initial !== 'false' && initial !== '0');
}

/** Whether kube-apiserver would answer from its cache (storage/cacher/delegator). */
function isFromCache(query: URLSearchParams): boolean {
  const revision = query.get('resourceVersion') ?? '';
  switch (query.get('resourceVersionMatch') ?? '') {
    case 'NotOlderThan':
      return true;
    case '': {
      if ((query.get('continue') ?? '') !== '') return false;
      return !(Number(query.get('limit') ?? 0) > 0 && revision !== '' && revision !== '0');
    }
    default:
      return false;
  }
}

function heldBytes({ count, bytes }: Contents, info: RequestInfo, cached: boolean): number {
  const average = count === 0 ? 0 : bytes > 0 ? bytes / count : MAX_OBJECT_BYTES;
  if (info.name !== '') return average;
  const limit = Number(info.query.get('limit') ?? 0);
  const page = limit > 0 && limit < count ? limit : count;
  const selects = info.fieldSelector !== '' || info.labelSelector !== '';
  return average * (selects && !cached ? Math.max(page, count / 2) : page);
}
