import type { ResourceClaim } from '@keelson/api/generated/types/resource/v1';
import { ended } from '@keelson/controllers/testing/toy-nodes';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type ControlledCluster, startControlled } from './cluster.ts';

const namespace = 'default';
const poll = { timeout: 10_000 };
const container = { name: 'c', image: 'i' };
let cluster: ControlledCluster;
beforeAll(async () => {
  cluster = await startControlled(['resourceclaim-controller', 'device-taint-eviction-controller']);
  await cluster.client.resource('resourceclaimtemplates.resource.k8s.io').create({
    metadata: { namespace, name: 'gpu' },
    spec: { spec: { devices: { requests: [{ name: 'r', exactly: { deviceClassName: 'gpu.example.com' } }] } } },
  });
}, 60_000);
afterAll(() => cluster?.stop());

const claims = () => cluster.client.resource('resourceclaims.resource.k8s.io');
const pods = () => cluster.client.resource('pods');
const claimsNow = async () => (await claims().list({ namespace })).items;

/** As the scheduler does. */
async function allocate(claim: ResourceClaim, status: ResourceClaim['status'] = {}): Promise<ResourceClaim> {
  const finalizers = ['resource.kubernetes.io/delete-protection'];
  const results = [{ request: 'r', driver: 'd.example.com', pool: 'pool', device: 'x' }];
  const marked = await claims().update({ ...claim, metadata: { ...claim.metadata, finalizers } });
  return claims().updateStatus({ ...marked, status: { allocation: { devices: { results } }, ...status } });
}

it('a pod gets a claim of its template, which goes when the pod has ended', async () => {
  cluster.nodes.ignore = () => true;
  await pods().create({
    metadata: { namespace, name: 'web' },
    spec: { containers: [container], resourceClaims: [{ name: 'gpu', resourceClaimTemplateName: 'gpu' }] },
  });
  const statuses = async () => (await pods().get({ namespace, name: 'web' })).status.resourceClaimStatuses;
  await expect
    .poll(statuses, poll)
    .toEqual([{ name: 'gpu', resourceClaimName: expect.stringMatching(/^web-gpu-[a-z0-9]{5}$/) }]);
  const [claim, ...others] = await claimsNow();
  expect(others).toEqual([]);
  expect(claim!.metadata.name).toBe((await statuses())![0]!.resourceClaimName);
  const pod = await pods().get({ namespace, name: 'web' });
  await allocate(claim!, { reservedFor: [{ resource: 'pods', name: 'web', uid: pod.metadata.uid! }] });
  cluster.nodes.ignore = () => false;
  cluster.nodes.fate = (each) => ended(each, 0);
  await pods().patch({ namespace, name: 'web' }, 'merge', { metadata: { labels: { now: 'run' } } });
  await expect.poll(claimsNow, poll).toEqual([]);
});

it('a pod that was given a node by hand has its claim reserved, until it is gone', async () => {
  cluster.nodes.ignore = () => true;
  const spec = { devices: { requests: [{ name: 'r', exactly: { deviceClassName: 'gpu.example.com' } }] } };
  const claim = await claims().create({ metadata: { namespace, name: 'own' }, spec });
  await allocate(claim);
  const pod = await pods().create({
    metadata: { namespace, name: 'pinned' },
    spec: { nodeName: 'n1', containers: [container], resourceClaims: [{ name: 'own', resourceClaimName: 'own' }] },
  });
  const own = async () => claims().get({ namespace, name: 'own' });
  const { uid } = pod.metadata;
  await expect
    .poll(async () => (await own()).status?.reservedFor, poll)
    .toEqual([{ resource: 'pods', name: 'pinned', uid }]);
  await pods().delete({ namespace, name: 'pinned' }, { gracePeriodSeconds: 0 });
  await expect.poll(async () => (await own()).status, poll).toEqual({});
  await expect.poll(async () => (await own()).metadata.finalizers, poll).toBe(undefined);
});

it('a pod whose device has become bad is deleted', async () => {
  cluster.nodes.ignore = () => true;
  await allocate(await claims().get({ namespace, name: 'own' }));
  const slices = cluster.client.resource('resourceslices.resource.k8s.io');
  const slice = await slices.create({
    metadata: { name: 'slice' },
    spec: {
      driver: 'd.example.com',
      nodeName: 'n1',
      pool: { name: 'pool', generation: 1, resourceSliceCount: 1 },
      devices: [{ name: 'x' }],
    },
  });
  await pods().create({
    metadata: { namespace, name: 'victim', finalizers: ['example.com/hold'] },
    spec: { nodeName: 'n1', containers: [container], resourceClaims: [{ name: 'own', resourceClaimName: 'own' }] },
  });
  await expect.poll(async () => (await claimsNow())[0]?.status?.reservedFor?.length, poll).toBe(1);
  const devices = [{ name: 'x', taints: [{ key: 'bad', effect: 'NoExecute' }] }];
  await slices.update({ ...slice, spec: { ...slice.spec, devices } });
  const victim = () => pods().get({ namespace, name: 'victim' });
  await expect.poll(async () => (await victim()).metadata.deletionTimestamp, poll).toBeDefined();
  expect((await victim()).status.conditions).toContainEqual(
    expect.objectContaining({ type: 'DisruptionTarget', status: 'True', reason: 'DeletionByDeviceTaintManager' }),
  );
  expect(cluster.complaints).toEqual([]);
});
