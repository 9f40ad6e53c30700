import { expect, it } from 'vitest';
import { bytes, put, Recorder, revisionOf, text } from './fixture.ts';
import type { TestContext } from './suite.ts';

const WRITERS = 16;
const WRITES = 30;

export function concurrencyTests(context: TestContext): void {
  it('lets one of many writers create a key', async () => {
    const { store, prefix } = context;
    const attempts = Array.from({ length: WRITERS }, (_, i) => store.put(`${prefix}a`, bytes(`${i}`), { expect: 0 }));
    const results = await Promise.all(attempts);
    const winners = results.filter(({ ok }) => ok);
    expect(winners.length).toBe(1);
    for (const result of results) {
      if (!result.ok) expect(result.current).toMatchObject({ key: `${prefix}a`, modRevision: winners[0]!.revision });
    }
  });

  it('loses no update of a counter that many increment', async () => {
    const { store, prefix } = context;
    const key = `${prefix}counter`;
    await put(store, key, '0');
    const increment = async () => {
      let current = (await store.get(key)).kv;
      for (;;) {
        const next = bytes(`${Number(text(current)) + 1}`);
        const result = await store.put(key, next, { expect: current!.modRevision });
        if (result.ok) return;
        expect(result.current!.modRevision).not.toBe(current!.modRevision);
        current = result.current;
      }
    };
    await Promise.all(Array.from({ length: WRITERS }, increment));
    const { kv } = await store.get(key);
    expect(text(kv)).toBe(`${WRITERS}`);
    expect(kv!.version).toBe(WRITERS + 1);
  });

  it('gives each write its own revision, and each watch each of them once and in order', async () => {
    const { store, prefix } = context;
    const start = (await store.currentRevision()) + 1;
    const total = WRITERS * WRITES;
    const early = Array.from({ length: 3 }, () => new Recorder(store, prefix, start));
    const late: Recorder[] = [];
    const written: number[] = [];

    const writer = async (w: number) => {
      const key = `${prefix}${w}`;
      let alive = 0;
      for (let i = 0; i < WRITES; i++) {
        const remove = alive > 0 && i % 5 === 4;
        const result = remove
          ? await store.delete(key, { expect: alive })
          : await store.put(key, bytes(`${i}`), { expect: alive });
        expect(result.ok).toBe(true);
        written.push(result.revision);
        alive = remove ? 0 : result.revision;
        if (w === 0 && i % 10 === 5) late.push(new Recorder(store, prefix, start));
      }
    };
    await Promise.all(Array.from({ length: WRITERS }, (_, w) => writer(w)));

    const expected = Array.from({ length: total }, (_, i) => start + i);
    expect(written.toSorted((a, b) => a - b)).toEqual(expected);
    for (const recorder of [...early, ...late]) {
      await recorder.until(({ events }) => events.length >= total);
      expect(recorder.events.map(revisionOf)).toEqual(expected);
      recorder.close();
    }
  });

  it('reads what was acknowledged', async () => {
    const { store, prefix } = context;
    const writer = async (w: number) => {
      const key = `${prefix}${w}`;
      let revision = 0;
      for (let i = 0; i < 20; i++) {
        revision = await put(store, key, `${i}`, revision);
        const read = await store.get(key);
        expect(text(read.kv)).toBe(`${i}`);
        expect(read.revision).toBeGreaterThanOrEqual(revision);
        expect(await store.currentRevision()).toBeGreaterThanOrEqual(revision);
      }
    };
    await Promise.all(Array.from({ length: WRITERS }, (_, w) => writer(w)));
  });
}
