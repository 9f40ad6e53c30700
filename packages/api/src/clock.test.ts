import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { systemClock } from './clock.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

test.each([10, 2 ** 31 - 1, 2 ** 33])('after %d ms, and not before', (ms) => {
  const callback = vi.fn();
  systemClock.after(ms, callback);
  vi.advanceTimersByTime(ms - 1);
  expect(callback).not.toHaveBeenCalled();
  vi.advanceTimersByTime(1);
  expect(callback).toHaveBeenCalledOnce();
});

test('what is cancelled never comes, however long it would have taken', () => {
  const callback = vi.fn();
  const cancel = systemClock.after(2 ** 33, callback);
  vi.advanceTimersByTime(2 ** 32);
  cancel();
  vi.advanceTimersByTime(2 ** 34);
  expect(callback).not.toHaveBeenCalled();
});
