import { expect, it } from 'vitest';
import { Waiters } from './waiters.ts';

const outcomes = (waiters: Waiters, ...revisions: number[]) =>
  revisions.map((revision) => {
    const outcome = { of: 'waits' };
    waiters.wait(revision).then(
      () => {
        outcome.of = 'there';
      },
      (error: Error) => {
        outcome.of = error.message;
      },
    );
    return outcome;
  });
const settled = () => new Promise<void>((resolve) => setImmediate(resolve));

it('lets those go who wait for a revision that is reached', async () => {
  const waiters = new Waiters();
  const all = outcomes(waiters, 3, 5, 4);
  waiters.reach(4);
  await settled();
  expect(all.map(({ of }) => of)).toEqual(['there', 'waits', 'there']);
  expect(waiters.size).toBe(1);
});

it('abandons all, or those of some who still wait', async () => {
  const waiters = new Waiters();
  const first = outcomes(waiters, 3, 5);
  const some = waiters.all();
  const later = outcomes(waiters, 6);
  waiters.reach(3);
  waiters.abandon(new Error('gone'), some);
  await settled();
  expect([...first, ...later].map(({ of }) => of)).toEqual(['there', 'gone', 'waits']);
  waiters.abandon(new Error('over'));
  await settled();
  expect(later[0]!.of).toBe('over');
});
