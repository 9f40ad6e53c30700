import type { Clock } from '@keelson/api/clock';
import { CompactedError, StoreUnavailableError, type Watch, type WatchEvent, type WatchOptions } from '../store.ts';
import type { Connection, DuplexStream } from './connection.ts';
import { etcd, type WatchRequest, type WatchResponse } from './messages.ts';

const RECONNECT_MS = 50;
const MAX_RECONNECT_MS = 2000;
/** etcd drops a progress request while one of the stream's watches lags behind, so it is repeated until answered. */
const PROGRESS_RETRY_MS = 100;
/** A progress request that has not been answered for this long never will be. */
const PROGRESS_LOST_MS = 10_000;

/** A member that was asked for progress and says nothing at all for so long hangs. */
const SILENCE_MS = 5000;

/** The id in an answer to a progress request. */
const ALL_WATCHES = -1;

interface Watcher {
  id: number;
  readonly options: WatchOptions;
  readonly key: Buffer;
  readonly rangeEnd: Buffer;
  /** The first revision that was not delivered; where to go on after a reconnection. */
  next: number;
  /** Events of an answer whose rest is still to come. */
  fragments: WatchEvent[];
  /** The revision at which the current stream's etcd has confirmed the watch. */
  confirmedAt: number | undefined;
  /** Of the progress answers to come, so many may be to requests from before the watch was. */
  staleAnswers: number;
  /** It is to tell that it has come so far; 0: there is nothing to tell. */
  progressWanted: number;
  /** What etcd said at last that history begins at. */
  compacted: number;
  /** That it has been confirmed once, or is over. */
  readonly onConfirmed: () => void;
}

type Stream = DuplexStream<WatchRequest>;

/**
 * All watches of a store on one gRPC stream. When the stream breaks, a new one is opened to another
 * endpoint, and each watch goes on from the revision after the last one that it was told of.
 */
export class WatchStream {
  readonly #connection: Connection;
  readonly #clock: Clock;
  readonly #toEvent: (event: WatchResponse['events'][number]) => WatchEvent;
  readonly #afterTurn: (work: () => void) => void;
  readonly #watchers = new Map<number, Watcher>();
  #stream: Stream | undefined;
  #endStream: (() => void) | undefined;
  #endpoint = '';
  #lastId = 0;
  #failures = 0;
  #cancelReconnect: (() => void) | undefined;
  #cancelProgressRetry: (() => void) | undefined;
  #willAsk = false;
  /** When progress requests were sent that have not been answered. */
  #unanswered: number[] = [];
  /** Since when progress is wanted without a break, and when the stream said something at last. */
  #askingSince: number | undefined;
  #heardAt = 0;
  #closed = false;

  /** @param afterTurn has work done when what came in one turn of the event loop was taken, in the order in which it was given */
  constructor(
    connection: Connection,
    clock: Clock,
    toEvent: (event: WatchResponse['events'][number]) => WatchEvent,
    afterTurn: (work: () => void) => void = setImmediate,
  ) {
    this.#connection = connection;
    this.#clock = clock;
    this.#toEvent = toEvent;
    this.#afterTurn = afterTurn;
    // A stream to a member that hangs would be silent until its connection is found to be dead.
    connection.onSilence = (endpoint) => {
      if (endpoint === this.#endpoint) this.#endStream?.();
    };
  }

  /** @param key where etcd's range of the watched keys begins @param rangeEnd where it ends */
  watch(key: Buffer, rangeEnd: Buffer, options: WatchOptions): Watch {
    const { promise: confirmed, resolve: onConfirmed } = Promise.withResolvers<void>();
    const watcher: Watcher = {
      id: ++this.#lastId,
      options,
      key,
      rangeEnd,
      next: Math.max(1, options.fromRevision),
      fragments: [],
      confirmedAt: undefined,
      staleAnswers: 0,
      progressWanted: 0,
      compacted: 0,
      onConfirmed,
    };
    this.#watchers.set(watcher.id, watcher);
    if (this.#stream !== undefined) this.#create(watcher);
    else if (this.#cancelReconnect === undefined) this.#connect();
    return {
      confirmed,
      close: () => {
        if (!this.#watchers.delete(watcher.id)) return;
        onConfirmed();
        this.#stream?.write({ cancel_request: { watch_id: watcher.id } });
      },
    };
  }

  requestProgress(revision: number): void {
    for (const watcher of this.#watchers.values()) {
      if (watcher.next <= revision) watcher.progressWanted = Math.max(watcher.progressWanted, revision);
    }
    this.#askForProgressOnce();
  }

  close(): void {
    this.#closed = true;
    for (const { onConfirmed } of this.#watchers.values()) onConfirmed();
    this.#watchers.clear();
    this.#cancelReconnect?.();
    this.#cancelProgressRetry?.();
    this.#stream?.cancel();
  }

  #connect(): void {
    const { endpoint } = this.#connection;
    const onEnd = () => this.#onEnd(stream, endpoint);
    const onMessage = (response: WatchResponse) => {
      if (stream !== this.#stream) return;
      this.#heardAt = this.#clock.now();
      // What is told of a write comes with the answer to it, for which somebody waits: that one goes first.
      this.#afterTurn(() => {
        if (stream === this.#stream) this.#onResponse(response);
      });
    };
    const stream: Stream = this.#connection.stream(etcd.watch, onMessage, onEnd);
    this.#stream = stream;
    this.#endStream = onEnd;
    this.#endpoint = endpoint;
    this.#unanswered = [];
    this.#askingSince = undefined;
    for (const watcher of this.#watchers.values()) this.#create(watcher);
    this.#askForProgress();
  }

  #onEnd(stream: Stream, endpoint: string): void {
    if (stream !== this.#stream || this.#closed) return;
    this.#stream = undefined;
    for (const watcher of this.#watchers.values()) watcher.confirmedAt = undefined;
    stream.cancel();
    this.#connection.failOver(endpoint);
    const delay = Math.min(MAX_RECONNECT_MS, RECONNECT_MS * 2 ** Math.min(this.#failures++, 10));
    this.#cancelReconnect = this.#clock.after(delay, () => {
      this.#cancelReconnect = undefined;
      this.#connect();
    });
  }

  #create(watcher: Watcher): void {
    const { id, key, rangeEnd, next } = watcher;
    watcher.fragments = [];
    const lost = this.#clock.now() - PROGRESS_LOST_MS;
    this.#unanswered = this.#unanswered.filter((sentAt) => sentAt > lost);
    watcher.staleAnswers = this.#unanswered.length;
    // One revision more than is wanted: etcd reports no progress while a watch of the stream starts in the future, which
    // one that starts right after the newest write would do. Where that one is compacted, `next` is in the past. Where all
    // stand at the same revision nobody waits for progress up to it, and etcd lets a watch that starts in the past wait for
    // as long as 100 ms before it tells it anything.
    const isPast = watcher.compacted === next;
    const start_revision = isPast || this.#areAllAt(next) ? next : Math.max(1, next - 1);
    this.#stream!.write({ create_request: { watch_id: id, key, range_end: rangeEnd, start_revision, fragment: true } });
  }

  #areAllAt(next: number): boolean {
    for (const watcher of this.#watchers.values()) if (watcher.next !== next) return false;
    return true;
  }

  #onResponse(response: WatchResponse): void {
    const revision = response.header.revision;
    const id = response.watch_id;
    const watcher = this.#watchers.get(id);
    if (id === ALL_WATCHES) {
      this.#onProgress(revision);
    } else if (response.canceled) {
      if (watcher !== undefined) this.#onCanceled(watcher, response);
    } else if (response.created) {
      this.#failures = 0;
      if (watcher !== undefined) this.#onCreated(watcher, revision);
    } else if (response.events.length > 0) {
      if (watcher !== undefined) this.#onEvents(watcher, response);
    }
  }

  #onCreated(watcher: Watcher, revision: number): void {
    watcher.confirmedAt = revision;
    watcher.onConfirmed();
    if (watcher.progressWanted > 0) this.#askForProgressOnce();
  }

  #onCanceled(watcher: Watcher, response: WatchResponse): void {
    this.#watchers.delete(watcher.id);
    const compacted = response.compact_revision;
    // etcd keeps what compaction has ended among the stream's watches, as one that lags behind, and tells of no progress.
    if (compacted > 0) this.#stream?.write({ cancel_request: { watch_id: watcher.id } });
    if (compacted === watcher.next && watcher.compacted !== compacted) {
      watcher.compacted = compacted;
      watcher.id = ++this.#lastId; // etcd takes an id only once.
      this.#watchers.set(watcher.id, watcher);
      this.#create(watcher);
      return;
    }
    watcher.onConfirmed();
    const reason = `etcd at ${this.#connection.endpoint} ended the watch: ${response.cancel_reason}`;
    watcher.options.onError(compacted > 0 ? new CompactedError(compacted) : new StoreUnavailableError(reason));
  }

  #onEvents(watcher: Watcher, response: WatchResponse): void {
    const wanted = response.events.map(this.#toEvent).filter((event) => revisionOf(event) >= watcher.next);
    watcher.fragments.push(...wanted);
    if (response.fragment) return;
    const events = watcher.fragments;
    watcher.fragments = [];
    const last = events.at(-1);
    if (last === undefined) return;
    // Not the header's revision: an answer to a watch that lags behind carries the newest one.
    const revision = revisionOf(last);
    watcher.next = revision + 1;
    watcher.options.onBatch({ events, revision });
  }

  /**
   * Takes an answer to a progress request, which etcd gives when all of the stream's watches have seen everything: all that
   * there are when it comes to the request, and it takes requests in order. An answer is as good as the watch if it is
   * newer, or if as many came before it as requests were unanswered when the watch was asked for.
   */
  #onProgress(revision: number): void {
    this.#unanswered.shift();
    for (const watcher of this.#watchers.values()) {
      const { confirmedAt, staleAnswers } = watcher;
      if (staleAnswers > 0) watcher.staleAnswers--;
      // The answer has overtaken the confirmation.
      if (confirmedAt === undefined) continue;
      const isStale = staleAnswers > 0 && revision <= confirmedAt;
      if (!isStale && watcher.progressWanted > 0) this.#reportProgress(watcher, revision);
    }
  }

  /** The answer may be to an earlier request, or of a member that lags behind the one that told of the revision. */
  #reportProgress(watcher: Watcher, revision: number): void {
    if (revision >= watcher.progressWanted) watcher.progressWanted = 0;
    watcher.next = Math.max(watcher.next, revision + 1);
    watcher.options.onBatch({ events: [], revision });
  }

  /** Who wants it in one turn of the event loop, and is confirmed in it, shares a request. */
  #askForProgressOnce(): void {
    if (this.#willAsk) return;
    this.#willAsk = true;
    this.#afterTurn(() => {
      this.#willAsk = false;
      this.#askForProgress();
    });
  }

  #askForProgress(): void {
    const wanted = [...this.#watchers.values()].some(({ progressWanted }) => progressWanted > 0);
    if (!wanted || this.#stream === undefined) {
      this.#askingSince = undefined;
      return;
    }
    const now = this.#clock.now();
    this.#askingSince ??= now;
    if (now - Math.max(this.#askingSince, this.#heardAt) > SILENCE_MS) {
      this.#endStream?.();
      return;
    }
    this.#stream.write({ progress_request: {} });
    this.#unanswered.push(now);
    this.#cancelProgressRetry?.();
    this.#cancelProgressRetry = this.#clock.after(PROGRESS_RETRY_MS, () => {
      this.#cancelProgressRetry = undefined;
      this.#askForProgress();
    });
  }
}

const revisionOf = (event: WatchEvent) => (event.type === 'put' ? event.kv.modRevision : event.modRevision);
