/**
 * The one interface to the data: etcd's model. A single revision counter orders all writes; a key's
 * `modRevision` is its object's resourceVersion; history is kept until it is compacted; a watch can start
 * at any revision that is not compacted.
 *
 * Every engine (memory, LMDB, etcd) implements exactly this and passes `conformance/`.
 * Revisions fit a JS number (2^53); keys are UTF-8 strings ordered by their bytes.
 */

/** One key as it stood at one revision. */
export interface KeyValue {
  readonly key: string;
  /** Never written to after it was handed out; engines may share it between readers. */
  readonly value: Uint8Array;
  readonly createRevision: number;
  readonly modRevision: number;
  /** Number of writes since the key was created, starting at 1. */
  readonly version: number;
}

export interface ReadOptions {
  /** Read the state as of this revision. Omitted: the newest, linearizably. */
  readonly revision?: number;
}

export interface ListOptions extends ReadOptions {
  /** Only keys that start with this. */
  readonly prefix: string;
  /** Only keys ≥ this (bytewise). Used to go on after a page. */
  readonly from?: string;
  /** At most this many; omitted or 0: all. */
  readonly limit?: number;
}

export interface ListResult {
  /** Sorted by key bytes, ascending. */
  readonly kvs: readonly KeyValue[];
  /** How many keys match from `from` on, the returned ones included. */
  readonly count: number;
  /** The revision that was read: `options.revision`, or the store's newest. */
  readonly revision: number;
}

export interface WriteOptions {
  /** The `modRevision` the key must have for the write to happen; 0: the key must not exist. */
  readonly expect: number;
  /** Delete the key by itself after about this many seconds. */
  readonly ttlSeconds?: number;
}

/** A write either happened and is on disk, or found the key changed and left it alone. */
export type WriteResult =
  | {
      readonly ok: true;
      readonly revision: number;
      /** What a reader sees, where a store keeps less than what was given; else absent. */
      readonly value?: Uint8Array;
    }
  | { readonly ok: false; readonly current: KeyValue | undefined; readonly revision: number };

export type WatchEvent =
  | { readonly type: 'put'; readonly kv: KeyValue }
  | { readonly type: 'delete'; readonly key: string; readonly modRevision: number };

/** Events in revision order. A revision's events are never split over two batches. */
export interface WatchBatch {
  /** May be empty: then the batch only reports progress. */
  readonly events: readonly WatchEvent[];
  /** All events up to and including this revision have been delivered. */
  readonly revision: number;
}

export interface WatchOptions {
  readonly prefix: string;
  /** The first revision wanted: that of a list + 1. */
  readonly fromRevision: number;
  /** Called in order, never concurrently. Must not throw and must not block. */
  readonly onBatch: (batch: WatchBatch) => void;
  /** Called once when the watch ends for any other reason than `close()`: a `CompactedError`, a lost server… */
  readonly onError: (error: Error) => void;
}

export interface Watch {
  /**
   * Resolves when the store knows of the watch, or it is over. Events of writes before that may be late; those of embedded
   * engines have been delivered by then, as far as there were any.
   */
  readonly confirmed: Promise<void>;
  close(): void;
}

export interface Store {
  /**
   * True for the engines that live in this process: they deliver an event before the promise of its write resolves, so
   * whoever watches is never behind an acknowledged write and needs no progress request to be sure of it.
   */
  readonly embedded: boolean;

  /** The newest revision, linearizably: a write acknowledged before the call is included. */
  currentRevision(): Promise<number>;

  /** @throws CompactedError, FutureRevisionError, StoreUnavailableError, UnreadableValueError */
  get(key: string, options?: ReadOptions): Promise<{ readonly kv: KeyValue | undefined; readonly revision: number }>;

  /** @throws CompactedError, FutureRevisionError, StoreUnavailableError, UnreadableValueError of the first */
  list(options: ListOptions): Promise<ListResult>;

  /** Durable when it resolves. @throws StoreUnavailableError; then it is unknown whether the write happened. */
  put(key: string, value: Uint8Array, options: WriteOptions): Promise<WriteResult>;

  /**
   * Whether what lies under the key at this revision is to be written again though its value stays: it was encrypted with a key
   * that is used no more, or lies there in a version that is stored no more. Absent: it never is.
   * @throws StoreUnavailableError, UnreadableValueError
   */
  isStale?(key: string, revision: number): Promise<boolean>;

  /** Durable when it resolves. `expect` 0 is a usage error. @throws StoreUnavailableError */
  delete(key: string, options: { readonly expect: number }): Promise<WriteResult>;

  /**
   * Delivers every change of keys under `prefix` from `fromRevision` on, each once, in order.
   * For the embedded engines an event is delivered before the promise of the write that made it resolves, once the watch is
   * confirmed: it may begin with a history that takes a while.
   */
  watch(options: WatchOptions): Watch;

  /**
   * Asks that every open watch report (an empty batch if need be) that it has reached this revision, which a read or a write
   * has told of.
   */
  requestProgress(revision: number): void;

  /** Forgets history before `revision`; what is current stays. @throws CompactedError, FutureRevisionError */
  compact(revision: number): Promise<void>;

  /** The revision of the last compaction, 0 if there was none. */
  compactedRevision(): Promise<number>;

  /** Bytes used by the data (file or quota), for metrics. */
  size(): Promise<number>;

  /**
   * Resolves when the store answers.
   * @param timeoutMs how long it may take, where it is asked over a network
   * @throws StoreUnavailableError with the cause
   */
  health(timeoutMs?: number): Promise<void>;

  /** Ends watches silently, finishes accepted writes, releases files and connections. */
  close(): Promise<void>;
}

/** The wanted revision has been compacted away (etcd: "mvcc: required revision has been compacted"). */
export class CompactedError extends Error {
  override readonly name = 'CompactedError';
  readonly compactedRevision: number;
  constructor(compactedRevision: number) {
    super('required revision has been compacted');
    this.compactedRevision = compactedRevision;
  }
}

/** The wanted revision is newer than the store's (etcd: "mvcc: required revision is a future revision"). */
export class FutureRevisionError extends Error {
  override readonly name = 'FutureRevisionError';
  readonly currentRevision: number;
  constructor(currentRevision: number) {
    super('required revision is a future revision');
    this.currentRevision = currentRevision;
  }
}

/** The store can't be reached or can't write (etcd without quorum, disk full, NOSPACE alarm). */
export class StoreUnavailableError extends Error {
  override readonly name = 'StoreUnavailableError';
  /** What clients of the API are told: the store's own words, without where it is. */
  readonly reason: string;
  /** It was waited for as long as a request may take. */
  readonly timedOut: boolean;

  constructor(message: string, options: StoreUnavailableOptions = {}) {
    super(message, options);
    this.reason = options.reason ?? message;
    this.timedOut = options.timedOut ?? false;
  }
}

export interface StoreUnavailableOptions extends ErrorOptions {
  readonly reason?: string;
  readonly timedOut?: boolean;
}

/** The store takes no value of this size. The message is in its own words. */
export class ValueTooLargeError extends Error {
  override readonly name = 'ValueTooLargeError';
}

/** What lies under a key can't be turned into what was put there. The message says why, in words that clients may read. */
export class UnreadableValueError extends Error {
  override readonly name = 'UnreadableValueError';
  readonly key: string;
  /** Whether it failed before anybody could look at what was put: the key of the encryption is not there, for one. */
  readonly isSealed: boolean;

  constructor(key: string, reason: string, { isSealed, ...options }: ErrorOptions & { readonly isSealed: boolean }) {
    super(reason, options);
    this.key = key;
    this.isSealed = isSealed;
  }
}
