import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import type { Answer } from './h2-client.ts';

/** What a client asks for all the time. */
export interface Load {
  readonly url: string;
  readonly token: string;
  readonly path: string;
  readonly connections: number;
  /** Requests at any time, over all connections. */
  readonly inFlight: number;
}

/**
 * Puts load on a server from a thread of its own, so that it does not delay what the test measures.
 * @returns once the first answer is there; ends the load and resolves to all answers
 */
export async function startLoad(load: Load): Promise<() => Promise<readonly Answer[]>> {
  const worker = new Worker(new URL('./load-worker.ts', import.meta.url), {
    workerData: load,
    execArgv: ['--experimental-strip-types', '--no-warnings'],
  });
  await once(worker, 'message');
  return async () => {
    worker.postMessage('stop');
    const [answers] = (await once(worker, 'message')) as [Answer[]];
    await worker.terminate();
    return answers;
  };
}
