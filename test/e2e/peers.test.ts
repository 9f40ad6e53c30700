/**
 * Two API servers on one etcd, each of which serves what the other one does not. With KUBE_APISERVER upstream's is one of them, then
 * the other, then both.
 */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { request } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { createAuthority, issue } from '@keelson/cluster/pki/certificate';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { type ApiClient, apiClient, type HttpAnswer } from '../support/api-client.ts';
import { type ApiServer, ownBinary, startApiServer } from '../support/api-server.ts';
import { type Etcd, startEtcd } from '../support/etcd.ts';
import { noHostnames, underHostname } from '../support/hostname.ts';
import { missing } from '../support/tools.ts';

const JOBS = '/apis/batch/v1/namespaces/default/jobs';
const BUDGETS = '/apis/policy/v1/namespaces/default/poddisruptionbudgets';
const V2 = 'application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList';
const waiting = { timeout: 120_000, interval: 200 };

const upstream = process.env.KUBE_APISERVER;
const pairs: [string, string, string][] = upstream
  ? [
      ['Keelson before kube-apiserver', ownBinary, upstream],
      ['kube-apiserver before Keelson', upstream, ownBinary],
      ['kube-apiserver alone', upstream, upstream],
    ]
  : [['Keelson alone', ownBinary, ownBinary]];

const job = (name: string) => ({
  apiVersion: 'batch/v1',
  kind: 'Job',
  metadata: { name },
  spec: { suspend: true, template: { spec: { restartPolicy: 'Never', containers: [{ name: 'c', image: 'i' }] } } },
});
const budget = (name: string) => ({
  apiVersion: 'policy/v1',
  kind: 'PodDisruptionBudget',
  metadata: { name },
  spec: { minAvailable: 1, selector: { matchLabels: { a: 'b' } } },
});

describe.skipIf(missing('etcd') !== undefined || noHostnames() !== undefined).each(pairs)(
  '%s',
  (_what, first, second) => {
    let directory: string;
    let etcd: Etcd;
    /** Of the two the first is the one that is asked. */
    let a: ApiServer;
    let b: ApiServer;
    let api: ApiClient;
    let other: ApiClient;

    beforeAll(async () => {
      directory = await mkdtemp(join(tmpdir(), 'keelson-peers-'));
      const [files, own] = [await trustFiles(directory), await startEtcd()];
      etcd = own;
      const start = async (name: string, program: string, ...disabled: string[]) => {
        const command = await underHostname(name, program, join(directory, name));
        const off = ['autoscaling/v1', ...disabled].map((version) => `${version}=false`).join(',');
        const flags = (port: number) => [
          ...files,
          `--runtime-config=${off}`,
          ...(program === upstream ? ['--bind-address=0.0.0.0'] : addressOf(port)),
        ];
        return startApiServer('etcd', flags, etcd, command);
      };
      a = await start('server-a', first, 'batch/v1', 'authentication.k8s.io/v1');
      b = await start('server-b', second, 'policy/v1');
      api = apiClient(a.url, a.token);
      other = apiClient(b.url, b.token);
    }, 120_000);

    afterAll(async () => {
      for (const client of [api, other]) client?.close();
      await Promise.all([a?.stop(), b?.stop()]);
      await etcd?.stop();
      await rm(directory, { recursive: true, force: true });
    });

    test('what either serves is served by both, each way round', async () => {
      await vi.waitFor(async () => expect((await api.send('GET', JOBS)).status).toBe(200), waiting);
      await vi.waitFor(async () => expect((await other.send('GET', BUDGETS)).status).toBe(200), waiting);
      const seen: string[] = [];
      const note = (event: unknown) => {
        const { type, object } = event as { type: string; object: { metadata: { name: string } } };
        seen.push(`${type} ${object.metadata.name}`);
      };
      const watching = apiClient(a.url, a.token);
      const watch = watching.watch(`${JOBS}?watch=true`, note);
      expect((await api.send('POST', JOBS, job('one'))).status).toBe(201);
      expect((await other.send('POST', BUDGETS, budget('two'))).status).toBe(201);
      const patched = await api.send('PATCH', `${JOBS}/one`, { metadata: { labels: { a: 'b' } } });
      expect(JSON.parse(patched.body)).toMatchObject({ metadata: { name: 'one', labels: { a: 'b' } } });
      const { items } = JSON.parse((await api.send('GET', `${JOBS}?labelSelector=a%3Db`)).body) as { items: unknown[] };
      expect(items).toMatchObject([{ metadata: { name: 'one' } }]);
      expect(await api.send('GET', `${BUDGETS}/two`)).toMatchObject({ status: 200 });
      await vi.waitFor(() => expect(seen).toEqual(['ADDED one', 'MODIFIED one']), waiting);
      watching.close();
      expect(await watch).toBe(200);
      const invalid = await api.send('POST', JOBS, { ...job('three'), spec: {} });
      expect(JSON.parse(invalid.body)).toMatchObject({ code: 422, reason: 'Invalid' });
      expect(await api.send('DELETE', `${JOBS}/one`)).toMatchObject({ status: 200 });
    }, 150_000);

    test('who asks stays who he is', async () => {
      const jane = Buffer.from('jané').toString('latin1');
      const who = { 'impersonate-user': jane, 'impersonate-group': 'writers', 'impersonate-extra-a%2fb': 'c' };
      const review = { apiVersion: 'authentication.k8s.io/v1', kind: 'SelfSubjectReview' };
      const headers = { ...who, 'audit-id': 'the-one' };
      const answer = await api.send('POST', '/apis/authentication.k8s.io/v1/selfsubjectreviews', review, headers);
      expect(JSON.parse(answer.body)).toMatchObject({
        status: {
          userInfo: { username: 'jané', groups: ['writers', 'system:authenticated'], extra: { 'a/b': ['c'] } },
        },
      });
      expect(answer.headers['audit-id']).toContain('the-one');
      const refused = await api.send('GET', JOBS, undefined, who);
      expect(JSON.parse(refused.body)).toMatchObject({
        code: 403,
        message:
          'jobs.batch is forbidden: User "jané" cannot list resource "jobs" in API group "batch" in the namespace "default"',
      });
    });

    test('nothing is passed on twice, or for nobody', async () => {
      const from = { 'x-kubernetes-peer-proxied': 'true' };
      for (const path of [JOBS, '/apis/autoscaling/v1/horizontalpodautoscalers'])
        expect(await api.send('GET', path, undefined, from)).toMatchObject({ status: 404 });
      const nobodys = await api.send('GET', '/apis/autoscaling/v1/horizontalpodautoscalers');
      expect(nobodys).toMatchObject({ status: 404 });
      expect(await api.send('GET', '/apis/batch/v1')).toMatchObject({ status: 404 });
    });

    test.runIf(first !== upstream)('a watch over a websocket, too', async () => {
      expect((await api.send('POST', JOBS, job('spoken'))).status).toBe(201);
      expect(await firstMessage(a, `${JOBS}?watch=true&fieldSelector=metadata.name%3Dspoken`)).toContain(
        '"type":"ADDED"',
      );
    });

    test('discovery is that of both, or that of one', async () => {
      const [merged, own] = await Promise.all([discovery(api, V2), discovery(api, `${V2};profile=nopeer`)]);
      const both = ['policy/v1/poddisruptionbudgets', 'batch/v1/jobs', 'authentication.k8s.io/v1/selfsubjectreviews'];
      expect(both.map((name) => [merged.names.includes(name), own.names.includes(name)])).toEqual([
        [true, true],
        [true, false],
        [true, false],
      ]);
      expect(merged.etag).not.toBe(own.etag);
      expect((await discovery(other, V2)).etag).toBe(merged.etag);
      expect(merged.contentType).toBe('application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList');
      const groups = merged.names.map((name) => name.slice(0, name.indexOf('/')));
      expect([...new Set(groups)].slice(0, 6)).toEqual([
        'apiregistration.k8s.io',
        'apps',
        'events.k8s.io',
        'authentication.k8s.io',
        'authorization.k8s.io',
        'autoscaling',
      ]);
      const plain = await api.send('GET', '/apis', undefined, { accept: 'application/json' });
      // There is an APIService for it, which the other one has made; who serves it stands elsewhere.
      expect(plain.body).toContain('"batch/v1"');
      expect((await api.send('GET', '/apis/batch')).body).toContain('"batch/v1"');
    });

    test('definitions are every server’s own affair', async () => {
      const names = { plural: 'things', singular: 'thing', kind: 'Thing', listKind: 'ThingList' };
      const schema = { openAPIV3Schema: { type: 'object' } };
      const definition = {
        apiVersion: 'apiextensions.k8s.io/v1',
        kind: 'CustomResourceDefinition',
        metadata: { name: 'things.example.com' },
        spec: {
          group: 'example.com',
          scope: 'Namespaced',
          names,
          versions: [{ name: 'v1', served: true, storage: true, schema }],
        },
      };
      const path = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions';
      expect((await api.send('POST', path, definition)).status).toBe(201);
      const things = '/apis/example.com/v1/things';
      for (const client of [api, other])
        await vi.waitFor(async () => expect((await client.send('GET', things)).status).toBe(200), waiting);
      expect((await api.send('DELETE', `${path}/things.example.com`)).status).toBe(200);
      for (const client of [api, other])
        await vi.waitFor(async () => expect((await client.send('GET', things)).status).toBe(404), waiting);
    });

    test('what was passed on is counted', async () => {
      const { body } = await api.send('GET', '/metrics');
      expect(body).toMatch(/^apiserver_rerouted_request_total\{code="200",group="",resource="",version=""\} \d/m);
      expect(body).toMatch(
        /^apiserver_rerouted_request_total\{code="201",group="batch",resource="jobs",version="v1"\} \d/m,
      );
      expect(body).toMatch(/^aggregator_discovery_nopeer_requests_total [1-9]/m);
      expect(body).toMatch(/^aggregator_discovery_peer_aggregated_cache_misses_total [1-9]/m);
    });

    test('a peer that died is missed, until it is back', async () => {
      await b.program.stop('SIGKILL');
      const { port } = new URL(b.url);
      const down = new RegExp(
        `^error trying to reach service: dial tcp [\\d.]+:${port}: connect: connection refused\n$`,
      );
      // Its address is forgotten after 15 seconds.
      const gone = await vi.waitFor(async () => {
        const answer: HttpAnswer = await api.send('GET', JOBS);
        expect(answer.body).not.toMatch(down);
        return answer;
      }, waiting);
      expect(JSON.parse(gone.body)).toMatchObject({
        kind: 'Status',
        code: 503,
        reason: 'ServiceUnavailable',
        message: 'Error getting ip and port info of the remote server while proxying',
      });
      await b.restart();
      await vi.waitFor(async () => expect((await api.send('GET', JOBS)).status).toBe(200), waiting);
    }, 150_000);

    test('a peer that has ended is forgotten', async () => {
      await b.program.stop();
      await vi.waitFor(async () => expect((await api.send('GET', JOBS)).status).toBe(404), waiting);
      expect((await discovery(api, V2)).names).not.toContain('batch/v1/jobs');
    }, 150_000);
  },
);

/** @returns flags that name what both servers need to believe each other */
async function trustFiles(directory: string): Promise<string[]> {
  const now = new Date();
  const [ca, proxyCa] = [await createAuthority('kubernetes', now), await createAuthority('front-proxy-ca', now)];
  const names = ['kubernetes.default.svc', '127.0.0.1'];
  const serving = await issue({ commonName: 'kube-apiserver', usage: 'server', names }, ca, now);
  const proxy = await issue({ commonName: 'front-proxy-client', usage: 'client' }, proxyCa, now);
  const file = (name: string) => join(directory, name);
  await writeFile(file('ca.crt'), ca.certificate);
  await writeFile(file('proxy-ca.crt'), proxyCa.certificate);
  for (const [name, pair] of Object.entries({ serving, proxy })) {
    await writeFile(file(`${name}.crt`), pair.certificate);
    await writeFile(file(`${name}.key`), pair.key);
  }
  return [
    `--tls-cert-file=${file('serving.crt')}`,
    `--tls-private-key-file=${file('serving.key')}`,
    `--peer-ca-file=${file('ca.crt')}`,
    `--proxy-client-cert-file=${file('proxy.crt')}`,
    `--proxy-client-key-file=${file('proxy.key')}`,
    `--requestheader-client-ca-file=${file('proxy-ca.crt')}`,
    '--requestheader-allowed-names=front-proxy-client',
    '--requestheader-username-headers=X-Remote-User',
    '--requestheader-uid-headers=X-Remote-Uid',
    '--requestheader-group-headers=X-Remote-Group',
    '--requestheader-extra-headers-prefix=X-Remote-Extra-',
  ];
}

/** Upstream's server says that it is at the machine's own address, whatever these say. */
const addressOf = (port: number) => ['--peer-advertise-ip=127.0.0.1', `--peer-advertise-port=${port}`];

interface Discovery {
  readonly names: string[];
  readonly etag: string | undefined;
  readonly contentType: string | undefined;
}

async function discovery(client: ApiClient, accept: string): Promise<Discovery> {
  const { body, headers } = await client.send('GET', '/apis', undefined, { accept });
  interface Group {
    readonly metadata: { readonly name: string };
    readonly versions: readonly { readonly version: string; readonly resources?: readonly { resource: string }[] }[];
  }
  const { items } = JSON.parse(body) as { items: Group[] };
  const names = items.flatMap(({ metadata, versions }) =>
    versions.flatMap(({ version, resources = [] }) =>
      resources.map(({ resource }) => `${metadata.name}/${version}/${resource}`),
    ),
  );
  return { names, etag: headers.etag, contentType: headers['content-type'] };
}

/** Of a websocket: the text in its first frame. */
function firstMessage(server: ApiServer, path: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const headers = {
      authorization: `Bearer ${server.token}`,
      connection: 'Upgrade',
      upgrade: 'websocket',
      'sec-websocket-version': '13',
      'sec-websocket-key': btoa('0123456789abcdef'),
      origin: server.url,
    };
    const sent = request(new URL(path, server.url), { headers, agent: false, rejectUnauthorized: false });
    sent.on('error', reject).on('response', (response) => {
      text(response).then((body) => reject(new Error(`${response.statusCode}: ${body}`)), reject);
    });
    sent.on('upgrade', (_answer, socket, head) => {
      const done = (chunk: Buffer): void => {
        socket.destroy();
        resolve(chunk.toString('latin1'));
      };
      if (head.length > 0) done(head);
      else socket.once('data', done);
    });
    sent.end();
  });
}
