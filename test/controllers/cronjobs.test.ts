import type { CronJobSpec } from '@keelson/api/generated/types/batch/v1';
import type { Draft } from '@keelson/client';
import { ended } from '@keelson/controllers/testing/toy-nodes';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type ControlledCluster, startControlled } from './cluster.ts';

const namespace = 'default';
let cluster: ControlledCluster;
beforeAll(async () => {
  cluster = await startControlled(['job', 'cronjob', 'ttl-after-finished', 'podgc']);
  for (const name of ['n1', 'n2', 'n3']) await cluster.client.resource('nodes').create({ metadata: { name } });
  cluster.nodes.fate = (pod) => (pod.metadata.labels?.ends ? ended(pod, 0) : undefined);
}, 60_000);
afterAll(() => cluster?.stop());

const patient = { timeout: 20_000 };
const cronJobs = () => cluster.client.resource('cronjobs.batch');
const template = (ends: boolean) => ({
  metadata: ends ? { labels: { ends: 'yes' } } : {},
  spec: { restartPolicy: 'Never', containers: [{ name: 'c', image: 'i' }] },
});
async function make(name: string, ends: boolean, spec: Draft<CronJobSpec> = {}, jobSpec: object = {}): Promise<void> {
  const jobTemplate = { spec: { ...jobSpec, template: template(ends) } };
  await cronJobs().create({
    metadata: { namespace, name },
    spec: { schedule: '* * * * *', suspend: true, jobTemplate, ...spec },
  });
}
/** As if it had run two minutes ago, so that it is due. */
async function makeDue(name: string): Promise<void> {
  const lastScheduleTime = new Date(Date.now() - 120_000).toISOString().replace(/\.\d+/, '');
  await cronJobs().patch({ namespace, name }, 'merge', { status: { lastScheduleTime } }, { subresource: 'status' });
  await cronJobs().patch({ namespace, name }, 'merge', { spec: { suspend: false } });
}
const jobsOf = async (name: string) => {
  const { items } = await cluster.client.resource('jobs.batch').list({ namespace });
  return items
    .filter(({ metadata }) => metadata.ownerReferences?.[0]?.name === name)
    .map(({ metadata }) => metadata.name!);
};
const reasons = async (name: string) => {
  const { items } = await cluster.client
    .resource('events')
    .list({ namespace, fieldSelector: `involvedObject.name=${name}` });
  return items.map(({ reason }) => reason);
};

describe('cron jobs', () => {
  it('start a job when it is time, once, and see it end', async () => {
    await make('tick', true, {}, { ttlSecondsAfterFinished: 1000 });
    await makeDue('tick');
    await expect
      .poll(() => reasons('tick'), patient)
      .toEqual(expect.arrayContaining(['SuccessfulCreate', 'SawCompletedJob']));
    const { status } = await cronJobs().get({ namespace, name: 'tick' });
    expect(status.active ?? []).toEqual([]);
    expect(status.lastSuccessfulTime).toBeDefined();
    await cronJobs().patch({ namespace, name: 'tick' }, 'merge', { spec: { suspend: true } });
  });

  it('replace what runs', async () => {
    await make('swap', false, { concurrencyPolicy: 'Replace' });
    await makeDue('swap');
    await expect.poll(async () => (await jobsOf('swap')).length, patient).toBe(1);
    const [first] = await jobsOf('swap');
    await cluster.client.resource('jobs.batch').get({ namespace, name: first! });
    await expect
      .poll(async () => (await cronJobs().get({ namespace, name: 'swap' })).status.active?.length, patient)
      .toBe(1);
    await cronJobs().patch({ namespace, name: 'swap' }, 'merge', { spec: { suspend: true } });
  });

  it('ended jobs go after their time to live', async () => {
    await make('brief', true, {}, { ttlSecondsAfterFinished: 1 });
    await makeDue('brief');
    await expect.poll(() => reasons('brief'), patient).toContain('SawCompletedJob');
    const leaving = async () => {
      const { items } = await cluster.client.resource('jobs.batch').list({ namespace });
      const jobs = items.filter(({ metadata }) => metadata.ownerReferences?.[0]?.name === 'brief');
      return jobs.every(({ metadata }) => metadata.deletionTimestamp !== undefined);
    };
    await expect.poll(leaving, patient).toBe(true);
    await cronJobs().patch({ namespace, name: 'brief' }, 'merge', { spec: { suspend: true } });
    expect(cluster.complaints).toEqual([]);
  });
});

describe('pod garbage collector', () => {
  it('pods that are leaving and have no node go', async () => {
    cluster.nodes.ignore = ({ metadata }) => metadata.name === 'lost';
    const pods = cluster.client.resource('pods');
    await pods.create({
      metadata: { namespace, name: 'lost', finalizers: ['example.com/wait'] },
      spec: { containers: [{ name: 'c', image: 'i' }] },
    });
    await pods.delete({ namespace, name: 'lost' });
    await expect
      .poll(async () => (await pods.get({ namespace, name: 'lost' })).status.phase, { timeout: 30_000 })
      .toBe('Failed');
    await pods.patch({ namespace, name: 'lost' }, 'merge', { metadata: { finalizers: null } });
  }, 40_000);
});
