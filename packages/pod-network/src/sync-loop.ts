/** Keeps the kernel as the API server says: now, and when others have changed it. */
import { type InformerFactory, pause, type World } from '@keelson/client';
import { ended } from '@keelson/component/promises';
import type { Running } from '@keelson/component/running';

/** After so long all is compared with the kernel again: others may have changed it. */
const SYNC_MS = 60_000;
/** Where that is a long text it is done more seldom: so many characters a millisecond are a hundredth of what nft takes. */
const SYNC_SHARE = 50;
/** A failure is tried again after so long. */
const RETRY_MS = 5_000;
/** Many things that change at once are one change. */
const MIN_SYNC_MS = 200;

export interface SyncLoop {
  /** Something is not as it was. */
  readonly changed: () => void;
  /** Goes on until it is stopped. @param informers whose copies have to be whole first */
  start(informers: InformerFactory): Running;
}

/** Is told how it gets on. */
export interface LoopWatcher {
  changed(): void;
  written(seconds: number): void;
  failed(): void;
}

/**
 * @param sync one at a time; is told whether all has to be written, whatever it knows of; tells how many characters it has written
 * @param complaint what a failure of it means
 */
export function syncLoop(
  { clock, log }: World,
  sync: (isWhole: boolean) => Promise<number>,
  complaint: string,
  watcher: LoopWatcher,
): SyncLoop {
  const stopped = new AbortController();
  let waiting = new AbortController();
  const work = async (informers: InformerFactory) => {
    await informers.synced();
    for (let wholeAt = clock.now(); !stopped.signal.aborted; ) {
      waiting = new AbortController();
      const isWhole = clock.now() >= wholeAt;
      const begin = performance.now();
      const written = await sync(isWhole).catch((error: Error) => {
        log.error({ err: error.message }, complaint);
        watcher.failed();
        return undefined;
      });
      if (written !== undefined) watcher.written((performance.now() - begin) / 1_000);
      if (written === undefined) wholeAt = clock.now();
      else if (isWhole) wholeAt = clock.now() + Math.max(SYNC_MS, written / SYNC_SHARE);
      await pause(clock, MIN_SYNC_MS, stopped.signal);
      const pauseMs = written === undefined ? RETRY_MS : Math.max(0, wholeAt - clock.now());
      await pause(clock, pauseMs, AbortSignal.any([waiting.signal, stopped.signal]));
    }
  };
  return {
    changed: () => {
      watcher.changed();
      waiting.abort();
    },
    start(informers) {
      informers.start();
      const done = work(informers).catch((error: unknown) => {
        if (!stopped.signal.aborted) throw error;
      });
      return {
        done,
        stop: async () => {
          stopped.abort();
          await informers.stop();
          await ended(done);
        },
      };
    },
  };
}
