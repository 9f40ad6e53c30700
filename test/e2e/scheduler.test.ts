import type { Node, Pod } from '@keelson/api/generated/types/core/v1';
import { type Client, connect, type Draft, loadKubeconfig, systemWorld } from '@keelson/client';
import { type RunningScheduler, startScheduler } from '@keelson/scheduler';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { type ApiServer, startApiServer } from '../support/api-server.ts';

const namespace = 'default';
let server: ApiServer;
let client: Client;
let scheduler: RunningScheduler;

beforeAll(async () => {
  server = await startApiServer(process.env.KUBE_APISERVER === undefined ? 'memory' : 'etcd');
  client = connect(await loadKubeconfig(server.kubeconfig), { component: 'kube-scheduler', world: systemWorld() });
  await client
    .resource('serviceaccounts')
    .create({ metadata: { namespace, name: 'default' } })
    .catch(() => {});
  scheduler = await startScheduler({ client });
}, 60_000);

afterAll(async () => {
  await scheduler?.stop();
  client?.close();
  await server?.stop();
});

afterEach(async () => {
  await client.resource('pods').deleteCollection({ namespace }, { gracePeriodSeconds: 0 });
  await client.resource('nodes').deleteCollection({});
  await expect.poll(async () => (await client.resource('pods').list({ namespace })).items.length).toBe(0);
});

async function createNode(name: string, cpu = '4', more: Draft<Node> = {}): Promise<void> {
  const nodes = client.resource('nodes');
  const { metadata, ...rest } = more;
  const node = await nodes.create({ ...rest, metadata: { ...metadata, name } });
  const allocatable = { cpu, memory: '8Gi', pods: '110' };
  const conditions = [{ type: 'Ready', status: 'True' }];
  await nodes.updateStatus({ ...node, status: { ...node.status, capacity: allocatable, allocatable, conditions } });
  const taints = node.spec.taints?.filter(({ key }) => key === 'node.kubernetes.io/not-ready');
  if (taints?.length) await nodes.patch({ name }, 'merge', { spec: { taints: more.spec?.taints ?? null } });
}

function createPod(name: string, spec: Draft<Pod['spec']> = {}, cpu = '1'): Promise<Pod> {
  const containers = [{ name: 'c', image: 'example.com/image', resources: { requests: { cpu } } }];
  return client.resource('pods').create({ metadata: { namespace, name }, spec: { containers, ...spec } });
}

const get = (name: string) => client.resource('pods').get({ namespace, name });
const nodeOf = async (name: string) => (await get(name)).spec.nodeName;
const scheduledOf = async (name: string) =>
  (await get(name)).status.conditions?.find(({ type }) => type === 'PodScheduled');

describe('the scheduler on the API server', () => {
  it('binds a pod to the one node that has room, and says so', async () => {
    await createNode('small', '500m');
    await createNode('large');
    await createPod('web');
    await expect.poll(() => nodeOf('web')).toBe('large');
    expect(await scheduledOf('web')).toMatchObject({ status: 'True' });
    const events = client.resource('events.events.k8s.io');
    await expect
      .poll(async () =>
        (await events.list({ namespace })).items.find(
          ({ regarding, reason }) => regarding?.name === 'web' && reason === 'Scheduled',
        ),
      )
      .toMatchObject({
        action: 'Binding',
        note: 'Successfully assigned default/web to large',
        reportingController: 'default-scheduler',
        type: 'Normal',
      });
  });

  it('gives devices to claims before it binds, and again when they are free', async () => {
    await createNode('a');
    await createNode('b');
    const requests = [{ name: 'r', exactly: { deviceClassName: 'gpu', allocationMode: 'ExactCount', count: 1 } }];
    const pool = { name: 'b', generation: 1, resourceSliceCount: 1 };
    const slices = client.resource('resourceslices.resource.k8s.io');
    const classes = client.resource('deviceclasses.resource.k8s.io');
    const claims = client.resource('resourceclaims.resource.k8s.io');
    await classes.create({ metadata: { name: 'gpu' }, spec: {} });
    const devices = [{ name: 'd' }];
    await slices.create({ metadata: { name: 's' }, spec: { driver: 'gpu.example.com', pool, nodeName: 'b', devices } });
    for (const name of ['x', 'y'])
      await claims.create({ metadata: { namespace, name }, spec: { devices: { requests } } });
    const using = (claim: string) => ({ resourceClaims: [{ name: 'c', resourceClaimName: claim }] });
    const first = await createPod('first', using('x'));
    await expect.poll(() => nodeOf('first'), { timeout: 10_000 }).toBe('b');
    const x = await claims.get({ namespace, name: 'x' });
    expect(x.metadata.finalizers).toEqual(['resource.kubernetes.io/delete-protection']);
    expect(x.status).toMatchObject({
      allocation: { devices: { results: [{ request: 'r', driver: 'gpu.example.com', pool: 'b', device: 'd' }] } },
      reservedFor: [{ resource: 'pods', name: 'first', uid: first.metadata.uid }],
    });
    await createPod('third', using('z'));
    await createPod('second', using('y'));
    await expect
      .poll(() => scheduledOf('second'), { timeout: 10_000 })
      .toMatchObject({ reason: 'Unschedulable', message: expect.stringContaining('2 cannot allocate all claims') });
    await claims.updateStatus({ ...x, status: {} });
    await expect.poll(() => nodeOf('second'), { timeout: 10_000 }).toBe('b');
    expect(await nodeOf('third')).toBeUndefined();
    await claims.create({ metadata: { namespace, name: 'z' }, spec: { devices: { requests: [] } } });
    await expect.poll(() => nodeOf('third'), { timeout: 10_000 }).toBeTruthy();
    for (const name of ['x', 'y', 'z']) {
      await claims.patch({ namespace, name }, 'merge', { metadata: { finalizers: null } });
      await claims.delete({ namespace, name });
    }
    await slices.delete({ name: 's' });
    await classes.delete({ name: 'gpu' });
  });

  it('says why no node will do, and tries again when one changes', async () => {
    await createNode('a', '500m');
    await createNode('b', '4', { spec: { unschedulable: true } });
    await createPod('web');
    await expect
      .poll(() => scheduledOf('web'))
      .toMatchObject({
        status: 'False',
        reason: 'Unschedulable',
        message: expect.stringMatching(
          /^0\/2 nodes are available: 1 Insufficient cpu, 1 node\(s\) were unschedulable\./,
        ),
      });
    await client.resource('nodes').patch({ name: 'b' }, 'merge', { spec: { unschedulable: null, taints: null } });
    await expect.poll(() => nodeOf('web'), { timeout: 5000 }).toBe('b');
  });

  it('leaves alone pods of others, gated pods and full nodes', async () => {
    await createNode('a', '2');
    await createPod('other', { schedulerName: 'another' });
    await createPod('gated', { schedulingGates: [{ name: 'example.com/gate' }] });
    await createPod('one');
    await createPod('two');
    await expect.poll(() => nodeOf('two')).toBe('a');
    await createPod('three');
    await expect.poll(() => scheduledOf('three')).toMatchObject({ reason: 'Unschedulable' });
    expect(await nodeOf('other')).toBeUndefined();
    expect(await scheduledOf('gated')).toMatchObject({ reason: 'SchedulingGated' });
    await client.resource('pods').delete({ namespace, name: 'one' }, { gracePeriodSeconds: 0 });
    await expect.poll(() => nodeOf('three'), { timeout: 5000 }).toBe('a');
  });

  it('makes room for what is more important, and tells the victim why', async () => {
    const classes = client.resource('priorityclasses.scheduling.k8s.io');
    for (const [name, value] of [
      ['low', 10],
      ['high', 1000],
    ] as const) {
      await classes.create({ metadata: { name }, value }).catch(() => {});
    }
    await createNode('a', '2');
    await createPod('victim', { priorityClassName: 'low', terminationGracePeriodSeconds: 0 });
    await createPod('spared', { priorityClassName: 'high' });
    await expect.poll(() => nodeOf('victim')).toBe('a');
    await expect.poll(() => nodeOf('spared')).toBe('a');
    const events = client.resource('events.events.k8s.io');
    await createPod('important', { priorityClassName: 'high' });
    await expect.poll(() => nodeOf('important'), { timeout: 10_000 }).toBe('a');
    await expect(get('victim')).rejects.toMatchObject({ reason: 'NotFound' });
    expect(await nodeOf('spared')).toBe('a');
    await expect
      .poll(async () => (await events.list({ namespace })).items.find(({ reason }) => reason === 'Preempted'))
      .toMatchObject({
        regarding: { name: 'victim' },
        related: { name: 'important' },
        action: 'Preempting',
        note: expect.stringMatching(/^Preempted by pod [-0-9a-f]+ on node a$/),
      });
  });

  it('a victim that takes its time keeps the node for whoever preempted it', async () => {
    await createNode('a', '1');
    await createPod('victim', { priorityClassName: 'low', terminationGracePeriodSeconds: 30 });
    await expect.poll(() => nodeOf('victim')).toBe('a');
    await createPod('important', { priorityClassName: 'high' });
    await expect.poll(async () => (await get('important')).status.nominatedNodeName).toBe('a');
    const victim = await get('victim');
    expect(victim.metadata.deletionTimestamp).toBeDefined();
    expect(victim.status.conditions?.find(({ type }) => type === 'DisruptionTarget')).toMatchObject({
      status: 'True',
      reason: 'PreemptionByScheduler',
      message: 'default-scheduler: preempting to accommodate a higher priority pod',
    });
    await createPod('late', { priorityClassName: 'low' });
    await expect.poll(() => scheduledOf('late')).toMatchObject({ reason: 'Unschedulable' });
    await client.resource('pods').delete({ namespace, name: 'victim' }, { gracePeriodSeconds: 0 });
    await expect.poll(() => nodeOf('important'), { timeout: 10_000 }).toBe('a');
    expect(await nodeOf('late')).toBeUndefined();
  });

  it('schedules many pods quickly and spreads them', async () => {
    for (let i = 0; i < 10; i++) await createNode(`n${i}`, '20');
    await Promise.all(Array.from({ length: 100 }, (_, i) => createPod(`p${i}`)));
    const pods = async () => (await client.resource('pods').list({ namespace })).items;
    await expect
      .poll(async () => (await pods()).filter(({ spec }) => spec.nodeName).length, { timeout: 10_000 })
      .toBe(100);
    const perNode = Map.groupBy(await pods(), ({ spec }) => spec.nodeName);
    expect(perNode.size).toBe(10);
    for (const there of perNode.values()) expect(there.length).toBeLessThanOrEqual(12);
  });
});
