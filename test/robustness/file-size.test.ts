import { mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openStore } from '@keelson/storage';
import { expect, it } from 'vitest';

const ROUNDS = 16;
const UPDATES_PER_ROUND = 4000;
const WRITERS = 64;
const MiB = 1 << 20;

/** From a lease's size to that of a large config map; most are small. */
const sizes = [300, 700, 1000, 1500, 2500, 4100, 9000, 60_000];

it('an LMDB file stops growing under constant updates and compaction', { timeout: 120_000 }, async () => {
  const directory = await mkdtemp(join(tmpdir(), 'keelson-size-'));
  const store = await openStore({ engine: 'lmdb', directory });
  const revisions: number[] = new Array(WRITERS * 20).fill(0);
  const curve: number[] = [];
  let updates = 0;
  const update = async () => {
    const i = updates++;
    const n = (i * 7919) % revisions.length;
    const value = new Uint8Array(sizes[(i * 31) % (i % 50 === 0 ? 8 : 6)]!);
    const result = await store.put(`/registry/things/${n}`, value, { expect: revisions[n]! });
    expect(result.ok).toBe(true);
    revisions[n] = result.revision;
  };
  for (let round = 0; round < ROUNDS; round++) {
    for (let i = 0; i < UPDATES_PER_ROUND; i += WRITERS) await Promise.all(Array.from({ length: WRITERS }, update));
    // As an API server does: at each interval, forget what is older than the last one.
    const revision = (await store.currentRevision()) - UPDATES_PER_ROUND;
    if (revision > 1) await store.compact(revision);
    const { size } = await stat(join(directory, 'keelson.mdb'));
    curve.push(size / MiB);
    // Each file of the log is full at 16 MiB.
    expect((await store.size()) - size).toBeLessThanOrEqual(2 * 16 * MiB);
  }
  console.log(
    `file size in MiB, every ${UPDATES_PER_ROUND} updates: ${curve.map((size) => size.toFixed(1)).join(' ')}`,
  );
  await store.close();
  await rm(directory, { recursive: true });
  const settled = Math.max(...curve.slice(0, ROUNDS / 2));
  expect(curve.at(-1)).toBeLessThan(settled * 1.1);
});
