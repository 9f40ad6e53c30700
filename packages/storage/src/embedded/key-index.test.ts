import { expect, it } from 'vitest';
import { MemoryJournal } from '../memory/memory-journal.ts';
import type { ByteKey } from './bytekey.ts';
import type { Entry, Write } from './journal.ts';
import { KeyIndex } from './key-index.ts';

const write = (revision: number, key: string, version: number, previous = 0): Write => ({
  entry: { key: key as ByteKey, revision, createRevision: revision, version, previous, expiresAt: 0 },
  value: new Uint8Array(0),
});
const revisions = (entries: readonly Entry[]) => entries.map(({ revision }) => revision);

it('has the newest entry of each key, tombstones apart', async () => {
  const journal = new MemoryJournal();
  await journal.append([
    write(2, 'b', 1),
    write(3, 'a', 1),
    write(4, 'c', 1),
    write(5, 'a', 2, 3),
    write(6, 'b', 0, 2),
    write(7, 'c', 0, 4),
    write(8, 'c', 1, 7),
  ]);
  const index = await KeyIndex.of(journal);
  expect(revisions(index.live.range('' as ByteKey, undefined))).toEqual([5, 8]);
  expect(revisions(index.dead.range('' as ByteKey, undefined))).toEqual([6]);
  expect(index.revision).toBe(8);
});

it('is at revision 1 when there is nothing, as etcd is', async () => {
  expect((await KeyIndex.of(new MemoryJournal())).revision).toBe(1);
});

it('reads much in pieces, and lets others have a turn after each', async () => {
  const COUNT = 23_000;
  const PIECE = 5_000;
  const pieces: number[] = [];
  let turns = 0;
  class Watched extends MemoryJournal {
    override *entries(from: number, to: number): Iterable<Entry> {
      for (const entry of super.entries(from, to)) {
        pieces[turns] = (pieces[turns] ?? 0) + 1;
        yield entry;
      }
    }
  }
  const journal = new Watched();
  // Keys in another order than revisions.
  const key = (i: number) => `/k-${(i * 7919) % COUNT}`;
  await journal.append(Array.from({ length: COUNT }, (_, i) => write(i + 2, key(i), 1)));
  const count = () => {
    turns++;
    next = setImmediate(count);
  };
  let next = setImmediate(count);
  const index = await KeyIndex.of(journal);
  clearImmediate(next);
  expect(index.live.size).toBe(COUNT);
  expect(index.newest('/k-1' as ByteKey)?.key).toBe('/k-1');
  expect(pieces.reduce((sum, piece) => sum + (piece ?? 0), 0)).toBe(COUNT);
  expect(Math.max(...pieces.map((piece) => piece ?? 0))).toBeLessThanOrEqual(PIECE);
});
