import { ended, heardLater } from '@keelson/component/promises';
import type { Running } from '@keelson/component/running';
import { type ElectionOptions, LeaderElector } from './elector.ts';

/** Another may lead by now: whatever is still going on has to end, best with the process. */
export class LeadLostError extends Error {
  override readonly name = 'LeadLostError';
}

/**
 * A part of the control plane of which one runs at a time: it is started when this candidate leads. `done` rejects with
 * {@link LeadLostError} when the lease could not be renewed, or with what the part ended of.
 */
export function elected(options: ElectionOptions, start: () => Promise<Running>): Running {
  const end = new AbortController();
  let failure: { readonly error: unknown } | undefined;
  const lead = async (signal: AbortSignal) => {
    try {
      const running = await start();
      await Promise.race([running.done, new Promise<void>((resolve) => onAbort(signal, resolve))]);
      await running.stop();
    } catch (error) {
      failure = { error };
    }
    end.abort();
  };
  const run = async () => {
    const outcome = await new LeaderElector(options).run(lead, end.signal);
    if (failure) throw failure.error;
    if (outcome === 'lost') throw new LeadLostError('leaderelection lost');
  };
  const done = heardLater(run());
  return {
    done,
    stop: async () => {
      end.abort();
      await ended(done);
    },
  };
}

function onAbort(signal: AbortSignal, callback: () => void): void {
  if (signal.aborted) callback();
  else signal.addEventListener('abort', callback, { once: true });
}
