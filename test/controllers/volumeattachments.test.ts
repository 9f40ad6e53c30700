import { afterAll, beforeAll, expect, it } from 'vitest';
import { type ControlledCluster, startControlled } from './cluster.ts';

const namespace = 'default';
const poll = { timeout: 10_000 };
const NAME = 'kubernetes.io/csi/d.example.com^handle';
let cluster: ControlledCluster;
beforeAll(async () => {
  cluster = await startControlled([
    'persistentvolume-attach-detach-controller',
    'persistentvolume-expander-controller',
    'ttl-controller',
  ]);
  cluster.nodes.ignore = () => true;
  const { client } = cluster;
  for (const name of ['n1', 'n2']) {
    const annotations = { 'volumes.kubernetes.io/controller-managed-attach-detach': 'true' };
    await client.resource('nodes').create({ metadata: { name, annotations } });
  }
  const claims = client.resource('persistentvolumeclaims');
  const claim = await claims.create({
    metadata: { namespace, name: 'claim' },
    spec: {
      accessModes: ['ReadWriteOnce'],
      resources: { requests: { storage: '2Gi' } },
      storageClassName: '',
      volumeName: 'volume',
    },
  });
  await client.resource('persistentvolumes').create({
    metadata: { name: 'volume' },
    spec: {
      accessModes: ['ReadWriteOnce'],
      capacity: { storage: '1Gi' },
      csi: { driver: 'd.example.com', volumeHandle: 'handle' },
      claimRef: { kind: 'PersistentVolumeClaim', apiVersion: 'v1', namespace, name: 'claim', uid: claim.metadata.uid! },
    },
  });
  await claims.updateStatus({ ...claim, status: { phase: 'Bound', capacity: { storage: '1Gi' } } });
}, 60_000);
afterAll(() => cluster?.stop());

const attachments = () => cluster.client.resource('volumeattachments.storage.k8s.io');
const placesNow = async () => (await attachments().list()).items.map(({ spec }) => spec.nodeName);
const nodes = () => cluster.client.resource('nodes');
const reported = async (name: string) =>
  (await nodes().get({ name })).status?.volumesAttached?.map((each) => each.name);
const messages = async (reason: string) => {
  const { items } = await cluster.client.resource('events').list({ namespace, fieldSelector: `reason=${reason}` });
  return items.map(({ involvedObject, message }) => `${involvedObject.name}: ${message}`);
};
const use = (name: string, nodeName: string) =>
  cluster.client.resource('pods').create({
    metadata: { namespace, name },
    spec: {
      nodeName,
      containers: [{ name: 'c', image: 'i' }],
      volumes: [{ name: 'v', persistentVolumeClaim: { claimName: 'claim' } }],
    },
  });
const attach = async () => {
  const [attachment] = (await attachments().list()).items;
  await attachments().updateStatus({ ...attachment!, status: { attached: true } });
};
const mount = (name: string, names: string[] | null) =>
  nodes().patch({ name }, 'merge', { status: { volumesInUse: names } }, { subresource: 'status' });

it('a volume follows the pods that use it, once its node has let go of it', async () => {
  await use('first', 'n1');
  await expect.poll(placesNow, poll).toEqual(['n1']);
  const [attachment] = (await attachments().list()).items;
  expect(attachment!.spec).toEqual({
    attacher: 'd.example.com',
    nodeName: 'n1',
    source: { persistentVolumeName: 'volume' },
  });
  expect(await reported('n1')).toBe(undefined);
  await attach();
  await expect.poll(() => reported('n1'), poll).toEqual([NAME]);
  await expect
    .poll(() => messages('SuccessfulAttachVolume'), poll)
    .toEqual(['first: AttachVolume.Attach succeeded for volume "volume" ']);

  await mount('n1', [NAME]);
  await use('second', 'n2');
  const refused = 'second: Multi-Attach error for volume "volume" Volume is already used by pod(s) first';
  await expect.poll(() => messages('FailedAttachVolume'), poll).toEqual([refused]);

  await cluster.client.resource('pods').delete({ namespace, name: 'first' }, { gracePeriodSeconds: 0 });
  await new Promise((resolve) => setTimeout(resolve, 300));
  expect(await reported('n1')).toEqual([NAME]);
  await mount('n1', null);
  await expect.poll(placesNow, poll).toEqual(['n2']);
  expect(await reported('n1')).toBe(undefined);
  await attach();
  await expect.poll(() => reported('n2'), poll).toEqual([NAME]);

  await cluster.client.resource('pods').delete({ namespace, name: 'second' }, { gracePeriodSeconds: 0 });
  await expect.poll(placesNow, poll).toEqual([]);
  expect(await reported('n2')).toBe(undefined);
  expect(cluster.complaints).toEqual([]);
});

it('a claim that has to grow waits for whoever makes it grow', async () => {
  await expect
    .poll(() => messages('ExternalExpanding'), poll)
    .toEqual(['claim: waiting for an external controller to expand this PVC']);
});

it('nodes say how long secrets may be kept', async () => {
  const annotations = async () => (await nodes().get({ name: 'n2' })).metadata.annotations;
  await expect.poll(annotations, poll).toMatchObject({ 'node.alpha.kubernetes.io/ttl': '0' });
});
