import { expect } from 'vitest';
import type { KeyValue, Store, WatchEvent } from '../store.ts';

/** A store under test, as `storeConformance` asks for it. */
export interface StoreFixture {
  readonly store: Store;
  /** Closes the store and opens it again on the same data; left out by engines that keep none. */
  readonly reopen?: () => Promise<Store>;
  /** Lets time pass for times to live. */
  readonly sleep: (seconds: number) => Promise<void>;
  /** Closes the store and removes its data. */
  readonly dispose: () => Promise<void>;
}

export const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
export const text = (kv: KeyValue | undefined): string | undefined => kv && new TextDecoder().decode(kv.value);

/** Writes a key which must be at `expect`, and returns the new revision. */
export async function put(store: Store, key: string, value: string, expected = 0): Promise<number> {
  const result = await store.put(key, bytes(value), { expect: expected });
  expect(result).toEqual({ ok: true, revision: expect.any(Number) });
  return result.revision;
}

/** Deletes a key which must be at `expect`, and returns the deletion's revision. */
export async function remove(store: Store, key: string, expected: number): Promise<number> {
  const result = await store.delete(key, { expect: expected });
  expect(result).toEqual({ ok: true, revision: expect.any(Number) });
  return result.revision;
}

/** `+key=value` for a creation, `~key=value` for an update, `-key` for a deletion; keys without `prefix`. */
export function describeEvent(event: WatchEvent, prefix: string): string {
  if (event.type === 'delete') return `-${event.key.slice(prefix.length)}`;
  const sign = event.kv.version === 1 ? '+' : '~';
  return `${sign}${event.kv.key.slice(prefix.length)}=${text(event.kv)}`;
}

/** A watch that writes down what it is told and checks that it is told so in order. */
export class Recorder {
  readonly events: WatchEvent[] = [];
  /** The revision of the last batch. */
  revision = 0;
  error: Error | undefined;
  readonly close: () => void;
  #waiting: (() => void)[] = [];

  constructor(store: Store, prefix: string, fromRevision: number) {
    const watch = store.watch({
      prefix,
      fromRevision,
      onBatch: (batch) => {
        for (const event of batch.events) {
          const before = this.events.at(-1);
          if (before !== undefined) expect(revisionOf(event)).toBeGreaterThanOrEqual(revisionOf(before));
          this.events.push(event);
        }
        expect(batch.revision).toBeGreaterThanOrEqual(this.revision);
        expect(batch.events.every((event) => revisionOf(event) <= batch.revision)).toBe(true);
        this.revision = batch.revision;
        this.#wake();
      },
      onError: (error) => {
        expect(this.error).toBeUndefined();
        this.error = error;
        this.#wake();
      },
    });
    this.close = () => watch.close();
  }

  /** Resolves once the recorder has seen what is asked for. @throws the watch's error if that comes first */
  async until(seen: (recorder: Recorder) => boolean): Promise<this> {
    while (!seen(this)) {
      if (this.error !== undefined) throw this.error;
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    }
    return this;
  }

  #wake(): void {
    for (const resolve of this.#waiting.splice(0)) resolve();
  }
}

export function revisionOf(event: WatchEvent): number {
  return event.type === 'put' ? event.kv.modRevision : event.modRevision;
}
