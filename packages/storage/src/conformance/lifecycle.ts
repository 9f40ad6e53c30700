import { expect, it } from 'vitest';
import { CompactedError, StoreUnavailableError } from '../store.ts';
import { bytes, describeEvent, put, Recorder, remove, text } from './fixture.ts';
import type { TestContext } from './suite.ts';

export function lifecycleTests(context: TestContext): void {
  it('is healthy and has a size', async () => {
    const { store, prefix } = context;
    await put(store, `${prefix}a`, 'x'.repeat(1000));
    await expect(store.health()).resolves.toBeUndefined();
    expect(await store.size()).toBeGreaterThan(1000);
  });

  it('closes once, finishing what it accepted and refusing what comes later', async () => {
    const { store, prefix } = context;
    const recorder = new Recorder(store, prefix, (await store.currentRevision()) + 1);
    const accepted = store.put(`${prefix}a`, bytes(''), { expect: 0 });
    await Promise.all([store.close(), store.close()]);
    expect(await accepted).toMatchObject({ ok: true });
    await expect(store.put(`${prefix}b`, bytes(''), { expect: 0 })).rejects.toBeInstanceOf(StoreUnavailableError);
    await expect(store.get(`${prefix}a`)).rejects.toBeInstanceOf(StoreUnavailableError);
    await expect(store.list({ prefix })).rejects.toBeInstanceOf(StoreUnavailableError);
    await expect(store.health()).rejects.toBeInstanceOf(StoreUnavailableError);
    expect(recorder.error).toBeUndefined();
  });

  it('finds everything again when it is opened again', async ({ skip }) => {
    const { store, prefix, fixture } = context;
    if (fixture.reopen === undefined) return skip('this engine keeps nothing');
    const start = await store.currentRevision();
    const a1 = await put(store, `${prefix}a`, '1');
    const b1 = await put(store, `${prefix}b`, '1');
    const a2 = await put(store, `${prefix}a`, '2', a1);
    const bGone = await remove(store, `${prefix}b`, b1);
    const c1 = await put(store, `${prefix}ç`, '1');
    await store.compact(b1);

    const again = await fixture.reopen();
    expect(await again.currentRevision()).toBe(c1);
    expect(await again.compactedRevision()).toBe(b1);
    expect((await again.list({ prefix })).kvs.map(text)).toEqual(['2', '1']);
    const a = { createRevision: a1, modRevision: a2, version: 2 };
    expect((await again.get(`${prefix}a`)).kv).toMatchObject(a);
    expect((await again.list({ prefix, revision: b1 })).kvs.map(text)).toEqual(['1', '1']);
    await expect(again.list({ prefix, revision: start })).rejects.toBeInstanceOf(CompactedError);
    const recorder = new Recorder(again, prefix, a2);
    await recorder.until(({ events }) => events.length === 3);
    expect(recorder.events.map((event) => describeEvent(event, prefix))).toEqual(['~a=2', '-b', '+ç=1']);
    recorder.close();

    expect(await again.put(`${prefix}b`, bytes(''), { expect: bGone })).toMatchObject({ ok: false });
    expect(await put(again, `${prefix}b`, '2')).toBe(c1 + 1);
    await again.compact(c1 + 1);
    expect((await again.list({ prefix })).kvs.map(text)).toEqual(['2', '2', '1']);
  });

  it('deletes a key whose time ran out while it was closed', async ({ skip }) => {
    const { store, prefix, fixture } = context;
    if (fixture.reopen === undefined) return skip('this engine keeps nothing');
    await store.put(`${prefix}brief`, bytes(''), { expect: 0, ttlSeconds: 2 });
    const again = await fixture.reopen();
    const recorder = new Recorder(again, prefix, (await again.currentRevision()) + 1);
    await fixture.sleep(6);
    await recorder.until(({ events }) => events.length === 1);
    expect(recorder.events[0]).toMatchObject({ type: 'delete', key: `${prefix}brief` });
    recorder.close();
  });
}
