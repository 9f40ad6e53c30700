import { type Client, connect, Informer, loadKubeconfig, systemWorld } from '@keelson/client';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type ApiServer, startApiServer } from '../support/api-server.ts';
import { startProxy, type Proxy as TcpProxy } from '../support/proxy.ts';

const namespace = 'default';
let server: ApiServer;
let proxy: TcpProxy;
let writer: Client;
let reader: Client;
beforeAll(async () => {
  server = await startApiServer(process.env.KUBE_APISERVER === undefined ? 'memory' : 'etcd');
  const config = await loadKubeconfig(server.kubeconfig);
  proxy = await startProxy(server.url);
  writer = connect(config, { component: 'writer', world: systemWorld() });
  reader = connect({ ...config, server: proxy.url }, { component: 'reader', world: systemWorld() });
}, 60_000);
afterAll(async () => {
  reader?.close();
  writer?.close();
  await proxy?.stop();
  await server?.stop();
});

describe.each([true, false])('an informer against the API server, streaming: %s', (streaming) => {
  it('has what the server has, also after its connection was cut amid changes', async () => {
    const configMaps = writer.resource('configmaps');
    const labels = { streaming: String(streaming) };
    const create = (i: number) =>
      configMaps.create({ metadata: { namespace, name: `cm-${streaming}-${i}`, labels }, data: { n: '0' } });
    await Promise.all(Array.from({ length: 700 }, (_, i) => create(i)));

    const labelSelector = `streaming=${streaming}`;
    const informer = new Informer(reader.resource('configmaps'), systemWorld(), {
      namespace,
      labelSelector,
      streaming,
    });
    const told = new Map<string, string>();
    informer.addHandler({
      added: (o) => told.set(o.metadata.name!, o.data!.n!),
      updated: (_, o) => told.set(o.metadata.name!, o.data!.n!),
      deleted: (o) => told.delete(o.metadata.name!),
    });
    informer.start();
    await informer.synced;
    // A list at any revision may be behind.
    await expect.poll(() => told.size).toBe(700);

    proxy.cut();
    const change = async (i: number) => {
      const key = { namespace, name: `cm-${streaming}-${i}` };
      if (i % 3 === 0) await configMaps.delete(key);
      else await configMaps.patch(key, 'merge', { data: { n: String(i) } });
    };
    await Promise.all(Array.from({ length: 300 }, (_, i) => change(i)));
    proxy.mend();
    await create(1000);

    const { items } = await configMaps.list({ namespace, labelSelector });
    const expected = new Map(items.map((o) => [o.metadata.name!, o.data!.n!]));
    expect(expected.size).toBe(601);
    await expect
      .poll(() => told.size === 601 && [...expected].every(([k, v]) => told.get(k) === v), { timeout: 15_000 })
      .toBe(true);
    const revisions = (objects: typeof items) =>
      objects.map((o) => `${o.metadata.name} ${o.metadata.resourceVersion}`).sort();
    expect(revisions(informer.store.list(namespace))).toEqual(revisions(items));
    await informer.stop();
  });
});
