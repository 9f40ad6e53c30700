import { expect, it } from 'vitest';
import { openMemoryStore } from './memory/open.ts';
import { pagesOf } from './pages.ts';

const storeOf = async (...keys: string[]) => {
  const store = openMemoryStore({});
  for (const key of keys) await store.put(key, Buffer.from('x'), { expect: 0 });
  return store;
};

it.each([
  [['a/1', 'a/2', 'a/3', 'b/1'], 'a/', 2, undefined, [['a/1', 'a/2'], ['a/3']]],
  [['a/1', 'a/2'], 'a/', 2, undefined, [['a/1', 'a/2']]],
  [['a/1', 'a/2', 'a/3'], 'a/', 1, 'a/2', [['a/2'], ['a/3']]],
  [['b/1'], 'a/', 2, undefined, [[]]],
])('%j below %s, by %d from %s', async (keys, prefix, limit, from, expected) => {
  const store = await storeOf(...keys);
  const pages: string[][] = [];
  for await (const { kvs } of pagesOf(store, { prefix, limit, ...(from ? { from } : {}) }))
    pages.push(kvs.map(({ key }) => key));
  expect(pages).toEqual(expected);
});

it('is all of one revision, whatever is written meanwhile', async () => {
  const store = await storeOf('a/1', 'a/3');
  const before = await store.currentRevision();
  const seen: [string, number][] = [];
  for await (const { kvs, revision } of pagesOf(store, { prefix: 'a/', limit: 1 })) {
    seen.push([kvs[0]!.key, revision]);
    await store.put(`a/2-${seen.length}`, Buffer.from('x'), { expect: 0 });
  }
  expect(seen).toEqual([
    ['a/1', before],
    ['a/3', before],
  ]);
});
