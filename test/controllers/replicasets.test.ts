import type { ReplicaSet } from '@keelson/api/generated/types/apps/v1';
import type { Draft } from '@keelson/client';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type ControlledCluster, startControlled } from './cluster.ts';

const namespace = 'default';
let cluster: ControlledCluster;
beforeAll(async () => {
  cluster = await startControlled(['replicaset', 'replicationcontroller']);
}, 60_000);
afterAll(() => cluster?.stop());

const labels = (name: string) => ({ app: name });
const template = (name: string) => ({
  metadata: { labels: labels(name) },
  spec: { containers: [{ name: 'c', image: 'i' }] },
});
const replicaSet = (name: string, replicas: number): Draft<ReplicaSet> => ({
  metadata: { namespace, name },
  spec: { replicas, selector: { matchLabels: labels(name) }, template: template(name) },
});
const podsOf = async (name: string) =>
  (await cluster.client.resource('pods').list({ namespace, labelSelector: `app=${name}` })).items;
const statusOf = async (name: string) =>
  (await cluster.client.resource('replicasets.apps').get({ namespace, name })).status;

describe('replica sets', () => {
  it('have their pods, ready, and tell so', async () => {
    await cluster.client.resource('replicasets.apps').create(replicaSet('three', 3));
    await expect
      .poll(() => statusOf('three'), { timeout: 10_000 })
      .toEqual({
        replicas: 3,
        fullyLabeledReplicas: 3,
        readyReplicas: 3,
        availableReplicas: 3,
        terminatingReplicas: 0,
        observedGeneration: 1,
      });
    expect((await podsOf('three')).map(({ metadata }) => metadata.ownerReferences?.[0]?.name)).toEqual([
      'three',
      'three',
      'three',
    ]);
  });

  it('replace a pod, and lose what is too much', async () => {
    const sets = cluster.client.resource('replicasets.apps');
    await sets.create(replicaSet('four', 4));
    await expect.poll(async () => (await statusOf('four')).readyReplicas, { timeout: 10_000 }).toBe(4);
    const [first] = await podsOf('four');
    await cluster.client.resource('pods').delete({ namespace, name: first!.metadata.name! });
    await expect
      .poll(async () => (await podsOf('four')).some((pod) => pod.metadata.uid === first!.metadata.uid))
      .toBe(false);
    await expect.poll(async () => (await statusOf('four')).readyReplicas).toBe(4);
    await sets.patch({ namespace, name: 'four' }, 'merge', { spec: { replicas: 1 } });
    await expect.poll(async () => (await statusOf('four')).replicas).toBe(1);
    await expect.poll(async () => (await podsOf('four')).length).toBe(1);
  });

  it('adopt orphans and release what no longer matches', async () => {
    const pods = cluster.client.resource('pods');
    const orphan = await pods.create({
      ...template('orphan'),
      metadata: { namespace, name: 'orphan', labels: labels('orphan') },
    } as never);
    await cluster.client.resource('replicasets.apps').create(replicaSet('orphan', 1));
    const reference = async () => (await pods.get({ namespace, name: 'orphan' })).metadata.ownerReferences?.[0]?.name;
    await expect.poll(reference).toBe('orphan');
    expect((await podsOf('orphan')).length).toBe(1);
    await pods.patch({ namespace, name: orphan.metadata.name! }, 'merge', { metadata: { labels: { app: 'other' } } });
    await expect.poll(reference).toBe(undefined);
    await expect.poll(async () => (await podsOf('orphan')).length).toBe(1);
  });

  it('say why pods cannot be created', async () => {
    const { metadata, spec } = template('limited');
    await cluster.client.resource('replicationcontrollers').create({
      metadata: { namespace, name: 'limited' },
      spec: {
        replicas: 2,
        selector: labels('limited'),
        template: { metadata, spec: { ...spec, priorityClassName: 'missing' } },
      },
    });
    const condition = async () =>
      (await cluster.client.resource('replicationcontrollers').get({ namespace, name: 'limited' })).status
        .conditions?.[0];
    await expect
      .poll(condition, { timeout: 10_000 })
      .toMatchObject({ type: 'ReplicaFailure', status: 'True', reason: 'FailedCreate' });
  });
});

describe('a thousand replicas', () => {
  it('run, then all is silent', async () => {
    await cluster.client.resource('namespaces').create({ metadata: { name: 'big' } });
    await cluster.client
      .resource('replicasets.apps')
      .create({ ...replicaSet('big', 1000), metadata: { namespace: 'big', name: 'big' } });
    const read = async () => await cluster.client.resource('replicasets.apps').get({ namespace: 'big', name: 'big' });
    await expect.poll(async () => (await read()).status.readyReplicas, { timeout: 60_000 }).toBe(1000);
    const { metadata } = await read();
    await new Promise((resolve) => setTimeout(resolve, 1000));
    expect((await read()).metadata.resourceVersion).toBe(metadata.resourceVersion);
  }, 90_000);
});
