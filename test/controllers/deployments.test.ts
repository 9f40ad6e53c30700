import type { Deployment } from '@keelson/api/generated/types/apps/v1';
import type { Draft } from '@keelson/client';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { kubectl } from '../support/kubectl.ts';
import { missing } from '../support/tools.ts';
import { type ControlledCluster, startControlled } from './cluster.ts';

const namespace = 'default';
let cluster: ControlledCluster;
beforeAll(async () => {
  cluster = await startControlled(['replicaset', 'deployment']);
}, 60_000);
afterAll(() => cluster?.stop());

const deployment = (name: string, replicas: number, more: object = {}): Draft<Deployment> => ({
  metadata: { namespace, name },
  spec: {
    replicas,
    selector: { matchLabels: { app: name } },
    template: { metadata: { labels: { app: name } }, spec: { containers: [{ name: 'c', image: 'i:1' }] } },
    ...more,
  },
});
const deployments = () => cluster.client.resource('deployments.apps');
const get = (name: string) => deployments().get({ namespace, name });
const image = (to: string) => ({ spec: { template: { spec: { containers: [{ name: 'c', image: to }] } } } });
const setsOf = async (name: string) =>
  (await cluster.client.resource('replicasets.apps').list({ namespace, labelSelector: `app=${name}` })).items;
const podsOf = async (name: string) =>
  (await cluster.client.resource('pods').list({ namespace, labelSelector: `app=${name}` })).items;
const progress = async (name: string) => {
  const { status, metadata } = await get(name);
  const condition = status.conditions?.find(({ type }) => type === 'Progressing');
  return [
    status.observedGeneration === metadata.generation,
    condition?.reason,
    status.updatedReplicas,
    status.replicas,
  ];
};
const rolledOut = (name: string, replicas: number) =>
  expect.poll(() => progress(name), { timeout: 15_000 }).toEqual([true, 'NewReplicaSetAvailable', replicas, replicas]);

describe('deployments', () => {
  it.skipIf(missing('kubectl'))('roll out, update, and are rolled back by kubectl', async () => {
    const run = kubectl(cluster.server.kubeconfig);
    await deployments().create(deployment('web', 3));
    await rolledOut('web', 3);
    await deployments().patch({ namespace, name: 'web' }, 'strategic', image('i:2'));
    expect(await run`rollout status deployment/web --timeout=20s`).toContain('"web" successfully rolled out');
    expect(await run`rollout history deployment/web`).toMatch(/1\s+<none>\n2\s+<none>/);
    await run`rollout undo deployment/web`;
    await rolledOut('web', 3);
    const sets = await setsOf('web');
    const now = sets.find(({ spec }) => spec.replicas === 3)!;
    expect(now.spec.template.spec.containers![0]!.image).toBe('i:1');
    expect(now.metadata.annotations).toMatchObject({
      'deployment.kubernetes.io/revision': '3',
      'deployment.kubernetes.io/revision-history': '1',
      'deployment.kubernetes.io/desired-replicas': '3',
      'deployment.kubernetes.io/max-replicas': '4',
    });
    expect((await get('web')).metadata.annotations).toMatchObject({ 'deployment.kubernetes.io/revision': '3' });
    const { items } = await cluster.client.resource('events').list({ namespace });
    expect(items.map(({ message }) => message)).toContain(`Scaled up replica set ${now.metadata.name} from 0 to 3`);
  });

  it('recreate: no new pod while an old one is there', async () => {
    await deployments().create(deployment('again', 2, { strategy: { type: 'Recreate' } }));
    await rolledOut('again', 2);
    const before = new Set((await podsOf('again')).map(({ metadata }) => metadata.uid));
    let together = false;
    const abort = new AbortController();
    const watching = (async () => {
      for await (const _ of cluster.client
        .resource('pods')
        .watch({ namespace, labelSelector: 'app=again', signal: abort.signal })) {
        const pods = await podsOf('again');
        const old = pods.filter(({ metadata }) => before.has(metadata.uid)).length;
        together ||= old > 0 && old < pods.length;
      }
    })().catch(() => {});
    await deployments().patch({ namespace, name: 'again' }, 'strategic', image('i:2'));
    await rolledOut('again', 2);
    abort.abort();
    await watching;
    expect(together).toBe(false);
  });

  it('paused, it scales but does not roll out; old sets beyond the limit go', async () => {
    await deployments().create(deployment('held', 2, { revisionHistoryLimit: 1 }));
    await rolledOut('held', 2);
    await deployments().patch({ namespace, name: 'held' }, 'merge', { spec: { paused: true, replicas: 3 } });
    await deployments().patch({ namespace, name: 'held' }, 'strategic', image('i:2'));
    await expect.poll(async () => (await get('held')).status.replicas).toBe(3);
    expect((await setsOf('held')).length).toBe(1);
    expect((await progress('held'))[1]).toBe('DeploymentPaused');
    await deployments().patch({ namespace, name: 'held' }, 'merge', { spec: { paused: false } });
    await rolledOut('held', 3);
    await deployments().patch({ namespace, name: 'held' }, 'strategic', image('i:3'));
    await rolledOut('held', 3);
    await expect.poll(async () => (await setsOf('held')).length).toBe(2);
  });

  it('scaled amid a rollout, its sets grow in proportion', async () => {
    const rollingUpdate = { maxSurge: 3, maxUnavailable: 2 };
    await deployments().create(deployment('share', 10, { strategy: { type: 'RollingUpdate', rollingUpdate } }));
    await rolledOut('share', 10);
    cluster.nodes.ignore = ({ spec, metadata }) =>
      spec.containers?.[0]?.image === 'missing' && !metadata.deletionTimestamp;
    await deployments().patch({ namespace, name: 'share' }, 'strategic', image('missing'));
    const sizes = async () => (await setsOf('share')).map(({ spec }) => spec.replicas ?? 0).sort((a, b) => a - b);
    await expect.poll(sizes, { timeout: 15_000 }).toEqual([5, 8]);
    await deployments().patch({ namespace, name: 'share' }, 'merge', { spec: { replicas: 30 } });
    await expect.poll(sizes, { timeout: 15_000 }).toEqual([13, 20]);
    cluster.nodes.ignore = () => false;
    await deployments().delete({ namespace, name: 'share' }, { propagationPolicy: 'Background' });
  });

  it('tells when it does not get on', async () => {
    cluster.nodes.ignore = (pod) => pod.metadata.labels?.app === 'stuck';
    await deployments().create(deployment('stuck', 1, { progressDeadlineSeconds: 1 }));
    await expect.poll(() => progress('stuck'), { timeout: 10_000 }).toEqual([true, 'ProgressDeadlineExceeded', 1, 1]);
    cluster.nodes.ignore = () => false;
  });

  it('is silent once it is settled', async () => {
    await new Promise((resolve) => setTimeout(resolve, 1500));
    const versions = async () => (await deployments().list({ namespace })).items.map((d) => d.metadata.resourceVersion);
    const before = await versions();
    await new Promise((resolve) => setTimeout(resolve, 1000));
    expect(await versions()).toEqual(before);
    expect(cluster.complaints).toEqual([]);
  });
});
