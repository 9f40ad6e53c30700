/** Deletes bootstrap tokens that have expired (pkg/controller/bootstrap/tokencleaner.go). */
import type { Secret } from '@keelson/api/generated/types/core/v1';
import { type Again, hasReason, storeKey, WorkQueue } from '@keelson/client';
import type { ControllerContext } from '../controller.ts';
import { runQueue } from '../work.ts';
import { expiration, NAMESPACE, TOKEN_TYPE } from './tokens.ts';

export async function start(context: ControllerContext) {
  const { client, informers, world } = context;
  const queue = new WorkQueue<string>(world, 'token_cleaner');
  const secrets = informers.informer('secrets', { namespace: NAMESPACE, fieldSelector: `type=${TOKEN_TYPE}` });
  const enqueue = (secret: Secret) => queue.add(storeKey(secret));
  secrets.addHandler({ added: enqueue, updated: (_, secret) => enqueue(secret) });
  const reconcile = async (key: string): Promise<Again | undefined> => {
    const secret = secrets.store.get(key);
    const end = secret && expiration(secret);
    if (!secret || end === undefined) return undefined;
    const left = end - world.clock.now();
    // Timers take no more than 24 days at once.
    if (left > 0) return { afterMs: Math.min(left, 2 ** 30) };
    const { namespace, name = '', uid } = secret.metadata;
    try {
      await client.resource('secrets').delete({ namespace, name }, { preconditions: uid ? { uid } : {} });
    } catch (error) {
      if (!hasReason(error, 'NotFound') && !hasReason(error, 'Conflict')) throw error;
    }
    return undefined;
  };
  return runQueue(context, { queue, informers: [secrets], workers: 1, reconcile });
}
