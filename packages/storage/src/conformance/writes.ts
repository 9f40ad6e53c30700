import { expect, it } from 'vitest';
import { bytes, put, Recorder, remove, text } from './fixture.ts';
import type { TestContext } from './suite.ts';

export function writeTests(context: TestContext): void {
  it('creates, updates and deletes with ascending revisions', async () => {
    const { store, prefix } = context;
    const key = `${prefix}a`;
    const before = await store.currentRevision();

    const created = await put(store, key, 'one');
    expect(created).toBe(before + 1);
    const first = { key, createRevision: created, modRevision: created, version: 1 };
    expect(await store.get(key)).toEqual({ kv: { ...first, value: expect.anything() }, revision: created });

    const updated = await put(store, key, 'two', created);
    expect(updated).toBe(before + 2);
    const { kv } = await store.get(key);
    expect(kv).toMatchObject({ key, createRevision: created, modRevision: updated, version: 2 });
    expect(text(kv)).toBe('two');

    const deleted = await remove(store, key, updated);
    expect(deleted).toBe(before + 3);
    expect(await store.get(key)).toEqual({ kv: undefined, revision: deleted });
    expect(await store.currentRevision()).toBe(deleted);
  });

  it('starts a deleted key anew', async () => {
    const { store, prefix } = context;
    const key = `${prefix}a`;
    const created = await put(store, key, 'one');
    await remove(store, key, await put(store, key, 'two', created));
    const again = await put(store, key, 'three');
    expect((await store.get(key)).kv).toMatchObject({ createRevision: again, modRevision: again, version: 1 });
  });

  const conflicts = {
    'create of an existing key': { expected: () => 0 },
    'update from an old revision': { expected: (modRevision: number) => modRevision - 1 },
    'update from a future revision': { expected: (modRevision: number) => modRevision + 1 },
  };
  for (const [name, { expected }] of Object.entries(conflicts)) {
    it(`refuses a ${name} and returns what is there`, async () => {
      const { store, prefix } = context;
      const key = `${prefix}a`;
      const revision = await put(store, key, 'two', await put(store, key, 'one'));
      const result = await store.put(key, bytes('three'), { expect: expected(revision) });
      const current = { key, createRevision: revision - 1, modRevision: revision, version: 2 };
      expect(result).toMatchObject({ ok: false, current, revision });
      expect(text((await store.get(key)).kv)).toBe('two');
      expect(await store.currentRevision()).toBe(revision);
    });
  }

  it('refuses to update and to delete a key that does not exist', async () => {
    const { store, prefix } = context;
    const revision = await put(store, `${prefix}other`, '');
    const missing = { ok: false, current: undefined, revision };
    expect(await store.put(`${prefix}a`, bytes('x'), { expect: revision })).toEqual(missing);
    expect(await store.delete(`${prefix}a`, { expect: revision })).toEqual(missing);
  });

  it('refuses to update and to delete a deleted key by the revision of its deletion', async () => {
    const { store, prefix } = context;
    const key = `${prefix}a`;
    const deleted = await remove(store, key, await put(store, key, 'one'));
    const missing = { ok: false, current: undefined, revision: deleted };
    expect(await store.put(key, bytes('x'), { expect: deleted })).toEqual(missing);
    expect(await store.delete(key, { expect: deleted })).toEqual(missing);
  });

  it('refuses a delete from an old revision and returns what is there', async () => {
    const { store, prefix } = context;
    const key = `${prefix}a`;
    const created = await put(store, key, 'one');
    const updated = await put(store, key, 'two', created);
    const result = await store.delete(key, { expect: created });
    expect(result).toMatchObject({ ok: false, current: { modRevision: updated }, revision: updated });
  });

  it('calls a delete that expects nothing a mistake', async () => {
    const { store, prefix } = context;
    await expect(store.delete(`${prefix}a`, { expect: 0 })).rejects.toBeInstanceOf(RangeError);
  });

  it('keeps values byte for byte', async () => {
    const { store, prefix } = context;
    const values = {
      empty: new Uint8Array(0),
      'every byte': Uint8Array.from({ length: 256 }, (_, i) => i),
      '1.5 MiB': Uint8Array.from({ length: 1.5 * 1024 * 1024 - 512 }, (_, i) => (i * 7919) >> 8),
    };
    const recorder = new Recorder(store, prefix, (await store.currentRevision()) + 1);
    for (const [name, value] of Object.entries(values)) {
      expect(await store.put(prefix + name, Uint8Array.from(value), { expect: 0 })).toMatchObject({ ok: true });
      const { kv } = await store.get(prefix + name);
      expect(Buffer.from(kv!.value).equals(value), name).toBe(true);
    }
    await recorder.until(({ events }) => events.length === 3);
    for (const event of recorder.events) {
      if (event.type !== 'put') throw new Error('a put was expected');
      const name = event.kv.key.slice(prefix.length) as keyof typeof values;
      expect(Buffer.from(event.kv.value).equals(values[name]), name).toBe(true);
    }
    recorder.close();
  });

  it('hands out values that stay as they were', async () => {
    const { store, prefix } = context;
    const key = `${prefix}a`;
    let revision = await put(store, key, 'first'.repeat(100));
    const { kv } = await store.get(key);
    const listed = await store.list({ prefix });
    for (let i = 0; i < 50; i++) revision = await put(store, key, `other-${i}`.repeat(100), revision);
    for (let i = 0; i < 50; i++) await store.get(key);
    expect(text(kv)).toBe('first'.repeat(100));
    expect(text(listed.kvs[0])).toBe('first'.repeat(100));
  });

  it('deletes a key when its time to live is over', async () => {
    const { store, prefix, fixture } = context;
    const start = await store.currentRevision();
    const recorder = new Recorder(store, prefix, start + 1);
    await store.put(`${prefix}brief`, bytes('x'), { expect: 0, ttlSeconds: 2 });
    await store.put(`${prefix}long`, bytes('x'), { expect: 0, ttlSeconds: 300 });
    const renewed = await store.put(`${prefix}renewed`, bytes('x'), { expect: 0, ttlSeconds: 2 });
    await put(store, `${prefix}renewed`, 'kept', renewed.revision);
    expect((await store.list({ prefix })).count).toBe(3);

    await fixture.sleep(6);
    await recorder.until(({ events }) => events.some((event) => event.type === 'delete'));
    const last = recorder.events.at(-1);
    expect(last).toEqual({ type: 'delete', key: `${prefix}brief`, modRevision: start + 5 });
    const { kvs } = await store.list({ prefix });
    expect(kvs.map(({ key }) => key.slice(prefix.length))).toEqual(['long', 'renewed']);
    recorder.close();
  });
}
