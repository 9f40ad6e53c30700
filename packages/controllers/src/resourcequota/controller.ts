/**
 * Counts what quotas limit, when a quota comes or changes, when something it may count goes, and every five minutes
 * (pkg/controller/resourcequota). What comes is charged by the API server itself, on admission.
 */
import type { ResourceQuota } from '@keelson/api/generated/types/core/v1';
import { hasReason, storeKey, WorkQueue } from '@keelson/client';
import type { ControllerContext } from '../controller.ts';
import { runQueue, workersOf } from '../work.ts';
import { Counters } from './counters.ts';
import { statusOf, usageOf } from './usage.ts';

const RESYNC_MS = 5 * 60 * 1000;
/** When something could not be counted. */
const RETRY_MS = 30_000;

export async function start(context: ControllerContext) {
  const { client, informers, world } = context;
  const queue = new WorkQueue<string>(world, 'resourcequota_primary');
  const quotas = informers.informer('resourcequotas');
  const enqueue = (quota: ResourceQuota) => queue.add(storeKey(quota));
  quotas.addHandler({
    added: enqueue,
    updated: (before, after) => {
      if (JSON.stringify(before.spec) !== JSON.stringify(after.spec)) enqueue(after);
    },
  });
  const counters = new Counters(context, (namespace) => {
    for (const quota of quotas.store.list(namespace)) enqueue(quota);
  });

  const reconcile = async (key: string) => {
    const quota = quotas.store.get(key);
    if (!quota) return undefined;
    const names = Object.keys(quota.spec?.hard ?? {});
    const counts = await counters.of(names, quota.metadata.namespace!);
    const status = statusOf(quota, await usageOf(quota, counts));
    try {
      if (status) await client.resource('resourcequotas').updateStatus({ ...quota, status });
    } catch (error) {
      if (!hasReason(error, 'NotFound')) throw error;
    }
    if (counts.unknown.size === 0) return { afterMs: RESYNC_MS };
    world.log.warn({ quota: key, names: [...counts.unknown] }, 'Not all that a quota limits could be listed');
    return { afterMs: RETRY_MS };
  };
  const running = runQueue(context, {
    queue,
    informers: [quotas, ...counters.copies],
    workers: workersOf(context, 'resourcequota-controller', 5),
    reconcile,
  });
  const end = new AbortController();
  void counters.follow(end.signal);
  return {
    done: running.done,
    stop: async () => {
      end.abort();
      await running.stop();
      await counters.stop();
    },
  };
}
