/** Keeps the kernel as the API server says: now, and when others have changed it. */
import { type InformerFactory, sleep, type World } from '@keelson/client';
import type { Running } from '@keelson/component/running';

/** After so long all is compared with the kernel again: others may have changed it. */
const SYNC_MS = 60_000;
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

/**
 * @param sync one at a time; is told whether all has to be written, whatever it knows of
 * @param complaint what a failure of it means
 */
export function syncLoop(
  { clock, log }: World,
  sync: (isWhole: boolean) => Promise<void>,
  complaint: string,
): SyncLoop {
  const stopped = new AbortController();
  let waiting = new AbortController();
  const work = async (informers: InformerFactory) => {
    await informers.synced();
    for (let isWhole = true; !stopped.signal.aborted; ) {
      waiting = new AbortController();
      let hasFailed = false;
      await sync(isWhole).catch((error: Error) => {
        log.error({ err: error.message }, complaint);
        hasFailed = true;
      });
      await sleep(clock, MIN_SYNC_MS, stopped.signal).catch(() => {});
      const pause = hasFailed ? RETRY_MS : SYNC_MS;
      const isDue = await sleep(clock, pause, AbortSignal.any([waiting.signal, stopped.signal])).then(
        () => true,
        () => false,
      );
      isWhole = hasFailed || isDue;
    }
  };
  return {
    changed: () => waiting.abort(),
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
          await done.catch(() => {});
        },
      };
    },
  };
}
