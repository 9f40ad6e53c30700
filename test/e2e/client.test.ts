import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type Client, connect, hasReason, loadKubeconfig, retryOnConflict, systemWorld } from '@keelson/client';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type ApiServer, startApiServer } from '../support/api-server.ts';

let server: ApiServer;
let client: Client;
beforeAll(async () => {
  server = await startApiServer(process.env.KUBE_APISERVER === undefined ? 'memory' : 'etcd');
  client = connect(await loadKubeconfig(server.kubeconfig), { component: 'test', world: systemWorld() });
}, 60_000);
afterAll(async () => {
  client?.close();
  await server?.stop();
});

const namespace = 'default';
const configMap = (name: string, data: Record<string, string> = {}) => ({ metadata: { namespace, name }, data });

describe('the REST client against the API server', () => {
  it('creates, reads, changes and deletes', async () => {
    const configMaps = client.resource('configmaps');
    const key = { namespace, name: 'crud' };
    const created = await configMaps.create(configMap('crud', { a: '1' }), { fieldManager: 'test' });
    expect(created.metadata.uid).toBeDefined();
    expect(await configMaps.get(key)).toEqual(created);
    const updated = await configMaps.update({ ...created, data: { a: '2' } });
    expect(updated.data).toEqual({ a: '2' });
    expect((await configMaps.patch(key, 'merge', { data: { b: '3' } })).data).toEqual({ a: '2', b: '3' });
    expect((await configMaps.patch(key, 'json', [{ op: 'remove', path: '/data/b' }])).data).toEqual({ a: '2' });
    expect((await configMaps.apply(configMap('crud', { c: '4' }), 'applier')).data).toEqual({ a: '2', c: '4' });
    expect(await configMaps.delete(key, { preconditions: { uid: created.metadata.uid! } })).toMatchObject({
      kind: 'Status',
      status: 'Success',
    });
    const error = await configMaps.get(key).catch((error) => error);
    expect(hasReason(error, 'NotFound')).toBe(true);
    expect(error.message).toBe('configmaps "crud" not found');
  });

  it('meets conflicts, and tries again', async () => {
    const configMaps = client.resource('configmaps');
    const key = { namespace, name: 'conflict' };
    const first = await configMaps.create(configMap('conflict'));
    await configMaps.update({ ...first, data: { n: '1' } });
    await expect(configMaps.update({ ...first, data: { n: '2' } })).rejects.toMatchObject({ reason: 'Conflict' });
    let tries = 0;
    await retryOnConflict(async () => {
      tries += 1;
      return configMaps.update({ ...(tries === 1 ? first : await configMaps.get(key)), data: { n: '3' } });
    });
    expect(tries).toBe(2);
  });

  it('lists in pages and deletes what a selector matches', async () => {
    const configMaps = client.resource('configmaps');
    const labels = { paged: 'yes' };
    await Promise.all(
      Array.from({ length: 25 }, (_, i) => configMaps.create({ metadata: { namespace, name: `paged-${i}`, labels } })),
    );
    const selecting = { namespace, labelSelector: 'paged=yes' };
    const sizes: number[] = [];
    for await (const page of configMaps.pages({ ...selecting, limit: 10 })) sizes.push(page.items.length);
    expect(sizes).toEqual([10, 10, 5]);
    const { items } = await configMaps.list(selecting);
    expect(items[0]).toMatchObject({ kind: 'ConfigMap', apiVersion: 'v1' });
    await configMaps.deleteCollection(selecting);
    expect((await configMaps.list(selecting)).items).toEqual([]);
  });

  it('watches from a revision', async () => {
    const configMaps = client.resource('configmaps');
    const { metadata } = await configMaps.list({ namespace });
    await configMaps.create(configMap('watched'));
    await configMaps.delete({ namespace, name: 'watched' });
    const seen: string[] = [];
    const { resourceVersion } = metadata;
    for await (const event of configMaps.watch({ namespace, resourceVersion })) {
      seen.push(`${event.type} ${event.object.metadata.name}`);
      if (event.type === 'DELETED') break;
    }
    expect(seen).toEqual(['ADDED watched', 'DELETED watched']);
  });

  it('scales, and changes the status, through subresources', async () => {
    const deployments = client.resource('deployments.apps');
    const labels = { app: 'scaled' };
    await deployments.create({
      metadata: { namespace, name: 'scaled' },
      spec: {
        selector: { matchLabels: labels },
        template: { metadata: { labels }, spec: { containers: [{ name: 'c', image: 'i' }] } },
      },
    });
    const key = { namespace, name: 'scaled' };
    const scale = await deployments.subresource('scale').get(key);
    expect(scale.spec.replicas).toBe(1);
    await deployments.subresource('scale').update(key, { ...scale, spec: { replicas: 3 } });
    const scaled = await deployments.get(key);
    expect(scaled.spec.replicas).toBe(3);
    const status = await deployments.updateStatus({ ...scaled, status: { observedGeneration: 2 } });
    expect(status.status.observedGeneration).toBe(2);
  });

  it('takes a new token from its file once the old one is refused', async () => {
    const file = join(server.directory, 'token');
    await writeFile(file, 'wrong');
    const config = { ...(await loadKubeconfig(server.kubeconfig)), token: { file } };
    const other = connect(config, { component: 'test', world: systemWorld() });
    await expect(other.resource('namespaces').list()).rejects.toMatchObject({ code: 401 });
    await writeFile(file, server.token);
    expect((await other.resource('namespaces').list()).items.length).toBeGreaterThan(0);
    other.close();
  });

  it('does not trust a server that its authority does not know', async () => {
    const config = await loadKubeconfig(server.kubeconfig);
    const other = connect({ ...config, tls: {} }, { component: 'test', world: systemWorld() });
    await expect(other.resource('namespaces').list()).rejects.toMatchObject({ loss: 'unreachable' });
    other.close();
  });
});
