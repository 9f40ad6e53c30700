import { setImmediate as nextTurn } from 'node:timers/promises';
import { silentLogger } from '@keelson/component/logs/logger';
import { openMemoryStore } from '@keelson/storage/memory/open';
import {
  CompactedError,
  type KeyValue,
  type Store,
  StoreUnavailableError,
  UnreadableValueError,
  type WatchOptions,
} from '@keelson/storage/store';
import { expect, it } from 'vitest';
import type { CachedObject } from './cached-objects.ts';
import { Cacher } from './cacher.ts';
import { follow } from './follow.ts';
import type { ResourceStore } from './store.ts';

const PREFIX = '/registry/things';
const UNREADABLE = '!'.charCodeAt(0);

/** A store of objects that are no more than a name and, in many bytes, a value. */
function setUp() {
  const memory = openMemoryStore();
  let watch: WatchOptions | undefined;
  /** What the next list fails with. */
  let failure: Error | undefined;
  const decoded: string[] = [];
  const store = new Proxy<Store>(memory, {
    get(_, name: keyof Store) {
      const member = memory[name];
      if (typeof member !== 'function') return member;
      if (name === 'list' && failure) {
        const error = failure;
        failure = undefined;
        return () => Promise.reject(error);
      }
      if (name !== 'watch') return member.bind(memory);
      return (options: WatchOptions) => {
        watch = options;
        const { close } = memory.watch({ ...options, onBatch: (batch) => watch === options && options.onBatch(batch) });
        return { close };
      };
    },
  });
  /** The store ends the cache's watch; what is written from now on is found by loading again. */
  const lose = (error: Error) => {
    const { onError } = watch!;
    watch = undefined;
    onError(error);
  };
  const failOnce = (error: Error) => {
    failure = error;
  };
  const decode = ({ key, value, modRevision }: KeyValue): CachedObject => {
    const name = key.slice(PREFIX.length + 1);
    if (value[0] === UNREADABLE) throw new UnreadableValueError(key, 'no JSON', { isSealed: false });
    decoded.push(name);
    return { key, namespace: '', name, revision: modRevision, bytes: Buffer.from(value), labels: {}, fields: {} };
  };
  const cacher = new Cacher({ store, prefix: PREFIX, decode, now: () => new Date(0), logger: silentLogger });
  const codec = {
    shared: ({ name, bytes }: CachedObject) => ({ metadata: { name, uid: bytes.toString().trim() } }),
  };
  const put = async (name: string, value: string) => {
    const key = `${PREFIX}/${name}`;
    const { kv } = await store.get(key);
    await store.put(key, Buffer.from(value.padEnd(200_000)), { expect: kv?.modRevision ?? 0 });
  };
  const remove = async (name: string) => {
    const key = `${PREFIX}/${name}`;
    await store.delete(key, { expect: (await store.get(key)).kv!.modRevision });
  };
  return { resource: { cacher, codec } as unknown as ResourceStore, cacher, decoded, put, remove, lose, failOnce };
}

/** A follower that was told some of six objects, and not all. @param isLoaded before it follows, or because it does */
async function beingTold(isLoaded = true) {
  const { resource, cacher, ...rest } = setUp();
  for (const name of ['a', 'b', 'c', 'd', 'e', 'f']) await rest.put(name, '1');
  if (isLoaded) await cacher.ready();
  const state = new Map<string, string>();
  const following = follow(resource, {
    set: ({ metadata }) => void state.set(metadata.name!, metadata.uid!),
    delete: (_, name) => void state.delete(name),
  });
  while (state.size === 0) await nextTurn();
  expect(state.size).toBeLessThan(6);
  return { ...rest, resource, cacher, state, following };
}

it.each([true, false])('tells what happens while it tells what is there; loaded before: %s', async (isLoaded) => {
  const { put, remove, state, following } = await beingTold(isLoaded);
  await Promise.all([put('a', '2'), remove('f'), put('g', '1')]);
  const stop = await following;
  expect(Object.fromEntries(state)).toEqual({ a: '2', b: '1', c: '1', d: '1', e: '1', g: '1' });
  await put('b', '2');
  expect(state.get('b')).toBe('2');
  stop();
  await put('b', '3');
  expect(state.get('b')).toBe('2');
});

it.each([new CompactedError(5), new StoreUnavailableError('the watch was ended')])(
  'tells what was missed when the cache has lost its place: %s',
  async (error) => {
    const { resource, put, remove, lose } = setUp();
    for (const name of ['gone', 'changed', 'same']) await put(name, '1');
    const told: string[] = [];
    const stop = await follow(resource, {
      set: ({ metadata }) => void told.push(`${metadata.name} ${metadata.uid}`),
      delete: (_, name) => void told.push(`${name} deleted`),
    });
    told.length = 0;
    lose(error);
    await remove('gone');
    await put('changed', '2');
    await put('new', '1');
    await expect.poll(() => told).toEqual(['gone deleted', 'changed 2', 'new 1']);
    await put('changed', '3');
    expect(told.at(-1)).toBe('changed 3');
    lose(error);
    await remove('new');
    await expect.poll(() => told.at(-1)).toBe('new deleted');
    stop();
  },
);

it('tells what was missed, too, when the cache loses its place while it is told first', async () => {
  const { put, remove, lose, state, following } = await beingTold();
  lose(new CompactedError(5));
  await Promise.all([put('a', '2'), remove('b'), remove('f'), put('g', '1')]);
  const stop = await following;
  expect(Object.fromEntries(state)).toEqual({ a: '2', c: '1', d: '1', e: '1', g: '1' });
  stop();
});

it('lets nobody subscribe to a cache that is being loaded again, who would not be told what that brings', async () => {
  const { cacher, put, lose } = setUp();
  await put('a', '1');
  await cacher.ready();
  lose(new StoreUnavailableError('the watch was ended'));
  await put('b', '1');
  await cacher.ready();
  expect(cacher.list('').map(({ name }) => name)).toEqual(['a', 'b']);
});

it('tells what is loaded for it object by object, each when it has been decoded, and gives turns in between', async () => {
  const { resource, decoded, state, following } = await beingTold(false);
  expect([...state.keys()]).toEqual(decoded);
  // Another follower comes too late for what has been told.
  const late: string[] = [];
  const joining = follow(resource, { set: ({ metadata }) => void late.push(metadata.name!), delete: () => {} });
  let turns = 0;
  while (state.size < 6) {
    const before = state.size;
    await nextTurn();
    turns++;
    expect(state.size - before).toBeLessThanOrEqual(2);
    expect([...state.keys()]).toEqual(decoded);
  }
  expect(turns).toBeGreaterThanOrEqual(2);
  await Promise.all([following, joining]);
  expect(decoded).toEqual(['a', 'b', 'c', 'd', 'e', 'f']);
  expect(late).toEqual(decoded);
});

it('begins anew after a load that failed, without who waited for that', async () => {
  const { resource, put, failOnce } = setUp();
  await put('a', '1');
  const told = { first: 0, second: 0 };
  const followAs = (who: keyof typeof told) => follow(resource, { set: () => void told[who]++, delete: () => {} });
  failOnce(new StoreUnavailableError('not now'));
  await expect(followAs('first')).rejects.toThrow('not now');
  await followAs('second');
  await put('b', '1');
  expect(told).toEqual({ first: 0, second: 2 });
});

it('waits for what cannot be read to go, and tells what was told before and is gone meanwhile', async () => {
  const { resource, put, remove } = setUp();
  for (const name of ['a', 'b']) await put(name, '1');
  await put('c', '!');
  const told: string[] = [];
  const following = follow(resource, {
    set: ({ metadata }) => void told.push(metadata.name!),
    delete: (_, name) => void told.push(`${name} deleted`),
  });
  await expect.poll(() => told).toEqual(['a', 'b']);
  await remove('a');
  await put('c', '1');
  const stop = await following;
  expect(told).toEqual(['a', 'b', 'a deleted', 'c']);
  await put('d', '1');
  expect(told.at(-1)).toBe('d');
  stop();
});
