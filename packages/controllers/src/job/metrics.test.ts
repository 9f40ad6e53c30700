import type { Job, JobSpec, JobStatus } from '@keelson/api/generated/types/batch/v1';
import type { Pod } from '@keelson/api/generated/types/core/v1';
import { MetricsRegistry } from '@keelson/component/metrics/registry';
import { beforeEach, expect, it } from 'vitest';
import { OwnWrites, staleSkips } from '../seen.ts';
import { JobMetrics } from './metrics.ts';
import { TRACKING_FINALIZER } from './pods.ts';

let registry: MetricsRegistry;
let metrics: JobMetrics;
beforeEach(() => {
  registry = new MetricsRegistry();
  metrics = new JobMetrics(registry);
});
/** What is not zero, without the parts of histograms. */
const told = async () =>
  (await registry.text())
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#') && !/_bucket|_seconds_sum| 0$/.test(line))
    .map((line) => line.replace('job_controller_', ''));

function job(spec: Partial<JobSpec> = {}, status: JobStatus = {}): Job {
  return {
    metadata: { namespace: 'ns', name: 'j', uid: 'u', resourceVersion: '7' },
    spec: { ...spec, template: { metadata: {}, spec: { containers: [] } } } as JobSpec,
    status,
  };
}

it.each<[string, () => void, string[]]>([
  [
    'looks at jobs',
    () => metrics.synced(job({ completionMode: 'Indexed' }), false, 'pods_created', 20),
    [
      'job_sync_duration_seconds_count{action="pods_created",completion_mode="Indexed",result="error"} 1',
      'job_syncs_total{action="pods_created",completion_mode="Indexed",result="error"} 1',
    ],
  ],
  [
    'jobs that ended',
    () => metrics.finished(job(), { type: 'Complete', status: 'True', reason: 'SuccessPolicy' }),
    ['jobs_finished_total{completion_mode="NonIndexed",reason="SuccessPolicy",result="succeeded"} 1'],
  ],
  [
    'jobs that failed',
    () => metrics.finished(job(), { type: 'Failed', status: 'True', reason: 'MaxFailedIndexesExceeded' }),
    ['jobs_finished_total{completion_mode="NonIndexed",reason="MaxFailedIndexesExceeded",result="failed"} 1'],
  ],
  [
    'pods without indexes',
    () => metrics.counted(job({}, { succeeded: 3, failed: 2 }), { succeeded: 1 }),
    [
      'job_pods_finished_total{completion_mode="NonIndexed",result="failed"} 2',
      'job_pods_finished_total{completion_mode="NonIndexed",result="succeeded"} 2',
    ],
  ],
  [
    'pods with indexes',
    () =>
      metrics.counted(
        job(
          { completionMode: 'Indexed', completions: 5, backoffLimitPerIndex: 1 },
          { completedIndexes: '0-2', failedIndexes: '4', failed: 2, succeeded: 3 },
        ),
        { completedIndexes: '0', succeeded: 1 },
      ),
    [
      'job_finished_indexes_total{backoffLimit="perIndex",status="failed"} 1',
      'job_finished_indexes_total{backoffLimit="perIndex",status="succeeded"} 2',
      'job_pods_finished_total{completion_mode="Indexed",result="failed"} 2',
      'job_pods_finished_total{completion_mode="Indexed",result="succeeded"} 2',
    ],
  ],
  [
    'verdicts of policies',
    () => metrics.judged(['Ignore', 'Count', 'Ignore']),
    [
      'pod_failures_handled_by_failure_policy_total{action="Count"} 1',
      'pod_failures_handled_by_failure_policy_total{action="Ignore"} 2',
    ],
  ],
  [
    'jobs of others',
    () => metrics.managedBy('example.com/queue'),
    ['jobs_by_external_controller_total{controller_name="example.com/queue"} 1'],
  ],
])('counts %s', async (_what, count, lines) => {
  count();
  expect((await told()).sort()).toEqual([...lines].sort());
});

it.each<[Partial<JobSpec>, number, number, string]>([
  [{}, 0, 0, 'new'],
  [{}, 1, 0, 'recreate_terminating_or_failed'],
  [{}, 0, 1, 'recreate_terminating_or_failed'],
  [{ podReplacementPolicy: 'Failed' }, 1, 1, 'recreate_failed'],
  [{ podReplacementPolicy: 'Failed' }, 0, 0, 'new'],
])('pods of %j after %i failed and with %i leaving are %s %s', async (spec, failed, terminating, reason) => {
  metrics.created(job(spec), { failed, terminating }, 2, 1);
  expect((await told()).sort()).toEqual([
    `job_pods_creation_total{reason="${reason}",status="failed"} 1`,
    `job_pods_creation_total{reason="${reason}",status="succeeded"} 2`,
  ]);
});

it('counts pods that ended with the finalizer, and those that lost it', async () => {
  const pod = (phase: string, finalizers: string[]) =>
    ({ metadata: { name: 'p', finalizers }, spec: {}, status: { phase } }) as object as Pod;
  const running = pod('Running', [TRACKING_FINALIZER]);
  const ended = pod('Succeeded', [TRACKING_FINALIZER]);
  metrics.podChanged(undefined, running);
  metrics.podChanged(running, ended);
  metrics.podChanged(ended, ended);
  metrics.podChanged(ended, pod('Succeeded', []));
  expect(await told()).toEqual([
    'terminated_pods_tracking_finalizer_total{event="add"} 1',
    'terminated_pods_tracking_finalizer_total{event="delete"} 1',
  ]);
});

it('counts looks that were put off', async () => {
  const writes = new OwnWrites(staleSkips(registry, 'job_controller', { group: 'batch', resource: 'jobs' }));
  writes.wrote({ ...job(), metadata: { ...job().metadata, resourceVersion: '8' } });
  expect(writes.seenIn(job())).toBe(false);
  expect(await told()).toEqual(['stale_sync_skips_total{group="batch",resource="jobs"} 1']);
});
