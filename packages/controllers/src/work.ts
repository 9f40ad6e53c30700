import { type Again, hasReason, runWorkers, type WorkQueue } from '@keelson/client';
import type { Logger } from '@keelson/component/logs/logger';
import { heardLater } from '@keelson/component/promises';
import type { Running } from '@keelson/component/running';
import type { ControllerContext } from './controller.ts';

export interface Work<T> {
  readonly queue: WorkQueue<T>;
  /** What has to be complete before the first item is worked on. */
  readonly informers: readonly { readonly synced: Promise<void> }[];
  /** How many items at once. */
  readonly workers: number;
  /** See runWorkers. */
  reconcile(item: T): Promise<Again | undefined> | Promise<void>;
  /** Called once when it ends. */
  stopped?(): void;
}

/** A controller's usual life: it waits for its copies, then works off its queue until it is stopped. */
export function runQueue<T>({ world }: ControllerContext, work: Work<T>): Running {
  const stopping = Promise.withResolvers<'stopped'>();
  const run = async () => {
    const synced = heardLater(Promise.all(work.informers.map((informer) => informer.synced)));
    if ((await Promise.race([synced, stopping.promise])) === 'stopped') return;
    const reconcile = (item: T) => work.reconcile(item) as Promise<Again | undefined>;
    await runWorkers(work.queue, work.workers, reconcile, withoutRaces(world.log));
  };
  const done = heardLater(run());
  return {
    done,
    async stop() {
      work.queue.shutDown();
      stopping.resolve('stopped');
      work.stopped?.();
      await done;
    },
  };
}

/** So many workers as `--concurrent-…-syncs` says, or else the controller's own default. */
export function workersOf({ settings }: ControllerContext, controller: string, byDefault: number): number {
  return settings.concurrency.get(controller) ?? byDefault;
}

/** That somebody else has written, or that something is gone, is everyday: the informer brings it soon. */
function withoutRaces(log: Logger): Logger {
  const error = (fields: object & { error?: unknown }, message: string) => {
    if (hasReason(fields.error, 'Conflict', 'NotFound')) log.debug(fields, message);
    else log.error(fields, message);
  };
  const { debug, info, warn } = log;
  return { debug: debug.bind(log), info: info.bind(log), warn: warn.bind(log), error };
}
