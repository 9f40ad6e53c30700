/**
 * WATCH: the state (if asked for), then every change that the selection sees, until the timeout
 * (apiserver/pkg/endpoints/handlers/watch.go, storage/cacher/cache_watcher.go).
 *
 *     starting ──▶ initial events ──▶ [bookmark: initial-events-end] ──▶ live ──▶ ended (timeout, client gone, too slow, cache lost)
 */
import { resourceExpired } from '@keelson/api/errors';
import { notAcceptable } from '../http/negotiate.ts';
import type { Lifecycle } from '../lifecycle.ts';
import { labelsOfResource } from '../metrics/labels.ts';
import type { WatchSeries } from '../metrics/server-metrics.ts';
import type { CacheEvent, Subscriber } from '../registry/cacher.ts';
import { eventsFromHistory } from '../registry/history.ts';
import { formOf } from '../table/form.ts';
import type { FanOut } from './fan-out.ts';
import { pieceOf } from './frames.ts';
import type { ListOptions } from './options.ts';
import type { Representation } from './representation.ts';
import { representationFor } from './representations.ts';
import { parseResourceVersion, resourceVersionTooLarge } from './revisions.ts';
import type { Scope } from './scope.ts';
import { onlyKey, type Selection, selectionOf } from './selection.ts';
import { unready } from './unready.ts';
import { openSink, type WatchSink } from './watch-sink.ts';

/** A watcher that has missed this much of what has happened since it came is let go; it will come back and list. */
const MAX_PENDING_BYTES = 32 * 1024 * 1024;
/** How much is written at once. */
const CHUNK_BYTES = 64 * 1024;
const BOOKMARK_INTERVAL_MS = 60_000;
/** The last bookmark comes this long before the timeout. */
const BOOKMARK_BEFORE_END_MS = 2_000;

export interface WatchLimits {
  /** Watches without a timeout of their own last between this and twice as long. */
  readonly minRequestTimeoutSeconds: number;
  /** In [0, 1). */
  readonly random: () => number;
  readonly lifecycle: Lifecycle;
  readonly fanOut: FanOut;
}

/** Resolves when the watch is over. @throws StatusError before the answer has begun, what goes wrong with an event after that */
export async function watchObjects(scope: Scope, options: ListOptions, limits: WatchLimits): Promise<void> {
  const selection = selectionOf(scope, options);
  const revision = parseResourceVersion(options.resourceVersion);
  const { cacher, isUncached } = scope.store;
  const current = await untilHeld(scope, revision, options);
  checkStreamable(scope);
  const stream = new WatchStream(scope, selection, options, representationFor(scope), limits.fanOut);
  const seconds = options.timeoutSeconds || limits.minRequestTimeoutSeconds * (1 + limits.random());
  const ended = limits.lifecycle.registerWatch(() => stream.end());
  stream.ended.then(ended, ended);
  if (!(await stream.begin(seconds * 1000))) return;
  // Of old, a watch from nowhere begins with the state.
  const fromState = options.sendInitialEvents ?? revision === 0;
  if (seconds < 0) stream.end();
  else if (fromState && revision > current) {
    const retryAfter = isUncached ? 1 + Math.floor(limits.random() * 3) : 1;
    stream.fail(resourceVersionTooLarge(revision, current, retryAfter));
  } else if (fromState) {
    const listed = scope.metrics.startWatchList(labelsOfResource(scope.ctx.info, scope.ctx.exchange.method, ''));
    stream.startFromState();
    listed();
  } else if (revision === 0) stream.startFrom(cacher.revision);
  else if (!stream.startFrom(revision)) await startFromHistory(scope, stream, revision);
  scope.ctx.onInitialized?.();
  await stream.ended;
}

/** @returns the newest revision held. @throws StatusError 429 while an object can't be read: who watches sees all of them */
async function untilHeld({ store, served }: Scope, revision: number, options: ListOptions): Promise<number> {
  const { cacher } = store;
  // What the cache holds already needs no word of the store's, which may have none to say.
  const isHeld = revision > 0 && revision <= cacher.revision;
  try {
    if (!isHeld && options.resourceVersion !== '0') return await cacher.fresh();
    await cacher.ready();
    return cacher.revision;
  } catch (error) {
    const { obstacle } = cacher;
    throw obstacle && obstacle.error === error ? unready(served, obstacle) : error;
  }
}

/** YAML has no form for a stream of events. @throws StatusError 406 */
function checkStreamable({ output }: Scope): void {
  if (output.mediaType === 'application/yaml') throw notAcceptable(STREAMABLE);
}
const STREAMABLE = ['application/json;stream=watch', 'application/vnd.kubernetes.protobuf;stream=watch'];

/** The ring no longer reaches back so far, the store's history may. */
async function startFromHistory(scope: Scope, stream: WatchStream, revision: number): Promise<void> {
  const { store } = scope;
  const oldest = store.cacher.oldestRevision;
  const events = await eventsFromHistory(store, revision);
  if (!events) {
    const why = store.isUncached
      ? 'The resourceVersion for the provided watch is too old.'
      : `too old resource version: ${revision} (${oldest})`;
    stream.fail(resourceExpired(why));
  } else stream.startFromEvents(events.events, events.revision);
}

/** What is still to be written: events, alone or all that came at once, which others share, and frames that are made when it is their turn. */
type Pending = CacheEvent | readonly CacheEvent[] | (() => Buffer);

class WatchStream implements Subscriber {
  readonly ended: Promise<void>;
  readonly #scope: Scope;
  readonly #selection: Selection;
  readonly #options: ListOptions;
  readonly #representation: Representation;
  /** Events were asked for as lists, which they are not: the first one ends the watch. */
  readonly #isMisfit: boolean;
  /** Whether it is sent all events that it is told of, in a form that others share, one right behind the other. */
  #takesBatches = false;
  #finish!: () => void;
  #abandon!: (error: unknown) => void;
  #out: WatchSink | undefined;
  #unsubscribe: (() => void) | undefined;
  readonly #series: WatchSeries;
  readonly #timers: NodeJS.Timeout[] = [];
  #pending: Pending[] = [];
  /** Of them, how many bytes of objects have come since the watch began. */
  #pendingBytes = 0;
  #isBlocked = false;
  /** Nothing more comes, but what is pending still goes out. */
  #isEnding = false;
  #isOver = false;
  #bookmarked = 0;

  readonly #fanOut: FanOut;
  readonly #writeInTurn = () => this.#write();

  constructor(
    scope: Scope,
    selection: Selection,
    options: ListOptions,
    representation: Representation,
    fanOut: FanOut,
  ) {
    this.#fanOut = fanOut;
    this.#scope = scope;
    this.#selection = selection;
    this.#options = options;
    this.#representation = representation;
    this.#isMisfit = formOf(scope.output.convert)?.kind === 'PartialObjectMetadataList';
    const { definition, version } = scope.served;
    this.#series = scope.metrics.watch(definition.group, version, definition.resource);
    this.ended = new Promise((resolve, reject) => {
      this.#finish = resolve;
      this.#abandon = reject;
    });
  }

  /** @returns false when there is nobody to be told: a handshake failed */
  async begin(timeoutMs: number): Promise<boolean> {
    const { ctx } = this.#scope;
    this.#out = await openSink(ctx, this.#representation.streamContentType, () => {
      this.#isBlocked = false;
      this.#write();
    });
    const { everything } = this.#selection;
    this.#takesBatches =
      everything && !this.#isMisfit && this.#representation.form !== undefined && !!this.#out?.isStream;
    // The server may have begun to end meanwhile.
    if (this.#isOver) this.#out?.end();
    if (!this.#out || this.#isOver) {
      this.#close();
      return false;
    }
    ctx.exchange.onClose(() => this.#close());
    this.#timers.push(setTimeout(() => this.end(), timeoutMs));
    if (!this.#options.allowWatchBookmarks) return true;
    this.#timers.push(setInterval(() => this.#bookmark(), BOOKMARK_INTERVAL_MS));
    if (timeoutMs > BOOKMARK_BEFORE_END_MS) {
      this.#timers.push(setTimeout(() => this.#bookmark(), timeoutMs - BOOKMARK_BEFORE_END_MS));
    }
    return true;
  }

  /** Everything there is as ADDED, then what comes. */
  startFromState(): void {
    const { cacher } = this.#scope.store;
    const { revision } = cacher;
    const { namespace, demands } = this.#selection;
    const key = onlyKey(this.#scope, this.#selection);
    const only = key === undefined ? undefined : cacher.get(key);
    const state = key === undefined ? cacher.listMatching(demands, namespace) : only ? [only] : [];
    this.#subscribe(revision);
    for (const object of state) {
      if (!this.#selection.matches(object)) continue;
      this.#series.initial.inc();
      this.#pending.push({ type: 'ADDED', revision, object, previous: undefined });
    }
    if (this.#options.sendInitialEvents && this.#options.allowWatchBookmarks) {
      this.#pending.push(() => this.#representation.bookmark(revision, true));
      this.#bookmarked = revision;
    }
    this.#write();
  }

  /** Everything after `revision`. @returns false when the cache does not reach back so far */
  startFrom(revision: number): boolean {
    return this.#subscribe(revision);
  }

  startFromEvents(events: readonly CacheEvent[], revision: number): void {
    // While they were read the client may have gone, or the server begun to end.
    if (this.#isEnding) return;
    this.#pending.push(...events);
    this.#write();
    if (!this.startFrom(revision)) this.end();
  }

  onEvents(events: readonly CacheEvent[]): void {
    const isReplay = this.#unsubscribe === undefined;
    let bytes = 0;
    for (const event of events) bytes += event.object.bytes.length;
    if (!isReplay) this.#pendingBytes += bytes;
    if (!isReplay && this.#takesBatches && events.length > 1 && bytes <= CHUNK_BYTES) this.#pending.push(events);
    else for (const event of events) this.#pending.push(event);
    if (this.#pendingBytes > MAX_PENDING_BYTES) this.#giveUp();
    else if (!this.#isBlocked) this.#fanOut.join(this.#writeInTurn);
  }

  onEnd(): void {
    this.end();
  }

  fail(error: { toStatus(): object }): void {
    this.#pending.push(() => this.#representation.error(error.toStatus()));
    this.end();
  }

  /** After what is pending. */
  end(): void {
    if (this.#isEnding) return;
    this.#isEnding = true;
    this.#unsubscribe?.();
    for (const timer of this.#timers) clearTimeout(timer);
    this.#write();
  }

  #subscribe(revision: number): boolean {
    const { namespace, demands } = this.#selection;
    this.#unsubscribe = this.#scope.store.cacher.subscribe(revision, this, { namespace, demand: demands[0] });
    return this.#unsubscribe !== undefined;
  }

  #giveUp(): void {
    this.#pending = [];
    this.end();
  }

  #close(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#pending = [];
    this.end();
    this.#finish();
  }

  /** Writes what is pending, as long as the connection takes it. An event that can't be told ends this watch, and no other. */
  #write(): void {
    try {
      this.#writePending();
    } catch (error) {
      this.#abandon(error);
      this.#close();
    }
  }

  #writePending(): void {
    if (this.#isMisfit && !this.#isEnding && this.#pending.some((each) => this.#frame(each))) {
      this.#giveUp();
      return;
    }
    let at = 0;
    while (!this.#isBlocked && !this.#isOver && at < this.#pending.length) {
      const frames: Buffer[] = [];
      for (let size = 0; at < this.#pending.length && size < CHUNK_BYTES; at++) {
        const frame = this.#frame(this.#pending[at]!);
        if (!frame) continue;
        frames.push(frame);
        size += frame.length;
      }
      if (frames.length === 0) continue;
      this.#isBlocked = !this.#out!.write(frames);
    }
    if (at > 0) this.#pending.splice(0, at);
    if (this.#pending.length > 0) return;
    this.#pendingBytes = 0;
    if (!this.#isEnding || this.#isOver) return;
    this.#isOver = true;
    this.#out?.end();
    this.#finish();
  }

  #frame(pending: Pending): Buffer | undefined {
    if (typeof pending === 'function') return pending();
    if ('length' in pending) return this.#batch(pending);
    const frame = this.#eventFrame(pending);
    if (!frame) return undefined;
    this.#series.events.inc();
    this.#series.sizes.observe(frame.length);
    return frame;
  }

  #batch(events: readonly CacheEvent[]): Buffer {
    const { bytes, sizes } = pieceOf(events, this.#representation, this.#representation.form!);
    this.#series.events.inc(sizes.length);
    for (const size of sizes) this.#series.sizes.observe(size);
    return bytes;
  }

  /** An object that leaves the selection is a deletion to who watches, one that enters it an addition. */
  #eventFrame(event: CacheEvent): Buffer | undefined {
    const { namespace } = this.#selection;
    if (namespace !== '' && event.object.namespace !== namespace) return undefined;
    if (this.#selection.everything) return this.#representation.event(event.type, event.object);
    const isIn = event.type !== 'DELETED' && this.#selection.matches(event.object);
    const wasIn = event.previous !== undefined && this.#selection.matches(event.previous);
    if (isIn) return this.#representation.event(wasIn ? 'MODIFIED' : 'ADDED', event.object);
    if (!wasIn) return undefined;
    const before = event.type === 'DELETED' ? event.object : { ...event.previous!, revision: event.revision };
    return this.#representation.event('DELETED', before);
  }

  /** The cache tells of every event at once, so that whoever has nothing pending stands where the cache stands. */
  #bookmark(): void {
    const { revision } = this.#scope.store.cacher;
    if (this.#isEnding || this.#pending.length > 0 || revision <= this.#bookmarked) return;
    this.#bookmarked = revision;
    this.#pending.push(() => this.#representation.bookmark(revision, false));
    this.#write();
  }
}
