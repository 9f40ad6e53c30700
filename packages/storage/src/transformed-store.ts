/**
 * A store as somebody sees it who reads and writes other values than lie there: converted, decrypted. Keys and revisions are
 * the same.
 *
 *     inner ──events──▶ read ──▶ whoever watches, in order, at once where `read` answers at once
 *     inner ◀── write ◀── put
 */
import type {
  KeyValue,
  ListOptions,
  ListResult,
  ReadOptions,
  Store,
  Watch,
  WatchBatch,
  WatchOptions,
  WriteOptions,
  WriteResult,
} from './store.ts';

export abstract class TransformedStore implements Store {
  protected readonly inner: Store;

  constructor(inner: Store) {
    this.inner = inner;
  }

  /** As it is seen; a promise where that takes time. @throws UnreadableValueError */
  protected abstract read(kvs: readonly KeyValue[]): readonly KeyValue[] | Promise<readonly KeyValue[]>;
  /** As it is to lie in the store. */
  protected abstract write(key: string, value: Uint8Array): Uint8Array | Promise<Uint8Array>;
  /** Whether the next write puts something else there, though the value stays. @param kv as it lies in the store */
  protected abstract isOutdated(kv: KeyValue): boolean | Promise<boolean>;

  get embedded(): boolean {
    return this.inner.embedded;
  }
  currentRevision(): Promise<number> {
    return this.inner.currentRevision();
  }
  async get(key: string, options?: ReadOptions) {
    const { kv, revision } = await this.inner.get(key, options);
    return { kv: kv && (await this.read([kv]))[0], revision };
  }
  async list(options: ListOptions): Promise<ListResult> {
    const result = await this.inner.list(options);
    return { ...result, kvs: await this.read(result.kvs) };
  }
  async isStale(key: string, revision: number): Promise<boolean> {
    const { kv } = await this.inner.get(key);
    if (kv?.modRevision !== revision) return false;
    return (await this.isOutdated(kv)) || ((await this.inner.isStale?.(key, revision)) ?? false);
  }
  async put(key: string, value: Uint8Array, options: WriteOptions): Promise<WriteResult> {
    return this.outcome(await this.inner.put(key, await this.write(key, value), options));
  }
  async delete(key: string, options: { readonly expect: number }): Promise<WriteResult> {
    return this.outcome(await this.inner.delete(key, options));
  }

  watch({ onBatch, onError, ...options }: WatchOptions): Watch {
    let isOver = false;
    /** Of the batch before, while that takes time: then the next one has to wait for it. */
    let last: Promise<void> | undefined;
    const fail = (error: unknown): void => {
      if (isOver) return;
      isOver = true;
      watch.close();
      onError(error as Error);
    };
    const deliver = (batch: WatchBatch): undefined | Promise<void> => {
      if (isOver) return;
      const kvs = this.read(putsOf(batch));
      if (!(kvs instanceof Promise)) return void onBatch(withValues(batch, kvs));
      return kvs.then((read) => {
        if (!isOver) onBatch(withValues(batch, read));
      });
    };
    const wait = (step: Promise<void>): void => {
      const settled = step.catch(fail).then(() => {
        if (last === settled) last = undefined;
      });
      last = settled;
    };
    const watch = this.inner.watch({
      ...options,
      onBatch: (batch) => {
        if (last) return wait(last.then(() => deliver(batch)));
        try {
          const pending = deliver(batch);
          if (pending) wait(pending);
        } catch (error) {
          fail(error);
        }
      },
      onError: (error) => {
        if (last) wait(last.then(() => fail(error)));
        else fail(error);
      },
    });
    const confirmed = async (): Promise<void> => {
      await watch.confirmed;
      while (last) await last;
    };
    return {
      confirmed: confirmed(),
      close: () => {
        isOver = true;
        watch.close();
      },
    };
  }

  requestProgress(revision: number): void {
    this.inner.requestProgress(revision);
  }
  compact(revision: number): Promise<void> {
    return this.inner.compact(revision);
  }
  compactedRevision(): Promise<number> {
    return this.inner.compactedRevision();
  }
  size(): Promise<number> {
    return this.inner.size();
  }
  health(timeoutMs?: number): Promise<void> {
    return this.inner.health(timeoutMs);
  }
  /** The store belongs to others, too: it stays open. */
  async close(): Promise<void> {}

  protected async outcome(result: WriteResult): Promise<WriteResult> {
    return result.ok || !result.current ? result : { ...result, current: (await this.read([result.current]))[0] };
  }
}

function putsOf({ events }: WatchBatch): KeyValue[] {
  return events.flatMap((event) => (event.type === 'put' ? [event.kv] : []));
}

/** The batch with other values in its puts, in order. */
function withValues(batch: WatchBatch, kvs: readonly KeyValue[]): WatchBatch {
  const rest = kvs[Symbol.iterator]();
  const events = batch.events.map((event) => (event.type === 'put' ? { ...event, kv: rest.next().value! } : event));
  return { ...batch, events };
}
