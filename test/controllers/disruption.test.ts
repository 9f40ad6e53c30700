import type { PodDisruptionBudgetSpec } from '@keelson/api/generated/types/policy/v1';
import type { Draft } from '@keelson/client';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type ControlledCluster, startControlled } from './cluster.ts';

const namespace = 'default';
let cluster: ControlledCluster;
beforeAll(async () => {
  cluster = await startControlled(['replicaset', 'deployment', 'disruption']);
}, 60_000);
afterAll(() => cluster?.stop());

const patient = { timeout: 15_000 };
const budgets = () => cluster.client.resource('poddisruptionbudgets.policy');
const pods = () => cluster.client.resource('pods');
const podSpec = { containers: [{ name: 'c', image: 'i' }] };
const podsOf = async (app: string) => (await pods().list({ namespace, labelSelector: `app=${app}` })).items;
async function deploy(app: string, replicas: number): Promise<void> {
  const labels = { app };
  const template = { metadata: { labels }, spec: podSpec };
  await cluster.client
    .resource('deployments.apps')
    .create({ metadata: { namespace, name: app }, spec: { replicas, selector: { matchLabels: labels }, template } });
}
const budget = (app: string, spec: Draft<PodDisruptionBudgetSpec>) =>
  budgets().create({ metadata: { namespace, name: app }, spec: { selector: { matchLabels: { app } }, ...spec } });
const counts = async (name: string) => {
  const { expectedPods, currentHealthy, desiredHealthy, disruptionsAllowed } = (
    await budgets().get({ namespace, name })
  ).status;
  return [expectedPods, currentHealthy, desiredHealthy, disruptionsAllowed];
};
const evict = (name: string) =>
  pods().subresource('eviction').create({ namespace, name }, { metadata: { namespace, name } });

describe('disruption budgets', () => {
  it('count by the scale of the deployment, and let as many go', async () => {
    await deploy('web', 4);
    await budget('web', { maxUnavailable: '50%' });
    await expect.poll(() => counts('web'), patient).toEqual([4, 4, 2, 2]);
    await evict((await podsOf('web'))[0]!.metadata.name!);
    await expect.poll(() => counts('web'), patient).toEqual([4, 4, 2, 2]);
    const { conditions, disruptedPods = {} } = (await budgets().get({ namespace, name: 'web' })).status;
    expect(conditions).toMatchObject([{ type: 'DisruptionAllowed', status: 'True', reason: 'SufficientPods' }]);
    expect(disruptedPods).toEqual({});
  });

  it('refuse an eviction until they allow it', async () => {
    await deploy('db', 2);
    await budget('db', { minAvailable: 2 });
    await expect.poll(() => counts('db'), patient).toEqual([2, 2, 2, 0]);
    const { name } = (await podsOf('db'))[0]!.metadata;
    await expect(evict(name!)).rejects.toThrow("Cannot evict pod as it would violate the pod's disruption budget.");
    await budgets().patch({ namespace, name: 'db' }, 'merge', { spec: { minAvailable: 1 } });
    await expect.poll(() => counts('db'), patient).toEqual([2, 2, 1, 1]);
    await evict(name!);
    await expect
      .poll(async () => (await podsOf('db')).some(({ metadata }) => metadata.name === name), patient)
      .toBe(false);
  });

  it('allow nothing where a pod has an unknown controller', async () => {
    const ownerReferences = [{ apiVersion: 'example.com/v1', kind: 'Unknown', name: 'u', uid: 'u', controller: true }];
    await pods().create({
      metadata: { namespace, name: 'strange', labels: { app: 'strange' }, ownerReferences },
      spec: podSpec,
    });
    await budget('strange', { maxUnavailable: 1 });
    const condition = async () => (await budgets().get({ namespace, name: 'strange' })).status.conditions?.[0];
    await expect
      .poll(condition, patient)
      .toMatchObject({ reason: 'SyncFailed', message: 'no matches for kind "Unknown" in group "example.com"' });
  });

  it('are silent once they are settled', async () => {
    await new Promise((resolve) => setTimeout(resolve, 500));
    const versions = async () =>
      (await budgets().list({ namespace })).items.map(({ metadata }) => metadata.resourceVersion);
    const before = await versions();
    await new Promise((resolve) => setTimeout(resolve, 1000));
    expect(await versions()).toEqual(before);
    expect(cluster.complaints).toEqual([]);
  });
});
