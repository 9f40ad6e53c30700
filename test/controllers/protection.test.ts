import { afterAll, beforeAll, expect, it } from 'vitest';
import { type ControlledCluster, startControlled } from './cluster.ts';

const namespace = 'default';
let cluster: ControlledCluster;
beforeAll(async () => {
  cluster = await startControlled(['volumeattributesclass-protection-controller'], []);
}, 60_000);
afterAll(() => cluster?.stop());

it('a class of volume attributes stays until no claim names it', async () => {
  const classes = cluster.client.resource('volumeattributesclasses.storage.k8s.io');
  const claims = cluster.client.resource('persistentvolumeclaims');
  const names = async () => (await classes.list()).items.map(({ metadata }) => metadata.name);
  for (const name of ['used', 'unused']) {
    await classes.create({ metadata: { name }, driverName: 'example.com', parameters: { iops: '1' } });
  }
  await claims.create({
    metadata: { namespace, name: 'claim', finalizers: ['example.com/mine'] },
    spec: {
      accessModes: ['ReadWriteOnce'],
      resources: { requests: { storage: '1Gi' } },
      storageClassName: '',
      volumeAttributesClassName: 'used',
    },
  });
  for (const name of ['used', 'unused']) await classes.delete({ name });
  await expect.poll(names, { timeout: 10_000 }).toEqual(['used']);
  expect((await classes.get({ name: 'used' })).metadata.deletionTimestamp).toBeDefined();
  await claims.patch({ namespace, name: 'claim' }, 'merge', { metadata: { finalizers: null } });
  await claims.delete({ namespace, name: 'claim' });
  await expect.poll(names, { timeout: 10_000 }).toEqual([]);
});
