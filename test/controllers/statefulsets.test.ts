import type { StatefulSet } from '@keelson/api/generated/types/apps/v1';
import type { Draft } from '@keelson/client';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { kubectl } from '../support/kubectl.ts';
import { missing } from '../support/tools.ts';
import { type ControlledCluster, startControlled } from './cluster.ts';

const namespace = 'default';
let cluster: ControlledCluster;
beforeAll(async () => {
  cluster = await startControlled(['statefulset']);
}, 60_000);
afterAll(() => cluster?.stop());

const sets = () => cluster.client.resource('statefulsets.apps');
const stateful = (name: string, replicas: number, more: object = {}): Draft<StatefulSet> => ({
  metadata: { namespace, name },
  spec: {
    replicas,
    serviceName: name,
    selector: { matchLabels: { app: name } },
    template: { metadata: { labels: { app: name } }, spec: { containers: [{ name: 'c', image: 'i:1' }] } },
    ...more,
  },
});
const podsOf = async (name: string) =>
  (await cluster.client.resource('pods').list({ namespace, labelSelector: `app=${name}` })).items;
const namesOf = async (name: string) => (await podsOf(name)).map(({ metadata }) => metadata.name!).sort();
const progress = async (name: string) => {
  const { status, metadata } = await sets().get({ namespace, name });
  const { availableReplicas, updatedReplicas, currentRevision, updateRevision } = status;
  return [
    status.observedGeneration === metadata.generation,
    status.replicas,
    availableReplicas,
    updatedReplicas,
    currentRevision === updateRevision,
  ];
};
const patient = { timeout: 15_000 };
const rolledOut = (name: string, count: number) =>
  expect.poll(() => progress(name), patient).toEqual([true, count, count, count, true]);
const image = (to: string) => ({ spec: { template: { spec: { containers: [{ name: 'c', image: to }] } } } });

describe('stateful sets', () => {
  it('come up in order, under their names, each with its claim', async () => {
    const volumeClaimTemplates = [
      {
        metadata: { name: 'data' },
        spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } } },
      },
    ];
    const persistentVolumeClaimRetentionPolicy = { whenScaled: 'Delete', whenDeleted: 'Delete' };
    await sets().create(stateful('db', 3, { volumeClaimTemplates, persistentVolumeClaimRetentionPolicy }));
    await rolledOut('db', 3);
    const pods = await podsOf('db');
    const created = (name: string) =>
      Date.parse(pods.find(({ metadata }) => metadata.name === name)!.metadata.creationTimestamp!);
    expect(await namesOf('db')).toEqual(['db-0', 'db-1', 'db-2']);
    expect(created('db-0') <= created('db-1') && created('db-1') <= created('db-2')).toBe(true);
    const owners = async () => {
      const { items } = await cluster.client.resource('persistentvolumeclaims').list({ namespace });
      return items
        .map(({ metadata }) => `${metadata.name} ${metadata.ownerReferences?.map(({ kind }) => kind)}`)
        .sort();
    };
    await expect
      .poll(owners, patient)
      .toEqual(['data-db-0 StatefulSet', 'data-db-1 StatefulSet', 'data-db-2 StatefulSet']);
    await sets().patch({ namespace, name: 'db' }, 'merge', { spec: { replicas: 1 } });
    await rolledOut('db', 1);
    await expect.poll(owners, patient).toEqual(['data-db-0 StatefulSet', 'data-db-1 Pod', 'data-db-2 Pod']);
  });

  it('replace what fails, under the same name', async () => {
    await sets().create(stateful('evicted', 1));
    await rolledOut('evicted', 1);
    const [pod] = await podsOf('evicted');
    await cluster.client.resource('pods').updateStatus({ ...pod!, status: { ...pod!.status, phase: 'Failed' } });
    await expect
      .poll(async () => (await podsOf('evicted')).some(({ metadata }) => metadata.uid === pod!.metadata.uid), patient)
      .toBe(false);
    await rolledOut('evicted', 1);
  });

  it.skipIf(missing('kubectl'))('update from the last, by partition, and are rolled back', async () => {
    const run = kubectl(cluster.server.kubeconfig);
    await sets().create(
      stateful('web', 3, { updateStrategy: { type: 'RollingUpdate', rollingUpdate: { partition: 2 } } }),
    );
    await rolledOut('web', 3);
    await sets().patch({ namespace, name: 'web' }, 'strategic', image('i:2'));
    await expect.poll(() => progress('web'), patient).toEqual([true, 3, 3, 1, false]);
    const images = async () =>
      Object.fromEntries(
        (await podsOf('web')).map(({ metadata, spec }) => [metadata.name, spec.containers![0]!.image]),
      );
    expect(await images()).toEqual({ 'web-0': 'i:1', 'web-1': 'i:1', 'web-2': 'i:2' });
    await sets().patch({ namespace, name: 'web' }, 'merge', {
      spec: { updateStrategy: { rollingUpdate: { partition: 0 } } },
    });
    expect(await run`rollout status statefulset/web --timeout=20s`).toContain('3 new pods have been updated');
    await run`rollout undo statefulset/web`;
    await rolledOut('web', 3);
    expect(await images()).toEqual({ 'web-0': 'i:1', 'web-1': 'i:1', 'web-2': 'i:1' });
  });

  it('parallel: all at once, and all go at once', async () => {
    cluster.nodes.ignore = ({ metadata }) => metadata.name === 'burst-0' && !metadata.deletionTimestamp;
    await sets().create(stateful('burst', 3, { podManagementPolicy: 'Parallel' }));
    await expect.poll(() => progress('burst'), patient).toEqual([true, 3, 2, 3, true]);
    await sets().patch({ namespace, name: 'burst' }, 'merge', { spec: { replicas: 0 } });
    await expect.poll(() => namesOf('burst'), patient).toEqual([]);
    cluster.nodes.ignore = () => false;
  });

  it('are silent once they are settled', async () => {
    await new Promise((resolve) => setTimeout(resolve, 500));
    const versions = async () =>
      (await sets().list({ namespace })).items.map(({ metadata }) => metadata.resourceVersion);
    const before = await versions();
    await new Promise((resolve) => setTimeout(resolve, 1000));
    expect(await versions()).toEqual(before);
    expect(cluster.complaints).toEqual([]);
  });
});
