import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import type { RequestContext } from './context.ts';
import { checkInTime, inTimeToWrite, msLeft } from './deadline.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

const request = (deadline?: number) => ({ deadline }) as RequestContext;
const LATE = 'Timeout: request did not complete within requested timeout - context deadline exceeded';

it('ends a write after 34 seconds, and does not let it write after that', async () => {
  const ctx = request();
  let end: () => void = () => {};
  const write = new Promise<void>((resolve) => {
    end = resolve;
  }).then(() => checkInTime(ctx));
  const answer = expect(inTimeToWrite(ctx, () => write)).rejects.toThrow(LATE);
  await vi.advanceTimersByTimeAsync(33_999);
  expect(msLeft(ctx)).toBe(1);
  await vi.advanceTimersByTimeAsync(1);
  await answer;
  end();
  await expect(write).rejects.toMatchObject({ code: 504, message: LATE });
});

it('leaves no timer behind', async () => {
  await inTimeToWrite(request(), async () => {});
  await expect(inTimeToWrite(request(), () => Promise.reject(new Error('no')))).rejects.toThrow('no');
  expect(vi.getTimerCount()).toBe(0);
});

it('knows of an end that comes sooner', async () => {
  const ctx = request(performance.now() + 1000);
  await inTimeToWrite(ctx, async () => expect(vi.getTimerCount()).toBe(0));
  expect(msLeft(ctx)).toBe(1000);
  expect(msLeft(request())).toBe(Number.POSITIVE_INFINITY);
});
