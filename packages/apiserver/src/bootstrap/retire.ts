import { setTimeout as sleep } from 'node:timers/promises';
import { heardLater } from '@keelson/component/promises';

/** How long an end waits for a store that does not answer: two rounds of the endpoints, as upstream. */
const RETIRE_MS = 20_000;

/**
 * Waits for what takes away the signs of this server. What fails, or takes too long, is reported and no more waited for: the
 * server goes anyway.
 */
export async function retire(
  work: Promise<void>,
  report: (thrown: unknown) => void,
  timeoutMs = RETIRE_MS,
): Promise<void> {
  const isOver = new AbortController();
  const late = sleep(timeoutMs, undefined, { signal: isOver.signal, ref: false }).then(() => {
    throw new Error('the store does not answer');
  });
  await Promise.race([work, late]).catch(report);
  for (const each of [late, work]) heardLater(each);
  isOver.abort();
}
