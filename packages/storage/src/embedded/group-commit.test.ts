import { expect, it } from 'vitest';
import { MemoryJournal } from '../memory/memory-journal.ts';
import { StoreUnavailableError } from '../store.ts';
import type { ByteKey } from './bytekey.ts';
import { GroupCommit } from './group-commit.ts';
import type { Write } from './journal.ts';
import { KeyIndex } from './key-index.ts';

/** A journal whose appends the test lets succeed or fail, one at a time. */
class SteeredJournal extends MemoryJournal {
  readonly appends: { writes: readonly Write[]; succeed: () => void; fail: (error: Error) => void }[] = [];

  override async append(writes: readonly Write[]): Promise<void> {
    await new Promise<void>((succeed, fail) => this.appends.push({ writes, succeed, fail }));
    await super.append(writes);
  }
}

const setUp = () => {
  const journal = new SteeredJournal();
  const published: number[] = [];
  const writer = new GroupCommit(journal, new KeyIndex(), (writes) => {
    for (const { entry } of writes) published.push(entry.revision);
  });
  const put = (key: string, expect = 0, size = 1) =>
    writer.write({ key: key as ByteKey, value: new Uint8Array(size), expect, expiresAt: 0 });
  const turn = () => new Promise((resolve) => setImmediate(resolve));
  return { journal, published, writer, put, turn };
};

it('commits together what arrives while a commit is under way', async () => {
  const { journal, published, put, turn } = setUp();
  const first = put('a');
  await turn();
  const others = [put('b'), put('a', 2), put('c')];
  await turn();
  expect(journal.appends.map(({ writes }) => writes.length)).toEqual([1]);
  journal.appends[0]!.succeed();
  expect(await first).toBe(2);
  expect(published).toEqual([2]);
  await turn();
  expect(journal.appends.map(({ writes }) => writes.length)).toEqual([1, 3]);
  journal.appends[1]!.succeed();
  expect(await Promise.all(others)).toEqual([3, 4, 5]);
  expect(published).toEqual([2, 3, 4, 5]);
});

it('commits together what one turn of the event loop brings, however far each has to go', async () => {
  const { journal, put, turn } = setUp();
  const far = async () => {
    for (let i = 0; i < 50; i++) await undefined;
    return put('far');
  };
  const writes = [put('near'), far()];
  await turn();
  expect(journal.appends.map(({ writes }) => writes.length)).toEqual([2]);
  journal.appends[0]!.succeed();
  expect(await Promise.all(writes)).toEqual([2, 3]);
});

it('bounds the bytes of a commit', async () => {
  const { journal, put, turn } = setUp();
  const writes = Array.from({ length: 24 }, (_, i) => put(`${i}`, 0, 1 << 20));
  for (let i = 0; i < 3; i++) {
    await turn();
    expect(journal.appends.length).toBe(i + 1);
    expect(journal.appends[i]!.writes.length).toBe(8);
    journal.appends[i]!.succeed();
  }
  expect((await Promise.all(writes)).at(-1)).toBe(25);
});

it('answers a conflict with an undecided write only when that is durable', async () => {
  const { journal, put, turn } = setUp();
  const winner = put('a');
  const loser = put('a');
  let answered = false;
  void loser.then(() => {
    answered = true;
  });
  await turn();
  expect(answered).toBe(false);
  journal.appends[0]!.succeed();
  expect(await winner).toBe(2);
  expect(await loser).toBeUndefined();
});

it('forgets what it could not write, and all that was decided upon it', async () => {
  const { journal, published, writer, put, turn } = setUp();
  const created = put('a');
  const loser = put('a');
  await turn();
  const updated = put('a', 2);
  const unrelated = put('b');
  const failures = Promise.allSettled([created, updated, unrelated]);
  journal.appends[0]!.fail(new Error('no space left on device'));
  for (const result of await failures) {
    const message = 'the store could not write: no space left on device';
    expect(result).toMatchObject({ status: 'rejected', reason: { message } });
    expect(result.status === 'rejected' && result.reason).toBeInstanceOf(StoreUnavailableError);
  }
  expect(writer.committed).toBe(1);
  expect(published).toEqual([]);

  // The winner is gone, so the loser gets the key after all, and the revision that nobody saw.
  await turn();
  journal.appends[1]!.succeed();
  expect(await loser).toBe(2);
  expect(published).toEqual([2]);
});

it('finishes what it accepted when it is closed', async () => {
  const { journal, writer, put, turn } = setUp();
  const accepted = put('a');
  await turn();
  const waiting = put('b');
  const closing = writer.close();
  await expect(put('c')).rejects.toBeInstanceOf(StoreUnavailableError);
  journal.appends[0]!.succeed();
  await turn();
  journal.appends[1]!.succeed();
  await closing;
  expect(await Promise.all([accepted, waiting])).toEqual([2, 3]);
});
