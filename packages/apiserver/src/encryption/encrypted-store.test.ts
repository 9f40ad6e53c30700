import { storeConformance } from '@keelson/storage/conformance/suite';
import { openStore } from '@keelson/storage/open';
import type { KeyValue, Store, WatchBatch } from '@keelson/storage/store';
import { UnreadableValueError } from '@keelson/storage/store';
import { expect, it, vi } from 'vitest';
import { AesGcm } from './aes.ts';
import { EncryptedStore } from './encrypted-store.ts';
import { identity } from './identity.ts';
import type { ValueTransformer } from './transformer.ts';

const gcm = (letter: string) => new AesGcm(Buffer.alloc(32, letter));
const encrypted = (inner: Store, transformer: () => ValueTransformer) =>
  new EncryptedStore(inner, { transformer, pathOf: (key) => key });
const KEY = '/registry/secrets/a/b';

/** It belongs to the resource as the inner store does to all, so that a test may close it. */
class Owned extends EncryptedStore {
  override close(): Promise<void> {
    return this.inner.close();
  }
}

for (const [name, transformer] of [
  ['encrypted', gcm('a')],
  ['not encrypted', identity],
  [
    'encrypted by one who answers late',
    { seal: gcm('a').seal.bind(gcm('a')), open: async (...args) => gcm('a').open(...args) },
  ],
] satisfies [string, ValueTransformer][]) {
  storeConformance(`memory, ${name}`, async () => {
    vi.useFakeTimers({ toFake: ['Date', 'setTimeout', 'clearTimeout'] });
    const store = new Owned(await openStore({ engine: 'memory' }), {
      transformer: () => transformer,
      pathOf: (key) => key,
    });
    return {
      store,
      sleep: async (seconds) => void (await vi.advanceTimersByTimeAsync(seconds * 1000)),
      dispose: async () => {
        await store.close();
        vi.useRealTimers();
      },
    };
  });
}

it('nothing readable gets to the store', async () => {
  const inner = await openStore({ engine: 'memory' });
  await encrypted(inner, () => gcm('a')).put(KEY, Buffer.from('secret'), { expect: 0 });
  expect(Buffer.from((await inner.get(KEY)).kv!.value).includes('secret')).toBe(false);
  await inner.close();
});

it('what was written comes back by the watch as it was, before the write is done', async () => {
  const inner = await openStore({ engine: 'memory' });
  const store = encrypted(inner, () => gcm('a'));
  const seen: KeyValue[] = [];
  const onBatch = ({ events }: WatchBatch) => {
    for (const event of events) if (event.type === 'put') seen.push(event.kv);
  };
  const watch = store.watch({ prefix: '/registry/secrets/', fromRevision: 1, onBatch, onError: () => {} });
  const value = Buffer.from('secret');
  await store.put(KEY, value, { expect: 0 });
  expect(seen[0]!.value).toBe(value);
  watch.close();
  await inner.close();
});

it('large values that are written together come back before the writes are done, and are not decrypted', async () => {
  const inner = await openStore({ engine: 'memory' });
  let opened = 0;
  const { seal, open } = gcm('a');
  const counting: ValueTransformer = {
    seal: seal.bind(gcm('a')),
    open: (...args) => {
      opened++;
      return open.apply(gcm('a'), args);
    },
  };
  const store = encrypted(inner, () => counting);
  const seen: string[] = [];
  const onBatch = ({ events }: WatchBatch) => {
    for (const event of events) if (event.type === 'put') seen.push(event.kv.key);
  };
  const watch = store.watch({ prefix: '/registry/secrets/', fromRevision: 1, onBatch, onError: () => {} });
  const keys = ['a/1', 'a/2', 'a/3'].map((name) => `/registry/secrets/${name}`);
  const seenByThen = await Promise.all(
    keys.map(async (key) => {
      await store.put(key, Buffer.alloc(300_000, 'x'), { expect: 0 });
      return seen.includes(key);
    }),
  );
  expect(seenByThen).toEqual([true, true, true]);
  expect(opened).toBe(0);
  watch.close();
  await inner.close();
});

it('a watch is confirmed when what was before has been decrypted and told', async () => {
  const inner = await openStore({ engine: 'memory' });
  const slow: ValueTransformer = { seal: (value) => [value], open: async (value) => ({ value, stale: false }) };
  const store = encrypted(inner, () => slow);
  for (let i = 0; i < 3; i++) await store.put(`${KEY}${i}`, Buffer.from('x'), { expect: 0 });
  let told = 0;
  const onBatch = ({ events }: WatchBatch) => {
    told += events.length;
  };
  await store.watch({ prefix: '/registry/secrets/', fromRevision: 1, onBatch, onError: () => {} }).confirmed;
  expect(told).toBe(3);
  await inner.close();
});

it('what can not be decrypted is an error of its own, and no obstacle to being told that it is there', async () => {
  const inner = await openStore({ engine: 'memory' });
  const put = await encrypted(inner, () => gcm('a')).put(KEY, Buffer.from('secret'), { expect: 0 });
  const other = encrypted(inner, () => gcm('b'));
  await expect(other.get(KEY)).rejects.toThrow(UnreadableValueError);
  await expect(other.list({ prefix: '/registry/secrets/' })).rejects.toMatchObject({ key: KEY, isSealed: true });
  expect(await other.put(KEY, Buffer.from('mine'), { expect: 0 })).toMatchObject({ ok: false, current: undefined });
  const failure = await new Promise<Error>((onError) => {
    other.watch({ prefix: '/registry/secrets/', fromRevision: put.revision, onBatch: () => {}, onError });
  });
  expect(failure.message).toBe('cipher: message authentication failed');
  await inner.close();
});

it('is stale under another transformer, at the revision that is asked for', async () => {
  const inner = await openStore({ engine: 'memory' });
  let stale = false;
  const rotating: ValueTransformer = { seal: (value) => [value], open: (value) => ({ value, stale }) };
  const store = encrypted(inner, () => rotating);
  const { revision } = await store.put(KEY, Buffer.from('a'), { expect: 0 });
  expect(await store.isStale(KEY, revision)).toBe(false);
  stale = true;
  expect(await store.isStale(KEY, revision)).toBe(true);
  expect(await store.isStale(KEY, revision - 1)).toBe(false);
  expect(await store.isStale('/registry/secrets/a/none', revision)).toBe(false);
  await inner.close();
});
