import { ended, heardLater } from './promises.ts';

/** A part of the control plane at work: the scheduler, the controllers, a kubelet, or a piece of one. */
export interface Running {
  /** Resolves when it has come to its end after `stop`; rejects with why it had to end by itself. */
  readonly done: Promise<void>;
  /** Lets what is under way finish, gives back what is held (leases, sockets), and resolves when all of it is over. */
  stop(): Promise<void>;
}

/** What is made of several parts ends when all of them have; the first that has to end by itself ends the others. */
export function together(parts: readonly Running[]): Running {
  const stopped = Promise.withResolvers<void>();
  const stop = async () => {
    await Promise.all(parts.map((part) => part.stop()));
    stopped.resolve();
  };
  const done = Promise.all([...parts.map((part) => part.done), stopped.promise]).then(
    () => {},
    async (error: unknown) => {
      await stop();
      throw error;
    },
  );
  return { done: heardLater(done), stop };
}

/**
 * A part that is started anew when it has come to an end of something that passes, as a supervisor does with a process.
 * @param passes whether what it ended of is such, asked once for each end; of anything else all of it ends
 */
export async function revived(start: () => Promise<Running>, passes: (error: unknown) => boolean): Promise<Running> {
  let current = await start();
  let isStopped = false;
  const run = async (): Promise<void> => {
    for (;;) {
      try {
        return await current.done;
      } catch (error) {
        if (isStopped || !passes(error)) throw error;
        await current.stop();
        current = await start();
        if (isStopped) await current.stop();
      }
    }
  };
  const done = heardLater(run());
  return {
    done,
    stop: async () => {
      isStopped = true;
      await current.stop();
      await ended(done);
    },
  };
}
