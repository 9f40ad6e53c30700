/** What the client takes from outside: time, chance and a place for complaints. */
import { type Clock, systemClock } from '@keelson/api/clock';
import { type Logger, silentLogger } from '@keelson/component/logs/logger';
import { ended, unlessAborted } from '@keelson/component/promises';
import type { ClientMetrics } from './metrics.ts';

export interface World {
  readonly clock: Clock;
  /** In [0, 1). */
  readonly random: () => number;
  readonly log: Logger;
  /** Where clients and queues count; without it they do not. */
  readonly metrics?: ClientMetrics | undefined;
  /** Whether informers ask for their first state as a stream (gate `WatchListClient`); they do where nobody says. */
  readonly streamsLists?: boolean | undefined;
}

/** The machine's time and chance. */
export function systemWorld(log: Logger = silentLogger, metrics?: ClientMetrics, streamsLists?: boolean): World {
  return { clock: systemClock, random: Math.random, log, metrics, streamsLists };
}

/** Resolves `ms` milliseconds from now. @throws the signal's reason when it is aborted before */
export function sleep(clock: Clock, ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) return reject(signal.reason);
    const abort = () => {
      cancel();
      reject(signal?.reason);
    };
    const cancel = clock.after(ms, () => {
      signal?.removeEventListener('abort', abort);
      resolve();
    });
    signal?.addEventListener('abort', abort, { once: true });
  });
}

/** Resolves `ms` milliseconds from now, or as soon as the signal is aborted: for who looks at the signal then. */
export function pause(clock: Clock, ms: number, signal: AbortSignal | undefined): Promise<void> {
  return ended(sleep(clock, ms, signal));
}

/**
 * What comes of the work; undefined when that takes longer than `ms` milliseconds. The work goes on then.
 * @throws what the work throws; the signal's reason as soon as it is aborted
 */
export async function within<T>(
  clock: Clock,
  ms: number,
  work: Promise<T>,
  signal?: AbortSignal,
): Promise<T | undefined> {
  const { promise: over, resolve } = Promise.withResolvers<undefined>();
  const cancel = clock.after(ms, () => resolve(undefined));
  try {
    return await unlessAborted(Promise.race([work, over]), signal);
  } finally {
    cancel();
  }
}
