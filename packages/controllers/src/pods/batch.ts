export interface Outcome {
  readonly successes: number;
  /** The first failure; what was to come after its batch was not tried. */
  readonly error: unknown;
}

/**
 * Does something `count` times: once, then twice at a time, four times…, so that what always fails does not fail `count`
 * times (pkg/controller/replicaset slowStartBatch).
 */
export async function inSlowBatches(count: number, act: (index: number) => Promise<unknown>): Promise<Outcome> {
  let done = 0;
  for (let size = Math.min(count, 1); size > 0; size = Math.min(2 * size, count - done)) {
    const first = done;
    const results = await Promise.allSettled(Array.from({ length: size }, (_, i) => act(first + i)));
    const failures = results.filter((result) => result.status === 'rejected');
    if (failures.length > 0) return { successes: done + size - failures.length, error: failures[0]!.reason };
    done += size;
  }
  return { successes: done, error: undefined };
}

/** All at once; @throws the first error when all have come to their end */
export async function settleAll(acts: readonly Promise<unknown>[]): Promise<void> {
  const results = await Promise.allSettled(acts);
  for (const result of results) if (result.status === 'rejected') throw result.reason;
}
