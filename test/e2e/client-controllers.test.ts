import { randomUUID } from 'node:crypto';
import {
  ApiEventRecorder,
  adoptionPatch,
  type Client,
  claim,
  connect,
  controllerOf,
  InformerFactory,
  LeaderElector,
  loadKubeconfig,
  releasePatch,
  runWorkers,
  splitKey,
  storeKey,
  systemWorld,
  WorkQueue,
} from '@keelson/client';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type ApiServer, startApiServer } from '../support/api-server.ts';

const namespace = 'default';
const world = systemWorld();
let server: ApiServer;
let client: Client;
beforeAll(async () => {
  server = await startApiServer(process.env.KUBE_APISERVER === undefined ? 'memory' : 'etcd');
  client = connect(await loadKubeconfig(server.kubeconfig), { component: 'test', world });
}, 60_000);
afterAll(async () => {
  client?.close();
  await server?.stop();
});

describe('controllers on the API server', () => {
  it('a controller of an informer, a queue and workers', async () => {
    const configMaps = client.resource('configmaps');
    const factory = new InformerFactory(client);
    const informer = factory.informer('configmaps', { namespace, labelSelector: 'copy=me' });
    const queue = new WorkQueue<string>(world, 'test');
    informer.addHandler({ added: (o) => queue.add(storeKey(o)), updated: (_, o) => queue.add(storeKey(o)) });
    const reconcile = async (key: string) => {
      const original = informer.store.get(key);
      if (!original) return;
      const name = `${splitKey(key).name}-copy`;
      await configMaps.apply({ metadata: { namespace, name }, data: { ...original.data } }, 'copier', { force: true });
    };
    factory.start();
    await factory.synced();
    const working = runWorkers(queue, 2, reconcile, world.log);
    await Promise.all(
      Array.from({ length: 20 }, (_, i) =>
        configMaps.create({ metadata: { namespace, name: `c-${i}`, labels: { copy: 'me' } }, data: { n: `${i}` } }),
      ),
    );
    await configMaps.patch({ namespace, name: 'c-7' }, 'merge', { data: { n: 'seven' } });
    const copies = async () => {
      const { items } = await configMaps.list({ namespace });
      return items.filter((o) => o.metadata.name!.endsWith('-copy')).map((o) => o.data!.n!);
    };
    await expect
      .poll(async () => (await copies()).sort())
      .toEqual(Array.from({ length: 20 }, (_, i) => (i === 7 ? 'seven' : `${i}`)).sort());
    queue.shutDown();
    await working;
    await factory.stop();
  });

  it('one leads, and the next when it lets go; both are told of', async () => {
    const candidate = (identity: string) => {
      const recorder = new ApiEventRecorder({ client, source: { component: 'test', host: '' }, api: 'v1' });
      const times = { leaseDurationMs: 3000, renewDeadlineMs: 2000, retryPeriodMs: 100 };
      const options = { client, namespace, name: 'lock', identity, release: true, recorder, ...times };
      const elector = new LeaderElector(options);
      const controller = new AbortController();
      const outcome = elector.run(
        (signal) => new Promise((resolve) => signal.addEventListener('abort', () => resolve())),
        controller.signal,
      );
      return { elector, outcome, recorder, stop: () => controller.abort(new Error('stop')) };
    };
    const a = candidate('a');
    await expect.poll(() => a.elector.leads).toBe(true);
    const b = candidate('b');
    await expect.poll(() => b.elector.leader).toBe('a');
    a.stop();
    expect(await a.outcome).toBe('cancelled');
    await expect.poll(() => b.elector.leads).toBe(true);
    b.stop();
    await b.outcome;
    await Promise.all([a.recorder.flush(), b.recorder.flush()]);
    const { items } = await client.resource('events').list({ namespace, fieldSelector: 'involvedObject.kind=Lease' });
    expect(items.map(({ reason, message }) => `${reason}: ${message}`).sort()).toEqual([
      'LeaderElection: a became leader',
      'LeaderElection: a stopped leading',
      'LeaderElection: b became leader',
      'LeaderElection: b stopped leading',
    ]);
    const lease = await client.resource('leases.coordination.k8s.io').get({ namespace, name: 'lock' });
    expect(lease.spec).toMatchObject({ leaseDurationSeconds: 1, leaseTransitions: 1 });
  });

  it.each(['v1', 'events.k8s.io/v1'] as const)('events of %s are counted', async (api) => {
    const recorder = new ApiEventRecorder({ client, source: { component: 'test', host: 'here' }, api });
    const uid = randomUUID();
    const pod = { kind: 'Pod', apiVersion: 'v1', metadata: { namespace, name: `counted-${uid}`, uid } };
    for (let i = 0; i < 2; i++) {
      recorder.event(pod, 'Warning', 'Failed', 'it failed', { action: 'Trying' });
      await recorder.flush();
    }
    recorder.stop();
    const fieldSelector = `involvedObject.uid=${uid}`;
    const { items } = await client.resource('events').list({ namespace, fieldSelector });
    expect(items.length).toBe(1);
    expect(api === 'v1' ? items[0]!.count : items[0]!.series!.count).toBe(2);
  });

  it('adopts what matches and releases what no longer does', async () => {
    const configMaps = client.resource('configmaps');
    const owner = await configMaps.create({ metadata: { namespace, name: 'owner' } });
    const kind = { group: '', version: 'v1', kind: 'ConfigMap' };
    for (const name of ['orphan-a', 'orphan-b']) {
      await configMaps.create({ metadata: { namespace, name, labels: { owned: 'yes' } } });
    }
    const reconcile = async (wanted: (name: string) => boolean) => {
      const { items } = await configMaps.list({ namespace, labelSelector: 'owned=yes' });
      const patch = (object: (typeof items)[0], body: object) =>
        configMaps.patch({ namespace, name: object.metadata.name! }, 'strategic', body);
      const claimed = await claim(items, {
        owner,
        wants: (object) => wanted(object.metadata.name!),
        mayAdopt: async () => {},
        adopt: (object) => patch(object, adoptionPatch(object, owner, kind)),
        release: (object) => patch(object, releasePatch(object, owner)),
      });
      const after = await configMaps.list({ namespace, labelSelector: 'owned=yes' });
      return [claimed.length, after.items.map((object) => controllerOf(object)?.uid === owner.metadata.uid)];
    };
    expect(await reconcile(() => true)).toEqual([2, [true, true]]);
    expect(await reconcile((name) => name === 'orphan-a')).toEqual([1, [true, false]]);
  });
});
