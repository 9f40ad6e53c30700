import type { Clock } from '@keelson/api/clock';
import {
  CompactedError,
  FutureRevisionError,
  type KeyValue,
  type ListOptions,
  type ListResult,
  type ReadOptions,
  type Store,
  StoreUnavailableError,
  type Watch,
  type WatchEvent,
  type WatchOptions,
  type WriteOptions,
  type WriteResult,
} from '../store.ts';
import type { CallOptions, Connection } from './connection.ts';
import { isCompacted, isFutureRevision, isLeaseMissing, isTooLarge, translate } from './errors.ts';
import { type KeyMapping, prefixEnd } from './keys.ts';
import { Leases } from './leases.ts';
import {
  type EtcdKeyValue,
  etcd,
  type Method,
  type RangeRequest,
  type RangeResponse,
  type TxnRequest,
  type WatchResponse,
} from './messages.ts';
import { SharedQuestion } from './shared-question.ts';
import { WatchStream } from './watch-stream.ts';

/** The first page of a list; the following ones are sized by what it weighs. */
const FIRST_PAGE = 500;
const MAX_PAGE = 10_000;
const PAGE_BYTES = 8 << 20;

const HEALTH_TIMEOUT_MS = 2000;

/** A `Store` in an etcd cluster. Reads are linearizable, as are etcd's by default. */
export class EtcdStore implements Store {
  readonly embedded = false;
  readonly #connection: Connection;
  readonly #keys: KeyMapping;
  readonly #leases: Leases;
  readonly #watches: WatchStream;
  readonly #writeTimeoutMs: number;
  /** The newest compaction that is known of; there may have been others since. */
  #compacted = 0;
  #closed = false;
  readonly #pending = new Set<Promise<unknown>>();
  readonly #revision = new SharedQuestion(async () => {
    const { header } = await this.#range({ key: this.#keys.toEtcd('/registry'), count_only: true });
    return header.revision;
  });

  constructor(connection: Connection, keys: KeyMapping, clock: Clock, writeTimeoutMs: number) {
    this.#connection = connection;
    this.#writeTimeoutMs = writeTimeoutMs;
    this.#keys = keys;
    this.#leases = new Leases(connection, clock);
    this.#watches = new WatchStream(connection, clock, (event) => this.#toEvent(event));
  }

  /** Every read of the newest state asks; many at once share an answer. */
  currentRevision(): Promise<number> {
    return this.#revision.ask();
  }

  async get(key: string, options: ReadOptions = {}): Promise<{ kv: KeyValue | undefined; revision: number }> {
    const { header, kvs } = await this.#range({ key: this.#keys.toEtcd(key), revision: options.revision ?? 0 });
    const [found] = kvs;
    return { kv: found && this.#toKeyValue(found), revision: options.revision || header.revision };
  }

  async list(options: ListOptions): Promise<ListResult> {
    const prefix = this.#keys.toEtcd(options.prefix);
    const rangeEnd = prefixEnd(prefix);
    const from = this.#keys.toEtcd(options.from ?? '');
    let key = Buffer.compare(from, prefix) > 0 ? from : prefix;
    let revision = options.revision ?? 0;
    if (rangeEnd.length > 1 && Buffer.compare(key, rangeEnd) >= 0) {
      // etcd takes no range that ends before it begins.
      const { header } = await this.#range({ key, revision, count_only: true });
      return { kvs: [], count: 0, revision: revision || header.revision };
    }

    const kvs: KeyValue[] = [];
    let count: number | undefined;
    let page = FIRST_PAGE;
    for (;;) {
      const wanted = options.limit ? options.limit - kvs.length : Number.POSITIVE_INFINITY;
      const request = { key, range_end: rangeEnd, revision, limit: Math.min(page, wanted) };
      const response = await this.#rangePage(request);
      revision ||= response.header.revision;
      count ??= response.count;
      let bytes = 1;
      for (const kv of response.kvs) {
        bytes += kv.key.length + kv.value.length;
        kvs.push(this.#toKeyValue(kv));
      }
      const last = response.kvs.at(-1);
      if (last === undefined || kvs.length >= count || kvs.length >= (options.limit || count)) break;
      page = Math.max(1, Math.min(MAX_PAGE, 2 * page, Math.floor((response.kvs.length * PAGE_BYTES) / bytes)));
      key = Buffer.concat([last.key, zero]);
    }
    return { kvs, count, revision };
  }

  put(key: string, value: Uint8Array, { expect, ttlSeconds }: WriteOptions): Promise<WriteResult> {
    const etcdKey = this.#keys.toEtcd(key);
    if (!ttlSeconds) return this.#write(etcdKey, expect, { request_put: { key: etcdKey, value } });
    return this.#putWithLease(etcdKey, value, expect, ttlSeconds);
  }

  async delete(key: string, { expect }: { readonly expect: number }): Promise<WriteResult> {
    if (!(expect > 0)) throw new RangeError('delete: expect must be the modRevision of the key');
    const etcdKey = this.#keys.toEtcd(key);
    return this.#write(etcdKey, expect, { request_delete_range: { key: etcdKey } });
  }

  watch(options: WatchOptions): Watch {
    this.#assertOpen();
    const prefix = this.#keys.toEtcd(options.prefix);
    // etcd has no empty key, and reads a range from the zero byte as one from the first key.
    return this.#watches.watch(prefix.length > 0 ? prefix : zero, prefixEnd(prefix), options);
  }

  requestProgress(revision: number): void {
    this.#watches.requestProgress(revision);
  }

  async compact(revision: number): Promise<void> {
    await this.#call(etcd.compact, { revision }, { repeatable: true });
    this.#compacted = Math.max(this.#compacted, revision);
  }

  /** etcd doesn't tell, so this looks for the oldest revision that can be read: one request if there was no other compaction. */
  async compactedRevision(): Promise<number> {
    const readable = async (revision: number) => {
      const request = { key: zero, revision, count_only: true, serializable: true };
      try {
        await this.#connection.call(etcd.range, request, { repeatable: true });
        return true;
      } catch (error) {
        if (isCompacted(error)) return false;
        throw translate(error, this.#connection.endpoint);
      }
    };
    this.#assertOpen();
    if (await readable(Math.max(1, this.#compacted))) return this.#compacted;
    let low = Math.max(1, this.#compacted);
    let high = await this.currentRevision();
    while (high - low > 1) {
      const middle = Math.floor((low + high) / 2);
      if (await readable(middle)) high = middle;
      else low = middle;
    }
    this.#compacted = Math.max(this.#compacted, high);
    return this.#compacted;
  }

  async size(): Promise<number> {
    return (await this.#call(etcd.status, {}, { repeatable: true })).dbSize;
  }

  async health(timeoutMs = HEALTH_TIMEOUT_MS): Promise<void> {
    await this.waitUntilReachable(timeoutMs).catch((error: unknown) => {
      if (!(error instanceof StoreUnavailableError)) throw error;
      const { message, timedOut } = error;
      const reason = `error getting data from etcd: ${error.reason}`;
      throw new StoreUnavailableError(message, { cause: error, reason, timedOut });
    });
  }

  /** Resolves when one of the endpoints has answered. @throws StoreUnavailableError if none does in time */
  async waitUntilReachable(timeoutMs: number): Promise<void> {
    const request = { key: this.#keys.toEtcd('/registry/health') };
    await this.#call(etcd.range, request, { repeatable: true, timeoutMs });
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#watches.close();
    this.#connection.stop();
    await Promise.allSettled(this.#pending);
    this.#connection.close();
  }

  async #putWithLease(key: Buffer, value: Uint8Array, expect: number, ttlSeconds: number): Promise<WriteResult> {
    this.#assertOpen();
    for (let attempt = 1; ; attempt++) {
      const lease = await this.#tracked(this.#leases.get(ttlSeconds));
      try {
        return await this.#write(key, expect, { request_put: { key, value, lease } });
      } catch (error) {
        if (attempt > 1 || !isLeaseMissing((error as Error).cause)) throw error;
        this.#leases.forget(lease);
      }
    }
  }

  async #write(key: Buffer, expect: number, change: TxnRequest['success'][0]): Promise<WriteResult> {
    const request: TxnRequest = {
      compare: [{ key, target: 'MOD', mod_revision: expect }],
      success: [change],
      failure: [{ request_range: { key } }],
    };
    let repeated = false;
    const { header, succeeded, responses } = await this.#call(etcd.txn, request, {
      repeatable: false,
      timeoutMs: this.#writeTimeoutMs,
      onRepeat: () => {
        repeated = true;
      },
    });
    const revision = header.revision;
    if (succeeded) return { ok: true, revision };
    const current = responses[0]?.response_range?.kvs[0];
    // A member that had given up on handing it to a leader may just have done so.
    if (repeated && current && 'request_put' in change && current.value.equals(change.request_put.value))
      return { ok: true, revision: current.mod_revision };
    return { ok: false, current: current && this.#toKeyValue(current), revision };
  }

  #range(request: RangeRequest): Promise<RangeResponse> {
    return this.#call(etcd.range, request, { repeatable: true });
  }

  /** Asks for less if the answer turns out to be larger than the client takes. */
  async #rangePage(request: RangeRequest & { readonly limit: number }): Promise<RangeResponse> {
    for (let limit = request.limit; ; limit = Math.ceil(limit / 10)) {
      try {
        return await this.#range({ ...request, limit });
      } catch (error) {
        if (limit === 1 || !isTooLarge((error as Error).cause)) throw error;
      }
    }
  }

  async #call<Request, Response>(
    method: Method<Request, Response>,
    request: Request,
    options: CallOptions,
  ): Promise<Response> {
    this.#assertOpen();
    try {
      return await this.#tracked(this.#connection.call(method, request, options));
    } catch (error) {
      if (isCompacted(error)) throw new CompactedError(await this.compactedRevision());
      if (isFutureRevision(error)) throw new FutureRevisionError(await this.currentRevision());
      throw translate(error, this.#connection.endpoint);
    }
  }

  /** Lets `close` wait for it. */
  #tracked<T>(work: Promise<T>): Promise<T> {
    this.#pending.add(work);
    const done = () => this.#pending.delete(work);
    work.then(done, done);
    return work;
  }

  #toEvent({ type, kv }: WatchResponse['events'][number]): WatchEvent {
    if (type === 'PUT') return { type: 'put', kv: this.#toKeyValue(kv) };
    return { type: 'delete', key: this.#keys.fromEtcd(kv.key), modRevision: kv.mod_revision };
  }

  #toKeyValue({ key, value, create_revision, mod_revision, version }: EtcdKeyValue): KeyValue {
    return {
      key: this.#keys.fromEtcd(key),
      // A copy, lest one value that somebody keeps keep the whole answer in memory.
      value: Uint8Array.from(value),
      createRevision: create_revision,
      modRevision: mod_revision,
      version,
    };
  }

  #assertOpen(): void {
    if (this.#closed) throw new StoreUnavailableError('the store is closed');
  }
}

const zero = Buffer.from([0]);
