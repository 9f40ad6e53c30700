import type { Job, JobSpec } from '@keelson/api/generated/types/batch/v1';
import type { Draft } from '@keelson/client';
import { ended } from '@keelson/controllers/testing/toy-nodes';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type ControlledCluster, startControlled } from './cluster.ts';

const namespace = 'default';
let cluster: ControlledCluster;
beforeAll(async () => {
  cluster = await startControlled(['job']);
  cluster.nodes.fate = (pod) => {
    const code = pod.metadata.annotations?.exit;
    const index = pod.metadata.annotations?.['batch.kubernetes.io/job-completion-index'];
    if (code === undefined) return undefined;
    return ended(pod, code === 'odd' ? Number(index) % 2 : Number(code));
  };
}, 60_000);
afterAll(() => cluster?.stop());

const jobs = () => cluster.client.resource('jobs.batch');
const make = (name: string, exit: string | undefined, spec: Draft<JobSpec>): Promise<Job> =>
  jobs().create({
    metadata: { namespace, name },
    spec: {
      ...spec,
      template: {
        metadata: exit === undefined ? {} : { annotations: { exit } },
        spec: { restartPolicy: 'Never', containers: [{ name: 'c', image: 'i' }] },
      },
    },
  });
const statusOf = async (name: string) => (await jobs().get({ namespace, name })).status;
const conditions = async (name: string) =>
  (await statusOf(name)).conditions
    ?.filter(({ status }) => status === 'True')
    .map(({ type, reason }) => `${type} ${reason}`);
const podsOf = async (name: string) =>
  (await cluster.client.resource('pods').list({ namespace, labelSelector: `job-name=${name}` })).items;
const patient = { timeout: 15_000 };

describe('jobs', () => {
  it('run to completion, count each pod once, and let go of them', async () => {
    await make('plain', '0', { completions: 5, parallelism: 2 });
    await expect
      .poll(() => conditions('plain'), patient)
      .toEqual(['SuccessCriteriaMet CompletionsReached', 'Complete CompletionsReached']);
    expect(await statusOf('plain')).toMatchObject({
      succeeded: 5,
      ready: 0,
      terminating: 0,
      uncountedTerminatedPods: {},
    });
    await expect
      .poll(async () => (await podsOf('plain')).flatMap(({ metadata }) => metadata.finalizers ?? []))
      .toEqual([]);
    const told = await cluster.metrics.text();
    for (const line of [
      'job_controller_jobs_finished_total{completion_mode="NonIndexed",reason="CompletionsReached",result="succeeded"} 1',
      'job_controller_job_pods_finished_total{completion_mode="NonIndexed",result="succeeded"} 5',
      'job_controller_job_pods_creation_total{reason="new",status="succeeded"} 5',
    ])
      expect(told.split('\n')).toContain(line);
  });

  it('indexed: failed indexes are told', async () => {
    await make('odd', 'odd', { completions: 4, parallelism: 4, completionMode: 'Indexed', backoffLimitPerIndex: 0 });
    await expect
      .poll(() => conditions('odd'), patient)
      .toEqual(['FailureTarget FailedIndexes', 'Failed FailedIndexes']);
    expect(await statusOf('odd')).toMatchObject({
      completedIndexes: '0,2',
      failedIndexes: '1,3',
      succeeded: 2,
      failed: 2,
    });
  });

  it('success policy ends the others', async () => {
    const successPolicy = { rules: [{ succeededIndexes: '0' }] };
    cluster.nodes.ignore = (pod) =>
      pod.metadata.annotations?.['batch.kubernetes.io/job-completion-index'] === '1' &&
      !pod.metadata.deletionTimestamp &&
      pod.spec.nodeName !== undefined;
    await make('early', '0', { completions: 2, parallelism: 2, completionMode: 'Indexed', successPolicy });
    await expect
      .poll(() => conditions('early'), patient)
      .toEqual(['SuccessCriteriaMet SuccessPolicy', 'Complete SuccessPolicy']);
    expect(await statusOf('early')).toMatchObject({ completedIndexes: '0', succeeded: 1 });
    cluster.nodes.ignore = () => false;
  });

  it('a failure policy ends the job', async () => {
    const podFailurePolicy = { rules: [{ action: 'FailJob', onExitCodes: { operator: 'In', values: [3] } }] };
    await make('fatal', '3', { podFailurePolicy });
    await expect
      .poll(() => conditions('fatal'), patient)
      .toEqual(['FailureTarget PodFailurePolicy', 'Failed PodFailurePolicy']);
  });

  it('back-off limit and deadline', async () => {
    await make('limit', '1', { backoffLimit: 0 });
    await expect
      .poll(() => conditions('limit'), patient)
      .toEqual(['FailureTarget BackoffLimitExceeded', 'Failed BackoffLimitExceeded']);
    await make('late', undefined, { activeDeadlineSeconds: 1 });
    await expect
      .poll(() => conditions('late'), patient)
      .toEqual(['FailureTarget DeadlineExceeded', 'Failed DeadlineExceeded']);
    await expect.poll(() => podsOf('late')).toEqual([]);
  });

  it('suspended and resumed', async () => {
    await make('held', undefined, { suspend: true });
    await expect.poll(() => conditions('held'), patient).toEqual(['Suspended JobSuspended']);
    await jobs().patch({ namespace, name: 'held' }, 'merge', { spec: { suspend: false } });
    await expect.poll(async () => (await statusOf('held')).ready, patient).toBe(1);
    await jobs().patch({ namespace, name: 'held' }, 'merge', { spec: { suspend: true } });
    await expect.poll(() => podsOf('held'), patient).toEqual([]);
    await expect.poll(async () => (await statusOf('held')).active ?? 0, patient).toBe(0);
    expect((await statusOf('held')).failed ?? 0).toBe(0);
  });

  it('pods of a job that is gone are let go', async () => {
    await make('gone', undefined, {});
    await expect.poll(async () => (await statusOf('gone')).ready, patient).toBe(1);
    await jobs().delete({ namespace, name: 'gone' }, { propagationPolicy: 'Orphan' });
    await jobs().patch({ namespace, name: 'gone' }, 'merge', { metadata: { finalizers: null } });
    await expect
      .poll(async () => (await podsOf('gone')).flatMap(({ metadata }) => metadata.finalizers ?? []), patient)
      .toEqual([]);
  });

  it('are silent once they are settled', async () => {
    await new Promise((resolve) => setTimeout(resolve, 500));
    const versions = async () => (await jobs().list({ namespace })).items.map((job) => job.metadata.resourceVersion);
    const before = await versions();
    await new Promise((resolve) => setTimeout(resolve, 1000));
    expect(await versions()).toEqual(before);
    expect(cluster.complaints).toEqual([]);
  });
});
