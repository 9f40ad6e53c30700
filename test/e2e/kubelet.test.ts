import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Pod } from '@keelson/api/generated/types/core/v1';
import { type Client, connect, type Draft, loadKubeconfig, systemWorld } from '@keelson/client';
import type { Running } from '@keelson/component/running';
import { EVICTION, parseThresholds, startKubelet, startSimulatedNodes } from '@keelson/kubelet';
import { SimulatedRuntime } from '@keelson/kubelet/runtime/simulated/runtime';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type ApiServer, startApiServer } from '../support/api-server.ts';

const namespace = 'default';
const world = systemWorld();
let server: ApiServer;
let admin: Client;
let clientFor: (node: string) => Client;
let directory: string;
const running: Running[] = [];

beforeAll(async () => {
  server = await startApiServer(process.env.KUBE_APISERVER === undefined ? 'memory' : 'etcd', [
    '--enable-admission-plugins=NodeRestriction',
  ]);
  const config = await loadKubeconfig(server.kubeconfig);
  admin = connect(config, { component: 'test', world });
  clientFor = (node) =>
    connect(
      { ...config, impersonate: { user: `system:node:${node}`, groups: ['system:nodes'] } },
      { component: 'kubelet', world },
    );
  await admin
    .resource('serviceaccounts')
    .create({ metadata: { namespace, name: 'default' } })
    .catch(() => {});
  await admin
    .resource('configmaps')
    .create({ metadata: { namespace, name: 'kube-root-ca.crt' }, data: { 'ca.crt': 'CA' } })
    .catch(() => {});
  directory = await mkdtemp(join(tmpdir(), 'keelson-kubelet-'));
}, 60_000);

afterAll(async () => {
  for (const each of running) await each.stop();
  admin?.close();
  await server?.stop();
  await rm(directory, { recursive: true, force: true }).catch(() => {});
});

function create(name: string, nodeName: string, spec: Draft<Pod['spec']> = {}, annotations = {}): Promise<Pod> {
  const containers = [{ name: 'c', image: 'example.com/image:v1' }];
  return admin
    .resource('pods')
    .create({ metadata: { namespace, name, annotations }, spec: { nodeName, containers, ...spec } });
}

const pods = () => admin.resource('pods');
const phase = async (name: string) => (await pods().get({ namespace, name })).status?.phase;
const gone = async (name: string) =>
  (await pods().list({ namespace })).items.every(({ metadata }) => metadata.name !== name);

describe('simulated nodes', () => {
  beforeAll(async () => {
    running.push(await startSimulatedNodes({ client: admin, clientFor, names: ['sim-0', 'sim-1', 'sim-2'] }));
  });

  it('are nodes that say what they are, and renew their leases', async () => {
    const node = await admin.resource('nodes').get({ name: 'sim-1' });
    expect(node.metadata.labels).toMatchObject({ 'keelson.dev/simulated': 'true', 'kubernetes.io/hostname': 'sim-1' });
    expect(node.status?.nodeInfo.containerRuntimeVersion).toMatch(/^simulated:\/\//);
    expect(node.status?.conditions?.find(({ type }) => type === 'Ready')).toMatchObject({
      status: 'True',
      reason: 'KubeletReady',
    });
    const lease = await admin
      .resource('leases.coordination.k8s.io')
      .get({ namespace: 'kube-node-lease', name: 'sim-1' });
    expect(lease.spec).toMatchObject({ holderIdentity: 'sim-1', leaseDurationSeconds: 40 });
  });

  it('run pods, and let them go', async () => {
    await create('runs', 'sim-0');
    await expect.poll(() => phase('runs')).toBe('Running');
    const { status } = await pods().get({ namespace, name: 'runs' });
    expect(status?.containerStatuses?.[0]).toMatchObject({ ready: true, started: true, restartCount: 0 });
    await pods().delete({ namespace, name: 'runs' });
    await expect.poll(() => gone('runs')).toBe(true);
  });

  it('finish pods as their annotations say', async () => {
    const annotations = { 'keelson.dev/simulated-run-time': '100ms', 'keelson.dev/simulated-exit-code': '3' };
    await create('fails', 'sim-2', { restartPolicy: 'Never' }, annotations);
    await expect.poll(() => phase('fails')).toBe('Failed');
    const { status } = await pods().get({ namespace, name: 'fails' });
    expect(status?.containerStatuses?.[0]?.state.terminated).toMatchObject({ exitCode: 3, reason: 'Error' });
  });

  it('may be dead for a while, and find their pods again', async () => {
    await create('survives', 'sim-1');
    await expect.poll(() => phase('survives')).toBe('Running');
    const before = await pods().get({ namespace, name: 'survives' });
    const down = (value: string | null) =>
      admin
        .resource('nodes')
        .patch({ name: 'sim-1' }, 'merge', { metadata: { annotations: { 'keelson.dev/simulated-down': value } } });
    await down('true');
    await create('waits-for-node', 'sim-1');
    await new Promise((resolve) => setTimeout(resolve, 300));
    expect(await phase('waits-for-node')).toBe('Pending');
    await down(null);
    await expect.poll(() => phase('waits-for-node')).toBe('Running');
    const after = await pods().get({ namespace, name: 'survives' });
    expect(after.status?.containerStatuses).toEqual(before.status?.containerStatuses);
  });
});

describe('a kubelet', () => {
  const uidOf = async (name: string) => (await pods().get({ namespace, name })).metadata.uid!;
  const volume = async (pod: string, plugin: string, name: string) =>
    join(directory, 'root/pods', await uidOf(pod), 'volumes', `kubernetes.io~${plugin}`, name);

  beforeAll(async () => {
    await mkdir(join(directory, 'manifests'));
    running.push(
      await startKubelet({
        client: clientFor('real'),
        nodeName: 'real',
        runtime: new SimulatedRuntime(world.clock),
        rootDirectory: join(directory, 'root'),
        podLogsDirectory: join(directory, 'logs'),
        staticPodPath: join(directory, 'manifests'),
        clusterDns: ['10.96.0.10'],
        // The machine of a test may be as full as it likes.
        eviction: { ...EVICTION, thresholds: parseThresholds({ hard: {} }) },
      }),
    );
  });

  it('registers its machine', async () => {
    const { status, metadata } = await admin.resource('nodes').get({ name: 'real' });
    expect(metadata.labels?.['kubernetes.io/os']).toBe('linux');
    expect(Number(status?.capacity?.cpu)).toBeGreaterThan(0);
    expect(status?.addresses?.map(({ type }) => type)).toEqual(['InternalIP', 'Hostname']);
  });

  it('shows config maps in volumes, and their changes', async () => {
    const configMaps = admin.resource('configmaps');
    await configMaps.create({ metadata: { namespace, name: 'shown' }, data: { color: 'blue' } });
    await create('shows', 'real', {
      containers: [{ name: 'c', image: 'i:v1', volumeMounts: [{ name: 'v', mountPath: '/v' }] }],
      volumes: [{ name: 'v', configMap: { name: 'shown' } }],
    });
    await expect.poll(() => phase('shows'), { timeout: 5_000 }).toBe('Running');
    const file = join(await volume('shows', 'configmap', 'v'), 'color');
    expect(await readFile(file, 'utf8')).toBe('blue');
    await configMaps.patch({ namespace, name: 'shown' }, 'merge', { data: { color: 'red' } });
    await expect.poll(() => readFile(file, 'utf8'), { timeout: 5_000 }).toBe('red');
  });

  it('gives pods tokens of their accounts', async () => {
    const [token] = (
      await readdir(join(directory, 'root/pods', await uidOf('shows'), 'volumes/kubernetes.io~projected'))
    ).map(async (name) => readFile(join(await volume('shows', 'projected', name), 'token'), 'utf8'));
    const claims = JSON.parse(Buffer.from((await token)!.split('.')[1]!, 'base64url').toString());
    expect(claims['kubernetes.io']).toMatchObject({
      namespace,
      pod: { name: 'shows' },
      serviceaccount: { name: 'default' },
    });
  });

  it('waits for what a volume needs, and says so', async () => {
    await create('waits', 'real', {
      containers: [{ name: 'c', image: 'i:v1', volumeMounts: [{ name: 'v', mountPath: '/v' }] }],
      volumes: [{ name: 'v', secret: { secretName: 'later' } }],
    });
    const events = admin.resource('events');
    const told = async () =>
      (await events.list({ namespace, fieldSelector: 'involvedObject.name=waits' })).items.find(
        ({ reason }) => reason === 'FailedMount',
      );
    await expect.poll(told, { timeout: 5_000 }).toMatchObject({
      message: 'MountVolume.SetUp failed for volume "v" : secret "later" not found',
    });
    expect(await phase('waits')).toBe('Pending');
    await admin.resource('secrets').create({ metadata: { namespace, name: 'later' }, stringData: { k: 'v' } });
    await expect.poll(() => phase('waits'), { timeout: 5_000 }).toBe('Running');
  });

  it('says why a container cannot be configured', async () => {
    const env = [{ name: 'X', valueFrom: { configMapKeyRef: { name: 'none', key: 'k' } } }];
    await create('lacks', 'real', { containers: [{ name: 'c', image: 'i:v1', env }] });
    const waiting = async () =>
      (await pods().get({ namespace, name: 'lacks' })).status?.containerStatuses?.[0]?.state.waiting;
    await expect
      .poll(waiting, { timeout: 5_000 })
      .toEqual({ reason: 'CreateContainerConfigError', message: 'configmap "none" not found' });
  });

  it('runs static pods, and mirrors them', async () => {
    const manifest = {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name: 'static' },
      spec: { containers: [{ name: 'c', image: 'i:v1' }] },
    };
    const file = join(directory, 'manifests/static.yaml');
    await writeFile(file, JSON.stringify(manifest));
    await expect.poll(() => phase('static-real').catch(() => undefined), { timeout: 5_000 }).toBe('Running');
    const mirror = await pods().get({ namespace, name: 'static-real' });
    expect(mirror.metadata.annotations).toMatchObject({ 'kubernetes.io/config.source': 'file' });
    expect(mirror.metadata.ownerReferences?.[0]).toMatchObject({ kind: 'Node', name: 'real', controller: true });
    await pods().delete({ namespace, name: 'static-real' }, { gracePeriodSeconds: 0 });
    await expect
      .poll(
        async () =>
          (
            await pods()
              .get({ namespace, name: 'static-real' })
              .catch(() => mirror)
          ).metadata.uid,
      )
      .not.toBe(mirror.metadata.uid);
    await rm(file);
    await expect.poll(() => gone('static-real'), { timeout: 5_000 }).toBe(true);
  });

  it('leaves nothing behind of pods that are deleted', async () => {
    await pods().deleteCollection({ namespace }, { gracePeriodSeconds: 1 });
    await expect.poll(async () => (await pods().list({ namespace })).items, { timeout: 10_000 }).toEqual([]);
    await expect.poll(() => readdir(join(directory, 'root/pods')), { timeout: 10_000 }).toEqual([]);
  });
});
