import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ManualClock } from '@keelson/api/clock';
import { afterEach, beforeEach, expect, it } from 'vitest';
import type { ByteKey } from '../embedded/bytekey.ts';
import type { Write } from '../embedded/journal.ts';
import { MemoryJournal } from '../memory/memory-journal.ts';
import { StoreUnavailableError } from '../store.ts';
import { LoggedJournal } from './logged-journal.ts';
import { WriteAheadLog } from './write-ahead-log.ts';

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'keelson-logged-'));
});
afterEach(() => rmSync(directory, { recursive: true }));

const write = (revision: number, size = 3): Write => ({
  entry: {
    key: '/k' as ByteKey,
    revision,
    createRevision: 2,
    version: revision - 1,
    previous: revision - 1,
    expiresAt: 0,
  },
  value: Buffer.alloc(size, revision),
});

/** A database whose transactions the test lets end. */
class SteeredDatabase extends MemoryJournal {
  readonly transactions: { readonly revisions: readonly number[]; end: () => void; fail: (error: Error) => void }[] =
    [];

  override async append(writes: readonly Write[]): Promise<void> {
    const revisions = writes.map(({ entry }) => entry.revision);
    await new Promise<void>((end, fail) => this.transactions.push({ revisions, end, fail }));
    await super.append(writes);
  }

  /** What it holds is looked at afterwards. */
  override async close(): Promise<void> {}
}

const setUp = async (database = new SteeredDatabase(), newest = 1) => {
  const clock = new ManualClock(1_800_000_000_000);
  const journal = new LoggedJournal(database, await WriteAheadLog.open(join(directory, 'keelson'), newest), clock);
  const turn = () => new Promise((resolve) => setImmediate(resolve));
  const moved = () => database.transactions.map(({ revisions }) => revisions);
  return { clock, journal, database, turn, moved };
};
const seen = (journal: LoggedJournal, from = 0, to = 1000) =>
  [...journal.entries(from, to)].map((entry) => entry.revision);

it('reads what the database does not have yet, and each entry once while it gets there', async () => {
  const { clock, journal, database, turn, moved } = await setUp();
  await journal.append([write(2), write(3)]);
  expect(moved()).toEqual([]);
  clock.advance(500);
  expect(moved()).toEqual([[2, 3]]);
  await journal.append([write(4)]);
  const check = () => {
    expect(seen(journal)).toEqual([2, 3, 4]);
    expect(seen(journal, 3, 3)).toEqual([3]);
    expect(seen(journal, 4)).toEqual([4]);
    expect([2, 3, 4, 5].map((revision) => journal.entry(revision)?.revision)).toEqual([2, 3, 4, undefined]);
    expect(journal.value(4)).toEqual(write(4).value);
    expect(journal.value(2)).toEqual(write(2).value);
  };
  check();
  database.transactions[0]!.end();
  await turn();
  check();
  expect([...database.entries(0, 9)].length).toBe(2);
  clock.advance(500);
  expect(moved()).toEqual([[2, 3], [4]]);
  database.transactions[1]!.end();
  await turn();
  check();
  await journal.close();
});

it('moves on at once when there is much', async () => {
  const { journal, database, moved } = await setUp();
  await journal.append([write(2, 5 << 20)]);
  expect(moved()).toEqual([[2]]);
  database.transactions[0]!.end();
  await journal.close();
});

it('moves on what came during a checkpoint, also if nothing comes after it', async () => {
  const { clock, journal, database, turn, moved } = await setUp();
  await journal.append([write(2)]);
  clock.advance(500);
  await journal.append([write(3)]);
  // The checkpoint takes longer than the next one's time.
  clock.advance(500);
  database.transactions[0]!.end();
  await turn();
  clock.advance(500);
  expect(moved()).toEqual([[2], [3]]);
  database.transactions[1]!.end();
  await journal.close();
});

it('counts what it has found in the log to what is much', async () => {
  const first = await setUp();
  for (const revision of [2, 3, 4]) await first.journal.append([write(revision, 1 << 20)]);
  const { journal, database, moved } = await setUp();
  await journal.append([write(5, 1 << 20)]);
  expect(moved()).toEqual([[2, 3, 4, 5]]);
  database.transactions[0]!.end();
  await journal.close();
});

it('has after a kill what only the log had, and moves it on', async () => {
  const first = await setUp();
  await first.journal.append([write(2)]);
  first.clock.advance(500);
  await first.journal.append([write(3)]);
  // Neither transaction has ended when the process dies.
  const { journal, clock, moved } = await setUp();
  expect(seen(journal)).toEqual([2, 3]);
  expect(journal.value(3)).toEqual(write(3).value);
  clock.advance(500);
  expect(moved()).toEqual([[2, 3]]);
});

it('tries again when the database cannot take it, and refuses writes only when the log is full, with the cause', async () => {
  const { clock, journal, database, turn, moved } = await setUp();
  for (let revision = 2; revision < 5; revision++) await journal.append([write(revision, 1_300_000)]);
  await journal.append([write(5, 1_300_000)]);
  const full = new StoreUnavailableError('cannot write keelson.mdb: no space');
  database.transactions[0]!.fail(full);
  await turn();
  clock.advance(500);
  expect(moved()).toEqual([
    [2, 3, 4, 5],
    [2, 3, 4, 5],
  ]);
  database.transactions[1]!.fail(full);
  await turn();
  let revision = 6;
  const refusal = (async () => {
    for (; revision < 30; revision++) await journal.append([write(revision, 4_000_000)]);
  })();
  const failing = setInterval(() => {
    for (const { fail } of database.transactions) fail(full);
  }, 1);
  await expect(refusal).rejects.toBe(full);
  clearInterval(failing);
  expect(seen(journal)).toEqual(Array.from({ length: revision - 2 }, (_, i) => i + 2));
  const accepted = journal.append([write(revision, 4_000_000)]);
  const ending = setInterval(() => {
    for (const { end } of database.transactions) end();
  }, 1);
  await accepted;
  await journal.close();
  clearInterval(ending);
  expect([...database.entries(0, 1000)].length).toBe(revision - 1);
});

it('removes nothing that would come back', async () => {
  const { journal, database, turn, moved } = await setUp();
  await journal.append([write(2), write(3)]);
  const removed = journal.remove([2], { compacted: 2, scrubbed: 2 });
  await turn();
  expect(moved()).toEqual([[2, 3]]);
  expect(journal.compaction.compacted).toBe(0);
  database.transactions[0]!.end();
  await removed;
  expect(seen(journal)).toEqual([3]);
  await journal.close();
  expect((await WriteAheadLog.open(join(directory, 'keelson'), 3)).takeRecovered()).toEqual([]);
});

it('leaves nothing behind when it is closed', async () => {
  const { journal, database, turn, moved } = await setUp();
  await journal.append([write(2)]);
  const closed = journal.close();
  await turn();
  expect(moved()).toEqual([[2]]);
  database.transactions[0]!.end();
  await closed;
  expect([...database.entries(0, 9)].length).toBe(1);
});
