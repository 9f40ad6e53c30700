import { expect, it } from 'vitest';
import { FutureRevisionError } from '../store.ts';
import { put, remove, text } from './fixture.ts';
import type { TestContext } from './suite.ts';

export function readTests(context: TestContext): void {
  const names = async (options: Omit<Parameters<TestContext['store']['list']>[0], 'prefix'>, under = '') => {
    const { store, prefix } = context;
    const from = options.from === undefined ? {} : { from: prefix + options.from };
    const { kvs, count } = await store.list({ ...options, ...from, prefix: prefix + under });
    return { names: kvs.map(({ key }) => key.slice(prefix.length)).join(' '), count };
  };

  it('finds nothing where nothing is', async () => {
    const { store, prefix } = context;
    const revision = await store.currentRevision();
    expect(await store.get(`${prefix}a`)).toEqual({ kv: undefined, revision });
    expect(await store.list({ prefix })).toEqual({ kvs: [], count: 0, revision });
  });

  it('lists what starts with the prefix, sorted', async () => {
    const { store, prefix } = context;
    for (const name of ['b/2', 'a/1', 'b', 'b/1', 'c/1', 'b/10', 'ba/1']) await put(store, prefix + name, name);
    expect(await names({})).toEqual({ names: 'a/1 b b/1 b/10 b/2 ba/1 c/1', count: 7 });
    expect(await names({}, 'b')).toEqual({ names: 'b b/1 b/10 b/2 ba/1', count: 5 });
    expect(await names({}, 'b/')).toEqual({ names: 'b/1 b/10 b/2', count: 3 });
    expect(await names({}, 'd')).toEqual({ names: '', count: 0 });
    const { kvs } = await store.list({ prefix: `${prefix}b/` });
    expect(kvs.map(text)).toEqual(['b/1', 'b/10', 'b/2']);
  });

  it('pages by from and limit, and counts what is left', async () => {
    const { store, prefix } = context;
    for (const name of ['a', 'b', 'c', 'd', 'e']) await put(store, prefix + name, name);
    expect(await names({ limit: 2 })).toEqual({ names: 'a b', count: 5 });
    expect(await names({ limit: 2, from: 'b\0' })).toEqual({ names: 'c d', count: 3 });
    expect(await names({ limit: 2, from: 'd\0' })).toEqual({ names: 'e', count: 1 });
    expect(await names({ limit: 2, from: 'e\0' })).toEqual({ names: '', count: 0 });
    expect(await names({ limit: 0, from: 'c' })).toEqual({ names: 'c d e', count: 3 });
    expect(await names({ limit: 9, from: 'c' })).toEqual({ names: 'c d e', count: 3 });
  });

  it('ignores a from outside of the prefix', async () => {
    const { store, prefix } = context;
    for (const name of ['a/1', 'b/1', 'c/1']) await put(store, prefix + name, name);
    expect(await names({ from: 'a' }, 'b/')).toEqual({ names: 'b/1', count: 1 });
    expect(await names({ from: 'c' }, 'b/')).toEqual({ names: '', count: 0 });
  });

  it('sorts by bytes, not by UTF-16 code units', async () => {
    const { store, prefix } = context;
    const sorted = ['Z', 'a', 'z', 'é', 'é2', '漢', '\uff5e', '😀', '😀z'];
    for (const name of sorted.toReversed()) await put(store, prefix + name, name);
    expect(await names({})).toEqual({ names: sorted.join(' '), count: sorted.length });
    expect(await names({ from: '\uff5e', limit: 2 })).toEqual({ names: '\uff5e 😀', count: 3 });
    expect(await names({}, '😀')).toEqual({ names: '😀 😀z', count: 2 });
    for (const name of sorted) expect((await store.get(prefix + name)).kv?.key).toBe(prefix + name);
  });

  it('reads the past', async () => {
    const { store, prefix } = context;
    const start = await store.currentRevision();
    const a1 = await put(store, `${prefix}a`, 'a1');
    const b1 = await put(store, `${prefix}b`, 'b1');
    const a2 = await put(store, `${prefix}a`, 'a2', a1);
    const bGone = await remove(store, `${prefix}b`, b1);
    const c1 = await put(store, `${prefix}c`, 'c1');
    const b2 = await put(store, `${prefix}b`, 'b2');
    const states: [number, string][] = [
      [start, ''],
      [a1, 'a1'],
      [b1, 'a1 b1'],
      [a2, 'a2 b1'],
      [bGone, 'a2'],
      [c1, 'a2 c1'],
      [b2, 'a2 b2 c1'],
    ];
    for (const [revision, state] of states) {
      const result = await store.list({ prefix, revision });
      expect(result.kvs.map(text).join(' '), `at ${revision}`).toBe(state);
      expect(result).toMatchObject({ count: result.kvs.length, revision });
    }
    expect(await store.get(`${prefix}b`, { revision: a2 })).toMatchObject({ kv: { modRevision: b1, version: 1 } });
    expect(await store.get(`${prefix}b`, { revision: bGone })).toEqual({ kv: undefined, revision: bGone });
    expect(await store.get(`${prefix}a`, { revision: start })).toEqual({ kv: undefined, revision: start });
    const page = await store.list({ prefix, revision: b1, from: `${prefix}a\0`, limit: 1 });
    expect(page).toMatchObject({ kvs: [{ key: `${prefix}b`, modRevision: b1 }], count: 1, revision: b1 });
    expect(await store.list({ prefix, revision: b1, limit: 1 })).toMatchObject({
      kvs: [{ modRevision: a1 }],
      count: 2,
    });
  });

  it('refuses to read the future', async () => {
    const { store, prefix } = context;
    const revision = (await store.currentRevision()) + 1;
    await expect(store.get(`${prefix}a`, { revision })).rejects.toBeInstanceOf(FutureRevisionError);
    await expect(store.list({ prefix, revision })).rejects.toBeInstanceOf(FutureRevisionError);
  });

  it('lists thousands of keys as one state', async () => {
    const { store, prefix } = context;
    const total = 3000;
    const key = (i: number) => `${prefix}${String(i).padStart(5, '0')}`;
    await Promise.all(Array.from({ length: total }, (_, i) => put(store, key(i), `value ${i}`)));
    const reading = store.list({ prefix });
    const past = await store.currentRevision();
    const { kv } = await store.get(key(total - 1));
    await Promise.all([reading, put(store, key(total - 1), 'changed', kv!.modRevision)]);
    const atPast = await store.list({ prefix, revision: past });
    expect(atPast.count).toBe(total);
    for (const [i, entry] of atPast.kvs.entries()) {
      expect(entry.key).toBe(key(i));
      expect(text(entry)).toBe(`value ${i}`);
    }
    const { kvs, revision } = await reading;
    expect(kvs.length).toBe(total);
    expect(kvs.every(({ modRevision }) => modRevision <= revision)).toBe(true);
    expect((await store.list({ prefix, from: key(1000), limit: 10 })).count).toBe(total - 1000);
  });
}
