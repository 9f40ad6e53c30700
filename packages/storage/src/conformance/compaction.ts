import { expect, it } from 'vitest';
import { CompactedError, FutureRevisionError } from '../store.ts';
import { bytes, describeEvent, put, Recorder, remove, text } from './fixture.ts';
import type { TestContext } from './suite.ts';

export function compactionTests(context: TestContext): void {
  const history = async () => {
    const { store, prefix } = context;
    const created = await put(store, `${prefix}a`, '1');
    const updated = await put(store, `${prefix}a`, '2', created);
    await put(store, `${prefix}kept`, '1');
    const deleted = await remove(store, `${prefix}a`, updated);
    await put(store, `${prefix}b`, '1');
    return { created, updated, deleted };
  };

  it('refuses reads below the compacted revision and allows those at it', async () => {
    const { store, prefix } = context;
    const { created, updated } = await history();
    await store.compact(updated);
    expect(await store.compactedRevision()).toBe(updated);
    const refused = expect.objectContaining({ name: 'CompactedError', compactedRevision: updated });
    await expect(store.get(`${prefix}a`, { revision: created })).rejects.toEqual(refused);
    await expect(store.list({ prefix, revision: created })).rejects.toBeInstanceOf(CompactedError);
    expect(text((await store.get(`${prefix}a`, { revision: updated })).kv)).toBe('2');
    expect((await store.list({ prefix, revision: updated + 1 })).kvs.map(text)).toEqual(['2', '1']);
    expect((await store.list({ prefix })).count).toBe(2);
  });

  it('refuses to compact twice, or into the future', async () => {
    const { store } = context;
    const { created, updated } = await history();
    await store.compact(updated);
    await expect(store.compact(updated)).rejects.toBeInstanceOf(CompactedError);
    await expect(store.compact(created)).rejects.toBeInstanceOf(CompactedError);
    const future = (await store.currentRevision()) + 1;
    await expect(store.compact(future)).rejects.toBeInstanceOf(FutureRevisionError);
    expect(await store.compactedRevision()).toBe(updated);
  });

  it('ends watches from below the compacted revision, not those from it', async () => {
    const { store, prefix } = context;
    const { updated, deleted } = await history();
    await store.compact(deleted);
    const late = new Recorder(store, prefix, updated);
    await late.until(({ error }) => error !== undefined);
    expect(late.error).toBeInstanceOf(CompactedError);
    expect(late.error).toMatchObject({ compactedRevision: deleted });
    expect(late.events).toEqual([]);
    const inTime = new Recorder(store, prefix, deleted);
    await inTime.until(({ events }) => events.length === 2);
    expect(inTime.events.map((event) => describeEvent(event, prefix))).toEqual(['-a', '+b=1']);
    inTime.close();
  });

  it('leaves open watches alone', async () => {
    const { store, prefix } = context;
    const recorder = new Recorder(store, prefix, (await store.currentRevision()) + 1);
    await history();
    await recorder.until(({ events }) => events.length === 5);
    await store.compact(await store.currentRevision());
    await put(store, `${prefix}c`, '1');
    await recorder.until(({ events }) => events.length === 6);
    expect(recorder.error).toBeUndefined();
    recorder.close();
  });

  it('keeps what is current, however often it compacts', async () => {
    const { store, prefix } = context;
    const total = 40;
    const revisions = await Promise.all(Array.from({ length: total }, (_, i) => put(store, `${prefix}${i}`, `${i}`)));
    for (let round = 0; round < 5; round++) {
      for (let i = round; i < total; i += 5) {
        if (i % 2 === 0) await remove(store, `${prefix}${i}`, revisions[i]!);
        else revisions[i] = await put(store, `${prefix}${i}`, `${i}, round ${round}`, revisions[i]);
      }
      await store.compact(await store.currentRevision());
    }
    for (let i = 0; i < total; i += 4) await put(store, `${prefix}${i}`, 'again');
    await store.compact(await store.currentRevision());
    const { kvs } = await store.list({ prefix });
    const expected = Array.from({ length: total }, (_, i) => (i % 2 === 1 ? `${i}, round ${i % 5}` : 'again'));
    const alive = expected.filter((_, i) => i % 2 === 1 || i % 4 === 0);
    expect(kvs.map(text).sort()).toEqual(alive.sort());
    for (const kv of kvs) expect((await store.get(kv.key)).kv).toEqual(kv);
  });

  it('compacts under writes', async () => {
    const { store, prefix } = context;
    const key = `${prefix}a`;
    let revision = await put(store, key, '0');
    const recorder = new Recorder(store, prefix, revision);
    await recorder.until(({ events }) => events.length === 1);
    const compactions: Promise<void>[] = [];
    for (let i = 1; i <= 300; i++) {
      revision = await put(store, key, `${i}`, revision);
      if (i % 25 === 0) compactions.push(store.compact(revision - 10));
      if (i % 7 === 0) expect(text((await store.get(key, { revision: revision - 1 })).kv)).toBe(`${i - 1}`);
    }
    await Promise.all(compactions);
    await recorder.until(({ events }) => events.length === 301);
    const values = recorder.events.map((event) => describeEvent(event, prefix));
    expect(values).toEqual(Array.from({ length: 301 }, (_, i) => `${i === 0 ? '+' : '~'}a=${i}`));
    expect(await store.compactedRevision()).toBe(revision - 10);
    await expect(store.put(key, bytes(''), { expect: revision })).resolves.toMatchObject({ ok: true });
    recorder.close();
  });
}
