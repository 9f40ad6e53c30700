import type { Logger } from '@keelson/component/logs/logger';
import type { WorkQueue } from './queue.ts';

/** What came of an item, where it is to be looked at again without having failed. */
export interface Again {
  readonly afterMs: number;
}

/**
 * Works off a queue: `count` items at once, none twice at a time. One that fails comes again, later each time; one that
 * succeeds has its failures forgotten. Resolves when the queue is shut down and what was in it is done.
 */
export async function runWorkers<T>(
  queue: WorkQueue<T>,
  count: number,
  reconcile: (item: T) => Promise<Again | undefined> | Promise<void>,
  log: Logger,
): Promise<void> {
  const work = async () => {
    for (let item = await queue.get(); item !== undefined; item = await queue.get()) {
      try {
        const again = await reconcile(item);
        queue.forget(item);
        if (again) queue.addAfter(item, again.afterMs);
      } catch (error) {
        log.error({ item, error, failures: queue.failures(item) + 1 }, 'Reconciling failed');
        queue.addRateLimited(item);
      } finally {
        queue.done(item);
      }
    }
  };
  await Promise.all(Array.from({ length: count }, work));
}
