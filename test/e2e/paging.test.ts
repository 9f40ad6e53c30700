/** Lists in pages: at revision 0, and after their revision has been compacted. */
import { connect, loadKubeconfig, systemWorld } from '@keelson/client';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { apiClient } from '../support/api-client.ts';
import { type ApiServer, startApiServer, storages } from '../support/api-server.ts';

describe.each(storages)('a page on $storage', ({ storage, skip }) => {
  let server: ApiServer;
  beforeAll(async () => {
    if (skip === undefined) server = await startApiServer(storage, ['--etcd-compaction-interval=500ms']);
  }, 60_000);
  afterAll(() => server?.stop());

  test.skipIf(skip)(
    'of a compacted revision is refused, though nothing has changed, and names where to go on',
    async () => {
      const config = await loadKubeconfig(server.kubeconfig);
      const client = connect(config, { component: 'test', world: systemWorld() });
      const [templates, maps] = [client.resource('podtemplates'), client.resource('configmaps')];
      const namespace = 'default';
      const template = { spec: { containers: [{ name: 'c', image: 'i' }] } };
      for (const name of ['a', 'b', 'c']) await templates.create({ metadata: { namespace, name }, template });
      const { metadata } = await templates.list({ namespace, limit: 1 });
      const next = (token: string | undefined) => templates.list({ namespace, limit: 1, continue: token });
      expect((await next(metadata.continue)).items[0]?.metadata.name).toBe('b');

      let refused: unknown;
      for (let i = 0; refused === undefined && i < 700; i++) {
        await maps.create({ metadata: { namespace, name: `other-${i}` } });
        await new Promise((resolve) => setTimeout(resolve, 100));
        await next(metadata.continue).catch((error: unknown) => {
          refused = error;
        });
      }
      expect(refused).toMatchObject({ code: 410, reason: 'Expired' });
      const { metadata: fresh } = refused as { metadata: { continue: string } };
      const page = await next(fresh.continue);
      expect(page.items[0]?.metadata.name).toBe('b');
      expect(Number(page.metadata.resourceVersion)).toBeGreaterThan(Number(metadata.resourceVersion));
      expect((await next(page.metadata.continue)).items[0]?.metadata.name).toBe('c');
      client.close();
    },
    30_000,
  );
});

const cacheFlags: readonly { flags: string[]; inPages: string[] }[] = [
  { flags: [], inPages: ['events'] },
  { flags: ['--watch-cache=false'], inPages: ['configmaps', 'secrets', 'events'] },
  { flags: ['--watch-cache-sizes=configmaps#0,events#1,secrets#7'], inPages: ['configmaps'] },
];
describe.each(cacheFlags)('at revision 0, with $flags, pages have $inPages and no others', ({ flags, inPages }) => {
  const storage = process.env.KUBE_APISERVER === undefined ? 'memory' : 'etcd';
  let server: ApiServer;
  beforeAll(async () => {
    server = await startApiServer(storage, flags);
  }, 60_000);
  afterAll(() => server?.stop());

  test.each(['configmaps', 'secrets', 'events'])('%s', async (resource) => {
    const client = apiClient(server.url, server.token);
    const path = `/api/v1/namespaces/default/${resource}`;
    const involvedObject = { kind: 'Pod', namespace: 'default', name: 'p' };
    for (const name of ['one', 'two']) {
      const { status } = await client.send('POST', path, {
        metadata: { name },
        ...(resource === 'events' ? { involvedObject } : {}),
      });
      expect(status).toBe(201);
    }
    // What was just written may not be in a cache yet that is asked for whatever it has.
    await vi.waitFor(
      async () => {
        const { body } = await client.send('GET', `${path}?limit=1&resourceVersion=0`);
        const { metadata, items } = JSON.parse(body) as { metadata: { continue?: string }; items: unknown[] };
        const isPage = inPages.includes(resource);
        expect({ goesOn: metadata.continue !== undefined, isOne: items.length === 1 }).toEqual({
          goesOn: isPage,
          isOne: isPage,
        });
      },
      { timeout: 15_000 },
    );
    client.close();
  });
});
