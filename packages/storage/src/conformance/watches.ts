import { expect, it } from 'vitest';
import { bytes, describeEvent, put, Recorder, remove, revisionOf } from './fixture.ts';
import type { TestContext } from './suite.ts';

export function watchTests(context: TestContext): void {
  const story = async () => {
    const { store, prefix } = context;
    const a1 = await put(store, `${prefix}a`, '1');
    const b1 = await put(store, `${prefix}b`, '1');
    await put(store, `${prefix}a`, '2', a1);
    await remove(store, `${prefix}b`, b1);
    await put(store, `${prefix}b`, '2');
    return a1;
  };
  const told = ['+a=1', '+b=1', '~a=2', '-b', '+b=2'];
  const events = ({ events }: Recorder) => events.map((event) => describeEvent(event, context.prefix));

  it('tells what happens from now on', async () => {
    const { store, prefix } = context;
    const recorder = new Recorder(store, prefix, (await store.currentRevision()) + 1);
    const start = await story();
    await recorder.until((seen) => seen.events.length >= told.length);
    expect(events(recorder)).toEqual(told);
    expect(recorder.events.map(revisionOf)).toEqual([0, 1, 2, 3, 4].map((i) => start + i));
    recorder.close();
  });

  it('tells what happened before, from each revision on', async () => {
    const { store, prefix } = context;
    const start = await story();
    for (let skip = 0; skip < told.length; skip++) {
      const recorder = new Recorder(store, prefix, start + skip);
      await recorder.until((seen) => seen.events.length >= told.length - skip);
      expect(events(recorder)).toEqual(told.slice(skip));
      recorder.close();
    }
  });

  it('waits for a revision in the future', async () => {
    const { store, prefix } = context;
    const recorder = new Recorder(store, prefix, (await store.currentRevision()) + 4);
    await story();
    await recorder.until((seen) => seen.events.length >= 2);
    expect(events(recorder)).toEqual(['-b', '+b=2']);
    expect(recorder.error).toBeUndefined();
    recorder.close();
  });

  it('keeps to its prefix', async () => {
    const { store, prefix } = context;
    const start = (await store.currentRevision()) + 1;
    const live = new Recorder(store, `${prefix}in/`, start);
    const everything = new Recorder(store, prefix, start);
    for (const name of ['in', 'in/1', 'inn/1', 'out/1', 'in/2']) await put(store, prefix + name, '');
    const replayed = new Recorder(store, `${prefix}in/`, start);
    for (const recorder of [live, replayed]) {
      await recorder.until((seen) => seen.events.length >= 2);
      expect(events(recorder)).toEqual(['+in/1=', '+in/2=']);
      recorder.close();
    }
    await everything.until((seen) => seen.events.length >= 5);
    everything.close();
  });

  it('tells of a write before its promise resolves, where the engine is embedded', async ({ skip }) => {
    const { store, prefix } = context;
    if (!store.embedded) return skip('this engine is not embedded');
    const recorder = new Recorder(store, prefix, (await store.currentRevision()) + 1);
    await put(store, `${prefix}first`, '');
    await recorder.until((seen) => seen.events.length === 1);
    const writes = Array.from({ length: 50 }, async (_, i) => {
      const revision = await put(store, `${prefix}${i}`, '');
      expect(recorder.revision).toBeGreaterThanOrEqual(revision);
    });
    await Promise.all(writes);
    expect(recorder.events.length).toBe(51);
    recorder.close();
  });

  it('goes from the past into the present without a gap', async () => {
    const { store, prefix } = context;
    const start = (await store.currentRevision()) + 1;
    const total = 600;
    const recorders: Recorder[] = [];
    for (let i = 0; i < total; i++) {
      if (i % 60 === 0) recorders.push(new Recorder(store, prefix, start));
      if (i % 3 === 0) await put(store, `${prefix}${i}`, '');
      else void store.put(`${prefix}${i}`, bytes(''), { expect: 0 });
    }
    for (const recorder of recorders) {
      await recorder.until((seen) => seen.events.length >= total);
      expect(recorder.events.map(revisionOf)).toEqual(Array.from({ length: total }, (_, i) => start + i));
      recorder.close();
    }
  });

  it('tells of large values from the past, each once', async () => {
    const { store, prefix } = context;
    const start = (await store.currentRevision()) + 1;
    const total = 16;
    const value = Uint8Array.from({ length: 1 << 20 }, (_, i) => i);
    for (let i = 0; i < total; i++) await store.put(`${prefix}${i}`, value, { expect: 0 });
    const recorder = new Recorder(store, prefix, start);
    await recorder.until((seen) => seen.events.length >= total);
    expect(recorder.events.map(revisionOf)).toEqual(Array.from({ length: total }, (_, i) => start + i));
    for (const event of recorder.events) {
      expect(event.type === 'put' && Buffer.from(event.kv.value).equals(value)).toBe(true);
    }
    recorder.close();
  });

  it('says nothing after it was closed', async () => {
    const { store, prefix } = context;
    const start = (await store.currentRevision()) + 1;
    const closed = new Recorder(store, prefix, start);
    const open = new Recorder(store, prefix, start);
    await put(store, `${prefix}a`, '1');
    await closed.until((seen) => seen.events.length === 1);
    closed.close();
    await put(store, `${prefix}b`, '1');
    await open.until((seen) => seen.events.length === 2);
    expect(closed.events.length).toBe(1);
    expect(closed.error).toBeUndefined();
    closed.close();
    open.close();
  });

  it('reports progress when asked, even if nothing under the prefix changed', async () => {
    const { store, prefix } = context;
    const start = (await store.currentRevision()) + 1;
    const quiet = new Recorder(store, `${prefix}quiet/`, start);
    const busy = new Recorder(store, `${prefix}busy/`, start);
    const revision = await put(store, `${prefix}busy/a`, '1');
    await busy.until((seen) => seen.events.length === 1);
    expect(quiet.revision).toBeLessThan(revision);
    store.requestProgress(revision);
    await quiet.until((seen) => seen.revision >= revision);
    await busy.until((seen) => seen.revision >= revision);
    expect(quiet.events).toEqual([]);
    expect(busy.events.length).toBe(1);
    quiet.close();
    busy.close();
  });

  it('never reports progress beyond what it has delivered', async () => {
    const { store, prefix } = context;
    const start = (await store.currentRevision()) + 1;
    const total = 300;
    const writes = Array.from({ length: total }, (_, i) => put(store, `${prefix}${i}`, ''));
    let delivered = start - 1;
    await new Promise<void>((resolve, reject) => {
      const watch = store.watch({
        prefix,
        fromRevision: start,
        onBatch: (batch) => {
          for (const event of batch.events) {
            if (revisionOf(event) !== delivered + 1) reject(new Error(`${delivered} then ${revisionOf(event)}`));
            delivered = revisionOf(event);
          }
          if (batch.revision > delivered) reject(new Error(`progress to ${batch.revision} after ${delivered}`));
          if (delivered === start + total - 1) resolve(watch.close());
          else store.requestProgress(delivered + 1);
        },
        onError: reject,
      });
      store.requestProgress(start);
    });
    await Promise.all(writes);
  });
}
