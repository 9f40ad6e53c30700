/** Resources with an etcd of their own. KUBE_APISERVER proves the tests. */
import { afterAll, describe, expect, it } from 'vitest';
import { startApiServer } from '../support/api-server.ts';
import { type Etcd, startEtcd } from '../support/etcd.ts';
import { untilReady } from '../support/process.ts';
import { servedApi } from '../support/served.ts';
import { missing } from '../support/tools.ts';

const reason = missing('etcd');
const CONFIG_MAPS = '/api/v1/namespaces/default/configmaps';

describe.skipIf(reason !== undefined)(
  `config maps and leases elsewhere${reason ? ` (skipped: ${reason})` : ''}`,
  () => {
    let [main, other]: Etcd[] = [];
    afterAll(() => Promise.all([main?.stop(), other?.stop()]));
    const client = servedApi(async () => {
      [main, other] = [await startEtcd(), await startEtcd()];
      const overrides = ['/configmaps', 'coordination.k8s.io/leases'].map((resource) => `${resource}#${other!.url}`);
      return startApiServer('etcd', [`--etcd-servers-overrides=${overrides.join(',')}`], main);
    });

    async function keys(etcd: Etcd, prefix: string): Promise<number> {
      const key = Buffer.from(prefix).toString('base64');
      const range_end = Buffer.from(`${prefix.slice(0, -1)}0`).toString('base64');
      const { count = '0' } = await etcd.ask<{ count?: string }>('/v3/kv/range', { key, range_end, count_only: true });
      return Number(count);
    }

    it('are kept there and nowhere else', async () => {
      expect((await client.send('POST', CONFIG_MAPS, { metadata: { name: 'a' } })).status).toBe(201);
      for (const prefix of ['/registry/configmaps/default/', '/registry/leases/kube-system/']) {
        expect([await keys(main!, prefix), await keys(other!, prefix)]).toEqual([0, 1]);
      }
      expect(await keys(other!, '/registry/namespaces/')).toBe(0);
    });

    it('have resourceVersions of their own, which lists and watches go by', async () => {
      const list = JSON.parse((await client.send('GET', CONFIG_MAPS)).body) as {
        metadata: { resourceVersion: string };
        items: { metadata: { name: string; resourceVersion: string } }[];
      };
      expect(list.items.map(({ metadata }) => metadata.name)).toContain('a');
      const events: unknown[] = [];
      const { resourceVersion } = list.metadata;
      const query = `watch=1&timeoutSeconds=2&resourceVersion=${resourceVersion}`;
      const ended = client.watch(`${CONFIG_MAPS}?${query}`, (event) => events.push(event));
      const { status, body } = await client.send('PATCH', `${CONFIG_MAPS}/a`, { data: { x: 'y' } });
      expect(status).toBe(200);
      await ended;
      expect(events).toEqual([{ type: 'MODIFIED', object: JSON.parse(body) }]);
    });

    it('are looked after by the health checks', async () => {
      const { body } = await client.send('GET', '/readyz?verbose');
      expect(body).toContain('[+]etcd-override-0 ok\n[+]etcd-override-readiness-0 ok\n');
      await other!.kill();
      // Upstream remembers what a check has found for some seconds.
      const isUnwell = async () => (await client.send('GET', '/livez/etcd-override-0')).status === 500;
      await untilReady(client.server.program, isUnwell);
      expect((await client.send('GET', '/livez/etcd')).status).toBe(200);
      expect((await client.send('GET', '/api/v1/namespaces/default')).status).toBe(200);
      await other!.restart();
    });
  },
);
