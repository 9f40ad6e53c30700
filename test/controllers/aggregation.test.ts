/** What becomes of the cluster's own cleaning while a server behind an APIService does not answer. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type ControlledCluster, startControlled } from './cluster.ts';

const waiting = { timeout: 30_000, interval: 100 };
const name = 'v1.down.example.com';
let cluster: ControlledCluster;
beforeAll(async () => {
  cluster = await startControlled(['namespace', 'garbagecollector'], []);
  await cluster.client.resource('apiservices.apiregistration.k8s.io').create({
    metadata: { name },
    spec: {
      group: 'down.example.com',
      version: 'v1',
      service: { namespace: 'default', name: 'nobody' },
      groupPriorityMinimum: 1000,
      versionPriority: 10,
    },
    status: {},
  });
}, 60_000);
afterAll(() => cluster?.stop());

const configMaps = (namespace: string) => async () =>
  (await cluster.client.resource('configmaps').list({ namespace })).items.map(({ metadata }) => metadata.name);

it('garbage of other groups is collected', async () => {
  const maps = cluster.client.resource('configmaps');
  const namespace = 'default';
  const { metadata } = await maps.create({ metadata: { namespace, name: 'owner' } });
  const owner = { apiVersion: 'v1', kind: 'ConfigMap', name: 'owner', uid: metadata.uid! };
  await maps.create({ metadata: { namespace, name: 'owned', ownerReferences: [owner] } });
  await maps.delete({ namespace, name: 'owner' });
  await expect.poll(configMaps(namespace), waiting).toEqual([]);
});

it('a namespace is emptied, says what it waits for, and goes when the group is whole again', async () => {
  const namespaces = cluster.client.resource('namespaces');
  const namespace = 'ending';
  await namespaces.create({ metadata: { name: namespace } });
  await cluster.client.resource('configmaps').create({ metadata: { namespace, name: 'content' } });
  await namespaces.delete({ name: namespace });
  await expect.poll(configMaps(namespace), waiting).toEqual([]);
  const failure = async () =>
    (await namespaces.get({ name: namespace })).status?.conditions?.find(
      ({ type }) => type === 'NamespaceDeletionDiscoveryFailure',
    );
  await expect.poll(failure, waiting).toMatchObject({
    status: 'True',
    reason: 'DiscoveryFailed',
    message: expect.stringContaining('stale GroupVersion discovery: down.example.com/v1'),
  });
  await cluster.client.resource('apiservices.apiregistration.k8s.io').delete({ name });
  const names = async () => (await namespaces.list()).items.map(({ metadata }) => metadata.name);
  await expect.poll(names, waiting).not.toContain(namespace);
}, 90_000);
