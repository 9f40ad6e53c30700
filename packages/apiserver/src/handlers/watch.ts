/**
 * WATCH: the state (if asked for), then every change that the selection sees, until the timeout
 * (apiserver/pkg/endpoints/handlers/watch.go, storage/cacher/cache_watcher.go).
 *
 *     starting ──▶ initial events ──▶ [bookmark: initial-events-end] ──▶ live ──▶ ended (timeout, client gone, too slow, cache lost)
 */
import type { Writable } from 'node:stream';
import { resourceExpired } from '@keelson/api/errors';
import { notAcceptable } from '../http/negotiate.ts';
import type { Lifecycle } from '../lifecycle.ts';
import type { WatchSeries } from '../metrics/server-metrics.ts';
import type { CacheEvent, Subscriber } from '../registry/cacher.ts';
import { eventsFromHistory } from '../registry/history.ts';
import type { ListOptions } from './options.ts';
import type { Representation } from './representation.ts';
import { representationFor } from './representations.ts';
import { parseResourceVersion, resourceVersionTooLarge } from './revisions.ts';
import type { Scope } from './scope.ts';
import { onlyKey, type Selection, selectionOf } from './selection.ts';
import { commonHeaders } from './send.ts';

/** A watcher that is further behind than this is cut off; it will come back and list. */
const MAX_PENDING_BYTES = 32 * 1024 * 1024;
const INITIAL_CHUNK_BYTES = 256 * 1024;
const BOOKMARK_INTERVAL_MS = 60_000;
/** The last bookmark comes this long before the timeout. */
const BOOKMARK_BEFORE_END_MS = 2_000;

export interface WatchLimits {
  /** Watches without a timeout of their own last between this and twice as long. */
  readonly minRequestTimeoutSeconds: number;
  /** In [0, 1). */
  readonly random: () => number;
  readonly lifecycle: Lifecycle;
}

/** Resolves when the watch is over. @throws StatusError before the answer has begun */
export async function watchObjects(scope: Scope, options: ListOptions, limits: WatchLimits): Promise<void> {
  checkStreamable(scope);
  const selection = selectionOf(scope, options);
  const revision = parseResourceVersion(options.resourceVersion);
  const { cacher } = scope.store;
  if (options.resourceVersion === '0') await cacher.ready();
  else {
    const current = await cacher.fresh();
    if (options.sendInitialEvents && revision > current) throw resourceVersionTooLarge(revision, current);
  }

  const stream = new WatchStream(scope, selection, options, representationFor(scope));
  const seconds = options.timeoutSeconds || limits.minRequestTimeoutSeconds * (1 + limits.random());
  const ended = limits.lifecycle.register(() => stream.end());
  stream.begin(seconds * 1000);
  if (options.sendInitialEvents) stream.startFromState();
  else if (revision === 0) stream.startFrom(cacher.revision);
  else if (!stream.startFrom(revision)) await startFromHistory(scope, stream, revision);
  await stream.ended;
  ended();
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
  if (!events) stream.fail(resourceExpired(`too old resource version: ${revision} (${oldest})`));
  else stream.startFromEvents(events.events, events.revision);
}

class WatchStream implements Subscriber {
  readonly ended: Promise<void>;
  readonly #scope: Scope;
  readonly #selection: Selection;
  readonly #options: ListOptions;
  readonly #representation: Representation;
  #finish!: () => void;
  #out: Writable | undefined;
  #unsubscribe: (() => void) | undefined;
  readonly #series: WatchSeries;
  readonly #timers: NodeJS.Timeout[] = [];
  /** Frames that wait for the connection to drain. */
  #pending: Buffer[] = [];
  #pendingBytes = 0;
  #blocked = false;
  #over = false;
  #revision = 0;
  #bookmarked = 0;

  constructor(scope: Scope, selection: Selection, options: ListOptions, representation: Representation) {
    this.#scope = scope;
    this.#selection = selection;
    this.#options = options;
    this.#representation = representation;
    const { definition, version } = scope.served;
    this.#series = scope.metrics.watch(definition.group, version, definition.resource);
    this.ended = new Promise((resolve) => {
      this.#finish = resolve;
    });
  }

  begin(timeoutMs: number): void {
    const { ctx } = this.#scope;
    const out = ctx.exchange.begin(200, {
      ...commonHeaders(ctx),
      'content-type': this.#representation.streamContentType,
      ...(ctx.exchange.httpVersion === '1.1' ? { 'transfer-encoding': 'chunked' } : {}),
    });
    this.#out = out;
    out.on('drain', () => this.#drain());
    ctx.exchange.onClose(() => this.end());
    this.#timers.push(setTimeout(() => this.end(), timeoutMs));
    if (!this.#options.allowWatchBookmarks) return;
    this.#timers.push(setInterval(() => this.#bookmark(), BOOKMARK_INTERVAL_MS));
    if (timeoutMs > 2 * BOOKMARK_BEFORE_END_MS) {
      this.#timers.push(setTimeout(() => this.#bookmark(), timeoutMs - BOOKMARK_BEFORE_END_MS));
    }
  }

  /** Everything there is as ADDED, then what comes. */
  startFromState(): void {
    const { cacher } = this.#scope.store;
    const revision = cacher.revision;
    const key = onlyKey(this.#scope, this.#selection);
    const only = key === undefined ? undefined : cacher.get(key);
    const state = key === undefined ? cacher.list(this.#selection.namespace) : only ? [only] : [];
    this.#unsubscribe = cacher.subscribe(revision, this);
    this.#revision = revision;
    let chunk: Buffer[] = [];
    let size = 0;
    for (const object of state) {
      if (!this.#selection.matches(object)) continue;
      const frame = this.#representation.event('ADDED', object);
      this.#count(frame);
      this.#series.initial.inc();
      chunk.push(frame);
      size += frame.length;
      if (size < INITIAL_CHUNK_BYTES) continue;
      this.#write(Buffer.concat(chunk), false);
      chunk = [];
      size = 0;
    }
    if (this.#options.allowWatchBookmarks) {
      chunk.push(this.#representation.bookmark(revision, true));
      this.#bookmarked = revision;
    }
    if (chunk.length > 0) this.#write(Buffer.concat(chunk), false);
  }

  /** Everything after `revision`. @returns false when the cache does not reach back so far */
  startFrom(revision: number): boolean {
    this.#revision = revision;
    this.#unsubscribe = this.#scope.store.cacher.subscribe(revision, this);
    return this.#unsubscribe !== undefined;
  }

  startFromEvents(events: readonly CacheEvent[], revision: number): void {
    this.#emit(events);
    if (!this.startFrom(revision)) this.end();
  }

  onEvents(events: readonly CacheEvent[], revision: number): void {
    this.#revision = Math.max(this.#revision, revision);
    if (events.length > 0) this.#emit(events);
  }

  onEnd(): void {
    this.end();
  }

  fail(error: { toStatus(): object }): void {
    this.#write(this.#representation.error(error.toStatus()), false);
    this.end();
  }

  end(): void {
    if (this.#over) return;
    this.#over = true;
    this.#unsubscribe?.();
    for (const timer of this.#timers) clearTimeout(timer);
    this.#pending = [];
    if (this.#out && !this.#scope.ctx.exchange.closed) this.#out.end();
    this.#finish();
  }

  #emit(events: readonly CacheEvent[]): void {
    const frames: Buffer[] = [];
    for (const event of events) {
      const frame = this.#frame(event);
      if (!frame) continue;
      this.#count(frame);
      frames.push(frame);
    }
    if (frames.length > 0) this.#write(frames.length === 1 ? frames[0]! : Buffer.concat(frames), true);
  }

  #count(frame: Buffer): void {
    this.#series.events.inc();
    this.#series.sizes.observe(frame.length);
  }

  /** An object that leaves the selection is a deletion to who watches, one that enters it an addition. */
  #frame(event: CacheEvent): Buffer | undefined {
    const { namespace } = this.#selection;
    if (namespace !== '' && event.object.namespace !== namespace) return undefined;
    if (this.#selection.everything) return this.#representation.event(event.type, event.object);
    const isIn = event.type !== 'DELETED' && this.#selection.matches(event.object);
    const wasIn = event.previous !== undefined && this.#selection.matches(event.previous);
    if (isIn) return this.#representation.event(wasIn ? 'MODIFIED' : 'ADDED', event.object);
    if (!wasIn) return undefined;
    const last = event.type === 'DELETED' ? event.object : { ...event.previous!, revision: event.revision };
    return this.#representation.event('DELETED', last);
  }

  #bookmark(): void {
    if (this.#over || this.#revision <= this.#bookmarked || this.#blocked) return;
    this.#bookmarked = this.#revision;
    this.#write(this.#representation.bookmark(this.#revision, false), true);
  }

  #write(frame: Buffer, bounded: boolean): void {
    if (this.#over || !this.#out) return;
    if (!this.#blocked) {
      this.#blocked = !this.#out.write(frame);
      return;
    }
    this.#pending.push(frame);
    this.#pendingBytes += frame.length;
    if (bounded && this.#pendingBytes > MAX_PENDING_BYTES) {
      this.#scope.ctx.exchange.abort();
      this.end();
    }
  }

  #drain(): void {
    this.#blocked = false;
    let written = 0;
    while (!this.#blocked && written < this.#pending.length) {
      const frame = this.#pending[written++]!;
      this.#pendingBytes -= frame.length;
      this.#blocked = !this.#out!.write(frame);
    }
    this.#pending.splice(0, written);
  }
}
