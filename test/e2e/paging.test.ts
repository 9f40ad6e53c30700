/** Lists that go on after their revision has been compacted. */
import { connect, loadKubeconfig, systemWorld } from '@keelson/client';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
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
