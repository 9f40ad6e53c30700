import type { DaemonSet } from '@keelson/api/generated/types/apps/v1';
import type { Draft } from '@keelson/client';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { kubectl } from '../support/kubectl.ts';
import { missing } from '../support/tools.ts';
import { type ControlledCluster, startControlled } from './cluster.ts';

const namespace = 'default';
const nodes = ['n1', 'n2', 'n3'];
let cluster: ControlledCluster;
beforeAll(async () => {
  cluster = await startControlled(['daemonset'], nodes);
  for (const name of nodes) await cluster.client.resource('nodes').create({ metadata: { name } });
}, 60_000);
afterAll(() => cluster?.stop());

const sets = () => cluster.client.resource('daemonsets.apps');
const daemon = (name: string, more: object = {}): Draft<DaemonSet> => ({
  metadata: { namespace, name },
  spec: {
    selector: { matchLabels: { app: name } },
    template: { metadata: { labels: { app: name } }, spec: { containers: [{ name: 'c', image: 'i:1' }] } },
    ...more,
  },
});
const podsOf = async (name: string) =>
  (await cluster.client.resource('pods').list({ namespace, labelSelector: `app=${name}` })).items;
const progress = async (name: string) => {
  const { status, metadata } = await sets().get({ namespace, name });
  const { desiredNumberScheduled, numberAvailable, updatedNumberScheduled, observedGeneration } = status;
  return [observedGeneration === metadata.generation, desiredNumberScheduled, updatedNumberScheduled, numberAvailable];
};
const patient = { timeout: 15_000 };
const rolledOut = (name: string, count: number) =>
  expect.poll(() => progress(name), patient).toEqual([true, count, count, count]);
const image = (to: string) => ({ spec: { template: { spec: { containers: [{ name: 'c', image: to }] } } } });

describe('daemon sets', () => {
  it('run on each node, and on new ones', async () => {
    await sets().create(daemon('all'));
    await rolledOut('all', 3);
    expect((await podsOf('all')).map(({ spec }) => spec.nodeName).sort()).toEqual(nodes);
    await cluster.client.resource('nodes').create({ metadata: { name: 'n4' } });
    await rolledOut('all', 4);
    await cluster.client.resource('nodes').delete({ name: 'n4' });
    await expect.poll(async () => (await progress('all'))[1], patient).toBe(3);
  });

  it('follow the labels of nodes', async () => {
    const { selector, template } = daemon('some').spec!;
    const spec = { ...template!.spec, nodeSelector: { color: 'blue' } };
    await sets().create(daemon('some', { selector, template: { ...template, spec } }));
    await expect.poll(() => progress('some'), patient).toEqual([true, 0, undefined, undefined]);
    await cluster.client.resource('nodes').patch({ name: 'n2' }, 'merge', { metadata: { labels: { color: 'blue' } } });
    await rolledOut('some', 1);
    await cluster.client.resource('nodes').patch({ name: 'n2' }, 'merge', { metadata: { labels: { color: 'green' } } });
    await expect.poll(() => podsOf('some'), patient).toEqual([]);
  });

  it('replace failed pods', async () => {
    await sets().create(daemon('fails'));
    await rolledOut('fails', 3);
    const [pod] = await podsOf('fails');
    await cluster.client.resource('pods').updateStatus({ ...pod!, status: { ...pod!.status, phase: 'Failed' } });
    await expect
      .poll(async () => (await podsOf('fails')).some(({ metadata }) => metadata.uid === pod!.metadata.uid), patient)
      .toBe(false);
    await rolledOut('fails', 3);
  });

  it.skipIf(missing('kubectl'))('update, and are rolled back by kubectl to the revision that was', async () => {
    const run = kubectl(cluster.server.kubeconfig);
    await sets().create(daemon('web'));
    await rolledOut('web', 3);
    await sets().patch({ namespace, name: 'web' }, 'strategic', image('i:2'));
    expect(await run`rollout status daemonset/web --timeout=20s`).toContain('successfully rolled out');
    await run`rollout undo daemonset/web`;
    await rolledOut('web', 3);
    expect((await podsOf('web')).map(({ spec }) => spec.containers![0]!.image)).toEqual(['i:1', 'i:1', 'i:1']);
    const { items } = await cluster.client
      .resource('controllerrevisions.apps')
      .list({ namespace, labelSelector: 'app=web' });
    expect(items.map(({ revision }) => revision).sort()).toEqual([2, 3]);
  });

  it('rolled back amid an update, what was not updated yet stays', async () => {
    await sets().create(daemon('back'));
    await rolledOut('back', 3);
    const uids = async () => new Set((await podsOf('back')).map(({ metadata }) => metadata.uid));
    const before = await uids();
    cluster.nodes.ignore = ({ spec, metadata }) =>
      spec.containers?.[0]?.image === 'missing' && !metadata.deletionTimestamp;
    await sets().patch({ namespace, name: 'back' }, 'strategic', image('missing'));
    await expect
      .poll(async () => (await podsOf('back')).some(({ spec }) => spec.containers![0]!.image === 'missing'), patient)
      .toBe(true);
    await sets().patch({ namespace, name: 'back' }, 'strategic', image('i:1'));
    await rolledOut('back', 3);
    expect([...(await uids())].filter((uid) => before.has(uid)).length).toBe(2);
    cluster.nodes.ignore = () => false;
  });

  it('on delete: only pods that were deleted are new', async () => {
    await sets().create(daemon('manual', { updateStrategy: { type: 'OnDelete' } }));
    await rolledOut('manual', 3);
    await sets().patch({ namespace, name: 'manual' }, 'strategic', image('i:2'));
    await expect.poll(() => progress('manual'), patient).toEqual([true, 3, undefined, 3]);
    const [pod] = await podsOf('manual');
    await cluster.client.resource('pods').delete({ namespace, name: pod!.metadata.name! });
    await expect.poll(() => progress('manual'), patient).toEqual([true, 3, 1, 3]);
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
