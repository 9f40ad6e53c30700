import { ManualClock } from '@keelson/api/clock';
import { expect, it } from 'vitest';
import { Permits } from './permits.ts';

const held = () => {
  const clock = new ManualClock();
  const permits = new Permits(clock);
  permits.hold(
    'uid',
    new Map([
      ['A', 1000],
      ['B', 5000],
    ]),
  );
  return { clock, permits };
};

it('lets a pod go when all plugins agree', async () => {
  const { permits } = held();
  const verdict = permits.wait('uid');
  permits.allow('uid', 'A');
  expect(permits.isHeld('uid')).toBe(true);
  permits.allow('uid', 'B');
  expect(await verdict).toBeUndefined();
  expect(permits.isHeld('uid')).toBe(false);
});

it('rejects it after the shortest time that a plugin gives itself', async () => {
  const { clock, permits } = held();
  const verdict = permits.wait('uid');
  clock.advance(1000);
  expect(await verdict).toMatchObject({ plugin: 'A' });
});

it('holds nothing any more when nobody waits for it', async () => {
  const { permits } = held();
  const end = new AbortController();
  const verdict = permits.wait('uid', end.signal);
  end.abort(new Error('the scheduler ends'));
  await expect(verdict).rejects.toThrow('the scheduler ends');
  expect([permits.isHeld('uid'), permits.reject('uid', 'A', 'too late')]).toEqual([false, false]);
  expect(await permits.wait('other')).toBeUndefined();
});
