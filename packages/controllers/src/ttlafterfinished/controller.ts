/** Deletes jobs some time after they have ended (pkg/controller/ttlafterfinished). */
import type { Job } from '@keelson/api/generated/types/batch/v1';
import { millisOf } from '@keelson/api/time';
import { hasReason, keyOf, storeKey, WorkQueue } from '@keelson/client';
import { exponentialBounds } from '@keelson/component/metrics/families';
import type { Running } from '@keelson/component/running';
import type { ControllerContext } from '../controller.ts';
import { finishedCondition } from '../job/conditions.ts';
import { Families } from '../metrics.ts';
import { runQueue, workersOf } from '../work.ts';

/**
 * Milliseconds that a job has left, zero or less when it is to go; undefined when it stays.
 * @throws Error where it does not tell when it ended
 */
export function timeLeft(job: Job, now: number): number | undefined {
  const { metadata, spec } = job;
  const finished = finishedCondition(job);
  if (metadata.deletionTimestamp || spec.ttlSecondsAfterFinished === undefined || !finished) return undefined;
  if (!finished.lastTransitionTime) {
    throw new Error(`unable to find the time when the Job ${metadata.namespace}/${metadata.name} finished`);
  }
  return millisOf(finished.lastTransitionTime) + spec.ttlSecondsAfterFinished * 1000 - now;
}

export async function start(context: ControllerContext): Promise<Running> {
  const { client, informers, world } = context;
  const jobs = client.resource('jobs.batch');
  const informer = informers.informer('jobs.batch');
  const queue = new WorkQueue<string>(world, 'ttl_jobs_to_delete');
  const late = new Families('ttl_after_finished_controller', context.metrics).histogram(
    exponentialBounds(0.1, 2, 14),
    'job_deletion_duration_seconds',
    'ALPHA',
    'How much later than it was due a job was deleted.',
  );
  const look = (job: Job) => {
    if (job.spec.ttlSecondsAfterFinished !== undefined && finishedCondition(job)) queue.add(storeKey(job));
  };
  informer.addHandler({ added: look, updated: (_, job) => look(job) });
  const left = (job: Job) => timeLeft(job, world.clock.now());
  const expire = async (key: string) => {
    const known = informer.store.get(key);
    const wait = known && left(known);
    if (!known || wait === undefined) return undefined;
    if (wait > 0) return { afterMs: wait };
    // The copy may be behind: its time to live may have been made longer.
    const fresh = await jobs.get(keyOf(known));
    const really = left(fresh);
    if (really === undefined) return undefined;
    if (really > 0) return { afterMs: really };
    const { uid } = fresh.metadata;
    await jobs.delete(keyOf(fresh), { propagationPolicy: 'Foreground', preconditions: { uid: uid! } });
    late.with().observe(-(left(fresh) ?? 0) / 1000);
    return undefined;
  };
  return runQueue(context, {
    queue,
    informers: [informer],
    workers: workersOf(context, 'ttl-after-finished-controller', 5),
    reconcile: async (key: string) =>
      expire(key).catch((error) => {
        if (!hasReason(error, 'NotFound')) throw error;
        return undefined;
      }),
  });
}
