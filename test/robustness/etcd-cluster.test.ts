/**
 * An API server on three members of etcd that know each other and their clients by certificates: members come and go,
 * and the server goes on, or says in upstream's words that it can't, and recovers by itself.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { type ApiClient, apiClient } from '../support/api-client.ts';
import { type ApiServer, startApiServer } from '../support/api-server.ts';
import { type Etcd, leaderOf, startCluster, startEtcd } from '../support/etcd.ts';
import { createEtcdTls } from '../support/etcd-tls.ts';
import { missing } from '../support/tools.ts';
import { Ledger } from './ledger.ts';
import { record } from './table.ts';

const reason = missing('etcd');
const WRITERS = 8;
const LOAD = `${WRITERS} writers, 1 watch`;
const CONFIG_MAPS = '/api/v1/namespaces/default/configmaps';
/** Less than the 60 s of `--request-timeout`, and more than the 7 s that etcd gives itself. */
const REQUEST_SECONDS = 12;
const PATIENCE = { timeout: 60_000, interval: 100 };

describe.skipIf(reason !== undefined)(
  `three members of etcd${reason ? ` (skipped: ${reason})` : ''}`,
  {
    timeout: 240_000,
  },
  () => {
    let directory: string;
    let members: Etcd[];
    let files: readonly string[];
    let server: ApiServer;
    let client: ApiClient;
    const start = (...flags: string[]) =>
      startApiServer('etcd', [...files, ...flags], { url: members.map(({ url }) => url).join(',') });

    beforeAll(async () => {
      directory = await mkdtemp(join(tmpdir(), 'keelson-etcd-cluster-'));
      const tls = await createEtcdTls(directory);
      members = await startCluster(3, { tls });
      files = [`--etcd-cafile=${tls.caFile}`, `--etcd-certfile=${tls.certFile}`, `--etcd-keyfile=${tls.keyFile}`];
      server = await start(`--request-timeout=${REQUEST_SECONDS}s`);
      client = apiClient(server.url, server.token);
    }, 120_000);
    afterAll(async () => {
      client?.close();
      await server?.stop();
      for (const member of members ?? []) await member.stop();
      await rm(directory, { recursive: true, force: true });
    }, 60_000);

    /** Runs a fault under load, one after the other: who writes has the collection for itself. */
    const underLoad = async (fault: string, inflict: (ledger: Ledger) => Promise<number>) => {
      const ledger = new Ledger(() => apiClient(server.url, server.token));
      await ledger.start(WRITERS);
      await ledger.progress();
      const recoveredMs = await inflict(ledger);
      const summary = await ledger.finish();
      record({ fault, load: LOAD, ...summary, recoveredMs });
      return ledger;
    };
    const get = async (path: string) => {
      const { status, body } = await client.send('GET', path);
      return { status, body: body.trim() };
    };
    const message = ({ body }: { readonly body: string }) => (JSON.parse(body) as { message: string }).message;

    it('goes on when a member is lost', async () => {
      const leader = await leaderOf(members);
      const follower = members.find((member) => member !== leader)!;
      await underLoad('a member of etcd lost', async (ledger) => {
        ledger.mark();
        await follower.kill();
        const recovered = await ledger.progress();
        await follower.restart();
        return recovered;
      });
    });

    it('goes on when the leader is lost', async () => {
      const leader = await leaderOf(members);
      await underLoad('the leader of etcd lost', async (ledger) => {
        ledger.mark();
        await leader.kill();
        const recovered = await ledger.progress();
        await leader.restart();
        return recovered;
      });
    });

    it('goes on when the leader hangs', async () => {
      const leader = await leaderOf(members);
      await underLoad('the leader of etcd hangs', async (ledger) => {
        ledger.mark();
        leader.pause();
        try {
          return await ledger.progress();
        } finally {
          leader.resume();
        }
      });
    });

    it('says so when there is no quorum, and recovers by itself', async () => {
      const [first, second] = members as [Etcd, Etcd, Etcd];
      const ledger = await underLoad('quorum of etcd lost and regained', async (ledger) => {
        const listed = JSON.parse((await get(CONFIG_MAPS)).body) as { metadata: { resourceVersion: string } };
        const { resourceVersion } = listed.metadata;
        await Promise.all([first.kill(), second.kill()]);

        const health = await get('/livez/etcd');
        expect(health).toEqual({
          status: 500,
          body: 'internal server error: error getting data from etcd: context deadline exceeded',
        });
        expect((await get('/readyz')).status).toBe(500);
        const cached = await get(`${CONFIG_MAPS}?resourceVersion=0`);
        expect(cached.status, 'what the cache may answer').toBe(200);
        const watched: unknown[] = [];
        const watch = `${CONFIG_MAPS}?watch=1&resourceVersion=${resourceVersion}&timeoutSeconds=1`;
        expect(await client.watch(watch, (event) => watched.push(event))).toBe(200);

        const body = { metadata: { name: 'refused' } };
        const [read, listing, written] = await Promise.all([
          get(`${CONFIG_MAPS}/nothing`),
          get(CONFIG_MAPS),
          client.send('POST', CONFIG_MAPS, body),
        ]);
        for (const answer of [read, listing]) {
          expect(answer.status).toBe(504);
          expect(message(answer)).toBe('Timeout: request did not complete within the allotted timeout');
        }
        expect(`${written.status} ${message(written)}`).toMatch(WITHOUT_QUORUM);

        ledger.mark();
        await Promise.all([first.restart(), second.restart()]);
        const recovered = await ledger.progress();
        await vi.waitFor(async () => expect((await get('/readyz')).body).toBe('ok'), PATIENCE);
        return recovered;
      });
      const unasked = ledger.refusals.filter((refusal) => !/^(404|409) /.test(refusal));
      for (const refusal of unasked) expect(refusal).toMatch(WITHOUT_QUORUM_STATUS);
    });

    it('drops what is old', async () => {
      const compacting = await start('--etcd-compaction-interval=1s');
      const created = await client.send('POST', CONFIG_MAPS, { metadata: { name: 'old' } });
      const { resourceVersion } = (JSON.parse(created.body) as { metadata: { resourceVersion: string } }).metadata;
      const exact = `${CONFIG_MAPS}?resourceVersion=${resourceVersion}&resourceVersionMatch=Exact`;
      expect((await get(exact)).status).toBe(200);
      let at = Number(resourceVersion);
      await vi.waitFor(async () => {
        // A compaction goes to what was the newest revision a round before.
        const answer = await client.send('PATCH', `${CONFIG_MAPS}/old`, { data: { at: `${++at}` } });
        expect(answer.status).toBe(200);
        const old = await get(exact);
        expect({ status: old.status, ...(JSON.parse(old.body) as object) }).toMatchObject({
          status: 'Failure',
          reason: 'Expired',
          code: 410,
        });
      }, PATIENCE);
      expect((await get(`${CONFIG_MAPS}/old`)).status).toBe(200);
      await client.send('DELETE', `${CONFIG_MAPS}/old`);
      await compacting.stop();
    });
  },
);

/** etcd gives up on a write after 7 s, or the server on the request, whichever is first. */
const WITHOUT_QUORUM =
  /^(500 etcdserver: (request timed out.*|leader changed|no leader)|504 Timeout: request did not complete within (the allotted timeout|requested timeout - context deadline exceeded))$/;
const WITHOUT_QUORUM_STATUS = /^(500 .*"message":"(etcdserver: .*|rpc error: .*)"|504 .*"reason":"Timeout"|no answer)/s;

describe.skipIf(reason !== undefined)('etcd without space', { timeout: 120_000 }, () => {
  it('refuses what would grow in the words of etcd, and takes it again when there is room', async () => {
    const etcd = await startEtcd({ args: ['--quota-backend-bytes=6000000'] });
    const server = await startApiServer('etcd', ['--etcd-compaction-interval=0'], etcd);
    const client = apiClient(server.url, server.token);
    try {
      const data = { filler: 'x'.repeat(400_000) };
      const create = (i: number) => client.send('POST', CONFIG_MAPS, { metadata: { name: `filler-${i}` }, data });
      const answers = [];
      for (let i = 0; i < 40; i++) {
        const answer = await create(i);
        answers.push(answer);
        if (answer.status !== 201) break;
      }
      const refused = answers.pop()!;
      expect(answers.length).toBeGreaterThan(1);
      expect(refused.status).toBe(500);
      const status = { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Failure', code: 500 };
      const noSpace = { ...status, message: 'etcdserver: mvcc: database space exceeded' };
      expect(JSON.parse(refused.body)).toEqual(noSpace);
      const small = await client.send('POST', CONFIG_MAPS, { metadata: { name: 'small' } });
      expect(JSON.parse(small.body)).toEqual(noSpace);
      expect((await client.send('GET', `${CONFIG_MAPS}/filler-0`)).status).toBe(200);
      expect((await client.send('GET', '/readyz')).body).toBe('ok');
      for (let i = 0; i < answers.length; i++)
        expect((await client.send('DELETE', `${CONFIG_MAPS}/filler-${i}`)).status).toBe(200);
      // What etcd refuses only when it applies it is applied all the same (apply/apply.go, quotaApplierV3).
      await client.send('DELETE', `${CONFIG_MAPS}/filler-${answers.length}`);

      const freed = performance.now();
      const { header } = await etcd.ask<{ header: { revision: string } }>('/v3/kv/range', { key: 'AA==' });
      await etcd.ask('/v3/kv/compaction', { revision: header.revision, physical: true });
      await etcd.ask('/v3/maintenance/defragment');
      type Alarms = { readonly alarms: readonly { readonly memberID: string; readonly alarm: string }[] };
      const { alarms } = await etcd.ask<Alarms>('/v3/maintenance/alarm', { action: 'GET' });
      for (const alarm of alarms) await etcd.ask('/v3/maintenance/alarm', { action: 'DEACTIVATE', ...alarm });
      expect((await client.send('POST', CONFIG_MAPS, { metadata: { name: 'small' } })).status).toBe(201);
      const recoveredMs = performance.now() - freed;
      const found = JSON.parse((await client.send('GET', CONFIG_MAPS)).body) as { items: unknown[] };
      const acknowledged = answers.length + 1;
      record({
        fault: 'etcd without space',
        load: '1 writer',
        acknowledged,
        lost: 1 - found.items.length,
        recoveredMs,
      });
      expect(found.items).toHaveLength(1);
    } finally {
      client.close();
      await server.stop();
      await etcd.stop();
    }
  });
});
