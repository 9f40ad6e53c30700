import { ManualClock } from '@keelson/api/clock';
import { expect, it } from 'vitest';
import { startCompactor } from './compactor.ts';
import { openMemoryStore } from './memory/open.ts';
import { type Store, StoreUnavailableError } from './store.ts';

const minute = 60_000;

const setUp = (store: Store = openMemoryStore()) => {
  const clock = new ManualClock();
  const errors: Error[] = [];
  const start = () => startCompactor(store, { intervalMs: 5 * minute, clock, onError: (error) => errors.push(error) });
  const write = async () => (await store.put(`/${Math.random()}`, new Uint8Array(1), { expect: 0 })).revision;
  const interval = async () => {
    clock.advance(5 * minute);
    for (let i = 0; i < 20; i++) await new Promise((resolve) => setImmediate(resolve));
  };
  return { store, errors, start, write, interval };
};

it('compacts to where the store was an interval ago', async () => {
  const { store, start, write, interval, errors } = setUp();
  const stop = start();
  await write();
  await interval();
  expect(await store.compactedRevision()).toBe(0);
  const first = await store.currentRevision();
  await write();
  await interval();
  expect(await store.compactedRevision()).toBe(first);
  const second = await store.currentRevision();
  await interval();
  expect(await store.compactedRevision()).toBe(second);
  stop();
  await interval();
  expect(await store.compactedRevision()).toBe(second);
  expect(errors).toEqual([]);
  await store.close();
});

it('takes turns with others, and takes over when they are gone', async () => {
  const { store, start, write, interval, errors } = setUp();
  const stops = [start(), start(), start()];
  for (let i = 0; i < 4; i++) {
    await write();
    await interval();
  }
  const { kv } = await store.get('compact_rev_key');
  expect(kv?.version, 'one round for each interval').toBe(4);
  const compacted = await store.compactedRevision();
  expect(String(Buffer.from(kv!.value))).toBe(String(compacted));
  stops[0]!();
  stops[1]!();
  await write();
  await interval();
  await interval();
  expect(await store.compactedRevision()).toBeGreaterThan(compacted);
  stops[2]!();
  expect(errors).toEqual([]);
  await store.close();
});

it('goes on after a failure', async () => {
  const store = openMemoryStore();
  const failing = Object.create(store) as Store;
  let fail = true;
  failing.get = async (...args) => {
    if (fail) throw new StoreUnavailableError('etcd at https://10.0.0.1:2379: gone');
    return store.get(...args);
  };
  for (const name of ['put', 'compact'] as const) failing[name] = store[name].bind(store) as never;
  const { start, interval, errors } = setUp(failing);
  const stop = start();
  await interval();
  expect(errors.map(({ message }) => message)).toEqual(['etcd at https://10.0.0.1:2379: gone']);
  fail = false;
  await interval();
  await interval();
  expect(await store.compactedRevision()).toBeGreaterThan(0);
  stop();
  await store.close();
});
