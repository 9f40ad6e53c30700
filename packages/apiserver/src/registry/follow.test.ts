import { setImmediate as nextTurn } from 'node:timers/promises';
import { openMemoryStore } from '@keelson/storage/memory/open';
import type { KeyValue } from '@keelson/storage/store';
import { expect, it } from 'vitest';
import { silentLogger } from '../logger.ts';
import { type CachedObject, Cacher } from './cacher.ts';
import { follow } from './follow.ts';
import type { ResourceStore } from './store.ts';

const PREFIX = '/registry/things';

/** A store of objects that are no more than a name and, in many bytes, a value. */
function setUp() {
  const store = openMemoryStore();
  const decode = ({ key, value, modRevision }: KeyValue): CachedObject => ({
    key,
    namespace: '',
    name: key.slice(PREFIX.length + 1),
    revision: modRevision,
    bytes: Buffer.from(value),
    labels: {},
    fields: {},
  });
  const cacher = new Cacher({ store, prefix: PREFIX, decode, logger: silentLogger });
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
  return { resource: { cacher, codec } as unknown as ResourceStore, cacher, put, remove };
}

it('tells what happens while it tells what is there', async () => {
  const { resource, cacher, put, remove } = setUp();
  for (const name of ['a', 'b', 'c', 'd', 'e', 'f']) await put(name, '1');
  await cacher.ready();
  const state = new Map<string, string>();
  const following = follow(resource, {
    set: ({ metadata }) => void state.set(metadata.name!, metadata.uid!),
    delete: (_, name) => void state.delete(name),
  });
  await nextTurn();
  // It was told some, and not all.
  expect(state.size).toBeGreaterThan(0);
  expect(state.size).toBeLessThan(6);
  await Promise.all([put('a', '2'), remove('f'), put('g', '1')]);
  const stop = await following;
  expect(Object.fromEntries(state)).toEqual({ a: '2', b: '1', c: '1', d: '1', e: '1', g: '1' });
  await put('b', '2');
  expect(state.get('b')).toBe('2');
  stop();
  await put('b', '3');
  expect(state.get('b')).toBe('2');
});
