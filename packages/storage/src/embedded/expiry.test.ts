import { ManualClock } from '@keelson/api/clock';
import { expect, it } from 'vitest';
import type { ByteKey } from './bytekey.ts';
import { Expiry } from './expiry.ts';
import type { Entry } from './journal.ts';

const entry = (revision: number): Entry => ({
  key: `${revision}` as ByteKey,
  revision,
  createRevision: revision,
  version: 1,
  previous: 0,
  expiresAt: 1,
});
const turn = () => new Promise((resolve) => setImmediate(resolve));

it('deletes what has gathered a thousand at a time, each once', async () => {
  const clock = new ManualClock();
  const deletions: { revision: number; done: () => void }[] = [];
  const expiry = new Expiry(clock, ({ revision }) => new Promise((done) => void deletions.push({ revision, done })));
  for (let i = 0; i < 2500; i++) expiry.add(entry(i));
  clock.advance(1000);
  const seen: number[] = [];
  const counts: number[] = [];
  for (await turn(); deletions.length > 0; await turn()) {
    counts.push(deletions.length);
    for (const { revision, done } of deletions.splice(0)) {
      seen.push(revision);
      done();
    }
  }
  expect(counts).toEqual([1000, 1000, 500]);
  expect(new Set(seen).size).toBe(2500);
});

it('tries again, a tick later, what could not be deleted', async () => {
  const clock = new ManualClock();
  const tried: number[] = [];
  const expiry = new Expiry(clock, async ({ revision }) => {
    tried.push(revision);
    if (tried.length === 1) throw new Error('disk full');
  });
  expiry.add(entry(7));
  for (const expected of [[7], [7, 7], [7, 7]]) {
    clock.advance(500);
    await turn();
    expect(tried).toEqual(expected);
  }
});
