/**
 * The watch cache: all objects of one resource as encoded bytes, and the recent events, fed by one watch on the store.
 * Reads and watches of any number of clients are served from here (apiserver/pkg/storage/cacher).
 *
 *     store.watch ──batch──▶ apply: objects + ring of events ──▶ every subscriber, in revision order
 *
 * Invariant: `objects` is the state at `revision`, and the ring holds every event from its start up to there. An object that no
 * event in the ring has brought has settled: most stay, and what changes often does not get there.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { StatusError } from '@keelson/api/errors';
import type { Logger } from '@keelson/component/logs/logger';
import { heardLater } from '@keelson/component/promises';
import { pagesOf } from '@keelson/storage/pages';
import {
  CompactedError,
  type KeyValue,
  type Store,
  UnreadableValueError,
  type Watch,
  type WatchBatch,
} from '@keelson/storage/store';
import { Audience, type Interest } from './audience.ts';
import { type CachedObject, CachedObjects, LoadedObjects, type ObjectsView } from './cached-objects.ts';
import { EventRing } from './event-ring.ts';
import { Pace } from './pace.ts';
import { PastObjects } from './past-objects.ts';
import type { Demand } from './valueindex.ts';
import { Waiters } from './waiters.ts';

export interface CacheEvent {
  readonly type: 'ADDED' | 'MODIFIED' | 'DELETED';
  readonly revision: number;
  /** For a deletion the last state, at the revision of the deletion. */
  readonly object: CachedObject;
  readonly previous: CachedObject | undefined;
}

export interface Subscriber {
  /** Events in order; `revision` is where the cache stands. Must not throw. */
  onEvents(events: readonly CacheEvent[], revision: number): void;
  /** The subscription is over: the cache lost its place in the store's history. What it holds is still what was told. */
  onEnd(error: Error): void;
}

/** What keeps the cache from being filled: an object that can't be read, or converted. It takes somebody to mend it. */
export interface Obstacle {
  readonly error: UnreadableValueError | StatusError;
  readonly downtimeMs: number;
}

export interface CacherOptions {
  readonly store: Store;
  readonly now: () => Date;
  /** Key prefix without trailing slash. */
  readonly prefix: string;
  readonly decode: (kv: KeyValue) => CachedObject;
  readonly logger: Logger;
  /** How many events are kept for watches that start in the past. */
  readonly ringCapacity?: number;
}

const PAGE = 2000;
const RETRY_MS = 200;
/** How long an object that can't be read, or converted, is not looked at again. */
const OBSTACLE_RETRY_MS = 1_000;
/** Events are remembered for once to twice as long (upstream's `DefaultEventFreshDuration`); older ones the store can tell. */
const FRESH_MS = 75_000;
const NOT_SERVED = 'the resource is no longer served';

export class Cacher implements ObjectsView {
  readonly #options: CacherOptions;
  readonly #prefix: string;
  /** What has happened since it was made: events of the store that were told on, and loads. */
  readonly tally = { events: 0, loads: 0 };
  readonly #objects: CachedObjects;
  readonly #ring: EventRing;
  #revision = 0;
  #watch: Watch | undefined;
  #started: Promise<void> | undefined;
  #obstacle: Obstacle['error'] | undefined;
  /** When the cache was last filled no more, or was first to be. */
  #downSinceMs: number | undefined;
  #closed = false;
  #ended = false;
  #isCatchingUp = false;
  #isForgetting = false;
  readonly #audience = new Audience();
  readonly #waiters = new Waiters();

  constructor(options: CacherOptions) {
    this.#options = options;
    this.#prefix = `${options.prefix}/`;
    this.#objects = new CachedObjects(this.#prefix);
    this.#ring = new EventRing(options.ringCapacity);
  }

  /** Where the cache stands. */
  get revision(): number {
    return this.#revision;
  }

  /** The revision of the newest event, or of the load when there was none since. */
  get lastChange(): number {
    return this.#ring.last;
  }

  /** How many objects there are. */
  get size(): number {
    return this.#objects.size;
  }

  /** Of all objects, encoded. */
  get bytes(): number {
    return this.#objects.bytes;
  }

  /** While it is there, who wants to know of everything is refused: `ready` is rejected with its error. */
  get obstacle(): Obstacle | undefined {
    const error = this.#obstacle;
    return error && { error, downtimeMs: this.#options.now().getTime() - this.#downSinceMs! };
  }

  /** Whether it has once held all that there is. */
  get isFilled(): boolean {
    return this.#revision > 0;
  }

  /** Loads at the first call. @throws StoreUnavailableError of the first load; the error of an {@link obstacle} */
  ready(): Promise<void> {
    this.#started ??= this.#load().catch((error: unknown) => {
      const forget = () => {
        this.#started = undefined;
      };
      // Whoever comes meanwhile is told the same.
      if (this.#obstacle) setTimeout(forget, OBSTACLE_RETRY_MS).unref();
      else forget();
      this.#ring.restart(0);
      // They wait for the load, too.
      this.#audience.clear();
      throw error;
    });
    return this.#started;
  }

  /**
   * Waits until the cache holds every write acknowledged before the call.
   * @returns the revision to report for a read made right after, without awaiting in between
   */
  async fresh(): Promise<number> {
    const isLoaded = this.#started !== undefined;
    await this.ready();
    // What is read after the call is as new as the call.
    if (!isLoaded) return this.#revision;
    // Nobody told it of what was written since, and who reads had come before.
    if (this.#ended && this.#options.store.embedded) return this.#revision;
    const revision = await this.#options.store.currentRevision();
    if (this.#options.store.embedded) {
      if (revision > this.#revision) this.#revision = revision;
      return this.#revision;
    }
    await this.waitFor(revision);
    return this.#revision;
  }

  /**
   * Resolves once the cache stands at `revision` or later.
   * @throws UnreadableValueError, StatusError of an object that keeps it from getting there; Error when it is closed before
   */
  async waitFor(revision: number): Promise<void> {
    await this.ready();
    if (this.#revision >= revision) return;
    if (this.#closed) throw new Error(NOT_SERVED);
    const reached = this.#waiters.wait(revision);
    if (this.#ended) this.#catchUp();
    else this.#options.store.requestProgress(revision);
    await reached;
  }

  get(key: string): CachedObject | undefined {
    return this.#objects.get(key);
  }
  list(namespace: string, from?: string, limit?: number): CachedObject[] {
    return this.#objects.list(namespace, from, limit);
  }
  listMatching(demands: readonly Demand[], namespace: string, from?: string): CachedObject[] {
    return this.#objects.listMatching(demands, namespace, from);
  }
  count(namespace: string, from?: string): number {
    return this.#objects.count(namespace, from);
  }

  /**
   * The objects at a revision, which holds up to the next `await`; undefined where the ring does not reach back that far.
   * @param revision not beyond where the cache stands
   */
  at(revision: number): ObjectsView | undefined {
    if (revision >= this.lastChange) return this;
    return revision < this.#ring.start ? undefined : new PastObjects(this.#objects, this.#ring.after(revision));
  }

  /**
   * Calls the subscriber for everything after `fromRevision`; undefined when the ring no longer reaches back that far. From 0 on
   * it does before the first load: what that finds is told as added, each object right after it was decoded.
   * @param interest what it can be interested in; it may still be told of more
   */
  subscribe(fromRevision: number, subscriber: Subscriber, interest?: Interest): (() => void) | undefined {
    if (fromRevision < this.#ring.start) return undefined;
    const missed = this.#ring.after(fromRevision);
    if (this.#ended) {
      queueMicrotask(() => subscriber.onEnd(new Error(NOT_SERVED)));
      return () => {};
    }
    const unsubscribe = this.#audience.add(subscriber, interest);
    if (missed.length > 0) subscriber.onEvents(missed, this.#revision);
    return unsubscribe;
  }

  /** The oldest revision that `subscribe` accepts. */
  get oldestRevision(): number {
    return this.#ring.start;
  }

  /** Ends what is followed; who waits is told that the resource is no longer served. */
  close(): void {
    this.#closed = true;
    this.#watch?.close();
    this.#audience.clear();
    this.#waiters.abandon(new Error(NOT_SERVED));
  }

  /**
   * The resource is no longer served, or served otherwise: subscribers are told. Who had begun to read finds all that was there
   * when he came.
   */
  end(): void {
    const reason = new Error(NOT_SERVED);
    this.#ended = true;
    this.#watch?.close();
    for (const subscriber of this.#audience.clear()) subscriber.onEnd(reason);
    this.#catchUp();
  }

  /** Loads for those who wait, as no watch brings news any more. */
  #catchUp(): void {
    if (this.#isCatchingUp) return;
    this.#isCatchingUp = true;
    this.#fillForAll().catch((error: unknown) => {
      this.#isCatchingUp = false;
      this.#waiters.abandon(error as Error);
    });
  }

  async #fillForAll(): Promise<void> {
    while (this.#waiters.size > 0) {
      const asked = this.#waiters.all();
      await this.#fill();
      // Who still waits wants what is not in the store.
      this.#waiters.abandon(new Error(NOT_SERVED), asked);
    }
    this.#isCatchingUp = false;
  }

  async #load(): Promise<void> {
    this.#downSinceMs ??= this.#options.now().getTime();
    try {
      await this.#fill();
      this.#obstacle = undefined;
      this.#downSinceMs = undefined;
    } catch (error) {
      this.#obstacle = error instanceof UnreadableValueError || error instanceof StatusError ? error : undefined;
      throw error;
    }
  }

  async #fill(): Promise<void> {
    const { store, decode } = this.#options;
    const isFirst = this.#revision === 0;
    const loaded = new LoadedObjects();
    const pace = new Pace();
    let revision = 0;
    for await (const page of pagesOf(store, { prefix: this.#prefix, limit: PAGE })) {
      revision = page.revision;
      if (isFirst) this.#ring.restart(revision);
      for (const kv of page.kvs) {
        const object = decode(kv);
        loaded.add(object);
        if (isFirst) this.#audience.tellAll({ type: 'ADDED', revision: object.revision, object, previous: undefined });
        await pace.after(kv.value.length);
      }
    }
    this.tally.loads++;
    this.#objects.replace(loaded);
    this.#ring.restart(revision);
    this.#advance(revision);
    if (this.#ended || this.#closed) return;
    this.#watch = store.watch({
      prefix: this.#prefix,
      fromRevision: revision + 1,
      onBatch: (batch) => this.#apply(batch),
      onError: (error) => this.#reload(error),
    });
    await this.#watch.confirmed;
  }

  #reload(error: Error): void {
    if (this.#closed || this.#ended) return;
    this.#options.logger.warn(
      { error: error.message, prefix: this.#prefix },
      'watch on the store ended; loading again',
    );
    this.#downSinceMs ??= this.#options.now().getTime();
    // Who comes back has to wait for the load, which tells nobody what has changed.
    this.#loadAgain(error instanceof CompactedError ? 0 : RETRY_MS);
    for (const subscriber of this.#audience.clear()) subscriber.onEnd(error);
  }

  /** @param obstacle what those are told who come meanwhile: they need not wait */
  #loadAgain(delayMs: number, obstacle?: Error): void {
    const loading = sleep(delayMs, undefined, { ref: false }).then(() => (this.#closed ? undefined : this.#load()));
    this.#started = heardLater(obstacle ? Promise.reject(obstacle) : loading);
    loading.then(
      () => {
        this.#started = loading;
      },
      () => {
        const obstacle = this.#obstacle;
        if (obstacle) this.#waiters.abandon(obstacle);
        this.#loadAgain(obstacle ? OBSTACLE_RETRY_MS : RETRY_MS, obstacle);
      },
    );
  }

  #apply(batch: WatchBatch): void {
    try {
      this.#applyAll(batch);
    } catch (error) {
      this.#watch?.close();
      this.#reload(error as Error);
    }
  }

  /** All or nothing: what it holds is what subscribers were told of. @throws UnreadableValueError */
  #applyAll(batch: WatchBatch): void {
    const objects = batch.events.map((event) => (event.type === 'put' ? this.#options.decode(event.kv) : undefined));
    const events: CacheEvent[] = [];
    for (const [i, event] of batch.events.entries()) {
      const object = objects[i];
      if (object) {
        const previous = this.#objects.put(object);
        events.push({ type: previous ? 'MODIFIED' : 'ADDED', revision: object.revision, object, previous });
      } else if (event.type === 'delete') {
        const previous = this.#objects.delete(event.key);
        if (!previous) continue;
        events.push({
          type: 'DELETED',
          revision: event.modRevision,
          object: { ...previous, revision: event.modRevision },
          previous,
        });
      }
    }
    this.#settle(this.#ring.add(events));
    this.#forgetLater();
    this.#advance(batch.revision);
    this.tally.events += events.length;
    this.#audience.tell(events, batch.revision);
  }

  /** What a burst has left behind goes, when it is over, too. */
  #forgetLater(): void {
    if (this.#isForgetting || !this.#ring.canForget) return;
    this.#isForgetting = true;
    setTimeout(() => {
      this.#isForgetting = false;
      this.#settle(this.#ring.forgetOld());
      this.#forgetLater();
    }, FRESH_MS).unref();
  }

  #settle(dropped: readonly CacheEvent[]): void {
    if (dropped.length > 0) this.#objects.settle(dropped.map(({ object }) => object));
  }

  #advance(revision: number): void {
    if (revision > this.#revision) this.#revision = revision;
    this.#waiters.reach(this.#revision);
  }
}
