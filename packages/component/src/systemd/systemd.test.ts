import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { notifier, watchdogTimeout } from './notify.ts';
import { startWatchdog } from './watchdog.ts';

describe('the timeout of the watchdog', () => {
  test.each([
    [{}, undefined],
    [{ WATCHDOG_USEC: '30000000' }, 30_000],
    [{ WATCHDOG_USEC: '30000000', WATCHDOG_PID: '42' }, 30_000],
    [{ WATCHDOG_USEC: '30000000', WATCHDOG_PID: '43' }, undefined],
  ])('%j', (environment, expected) => {
    expect(watchdogTimeout(environment, 42)).toBe(expected);
  });

  test.each([
    [
      { WATCHDOG_USEC: 'x' },
      'configure watchdog: error converting WATCHDOG_USEC: strconv.Atoi: parsing "x": invalid syntax',
    ],
    [{ WATCHDOG_USEC: '0' }, 'configure watchdog: error WATCHDOG_USEC must be a positive number'],
    [{ WATCHDOG_USEC: '1000000' }, 'configure watchdog timeout too small: 1s'],
    [
      { WATCHDOG_USEC: '3000000', WATCHDOG_PID: 'x' },
      'configure watchdog: error converting WATCHDOG_PID: strconv.Atoi: parsing "x": invalid syntax',
    ],
  ])('%j is refused', (environment, message) => {
    expect(() => watchdogTimeout(environment, 42)).toThrow(message);
  });
});

test('without a service manager nobody is told', async () => {
  await expect(notifier({})('READY=1')).rejects.toThrow('NOTIFY_SOCKET is unset');
});

describe('the watchdog', () => {
  beforeEach(() => vi.useFakeTimers());
  afterEach(() => vi.useRealTimers());

  test('hears of a process that is well twice in its timeout, of one that is not nothing', async () => {
    const logger = { debug() {}, info() {}, warn() {}, error: vi.fn() };
    const notify = vi.fn(async (_state: string) => {});
    let problems: string[] = [];
    const watchdog = startWatchdog({ timeoutMs: 10_000, problems: () => problems, notify, logger });
    await vi.advanceTimersByTimeAsync(10_000);
    expect(notify.mock.calls).toEqual([['WATCHDOG=1'], ['WATCHDOG=1'], ['WATCHDOG=1']]);
    problems = ['the runtime is down'];
    await vi.advanceTimersByTimeAsync(10_000);
    expect(notify).toHaveBeenCalledTimes(3);
    expect(logger.error).toHaveBeenCalledTimes(2);
    problems = [];
    await vi.advanceTimersByTimeAsync(5_000);
    expect(notify).toHaveBeenCalledTimes(4);
    await watchdog.stop();
    await vi.advanceTimersByTimeAsync(20_000);
    expect(notify).toHaveBeenCalledTimes(4);
  });

  test('is told once more when it was not reached', async () => {
    const logger = { debug() {}, info() {}, warn() {}, error: vi.fn() };
    const notify = vi.fn(async (_state: string) => {
      throw new Error('refused');
    });
    const watchdog = startWatchdog({ timeoutMs: 10_000, problems: () => [], notify, logger });
    await vi.advanceTimersByTimeAsync(4_000);
    expect(notify).toHaveBeenCalledTimes(2);
    expect(logger.error).toHaveBeenCalledExactlyOnceWith({ err: 'refused' }, 'Failed to notify watchdog');
    await watchdog.stop();
  });
});
