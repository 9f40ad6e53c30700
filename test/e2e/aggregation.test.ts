/** API services: another server's resources, served as if they were this one's. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { request } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Duplex } from 'node:stream';
import type { APIService } from '@keelson/api/generated/types/apiregistration/v1';
import { createAuthority, issue, type KeyPair } from '@keelson/cluster/pki/certificate';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { type ApiClient, apiClient } from '../support/api-client.ts';
import { type ApiServer, startApiServer } from '../support/api-server.ts';
import { type ExtensionServer, group, startExtensionServer, version } from '../support/extension-server.ts';
import { type Kubectl, kubectl } from '../support/kubectl.ts';
import { missing } from '../support/tools.ts';

const name = `${version}.${group}`;
const now = new Date();
const waiting = { timeout: 30_000, interval: 200 };
let directory: string;
let server: ApiServer;
let extension: ExtensionServer;
let k: Kubectl;
let api: ApiClient;
let ca: KeyPair;
let restart: () => Promise<ExtensionServer>;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'keelson-aggregation-'));
  const file = (name: string) => join(directory, name);
  const proxyCa = await createAuthority('front-proxy-ca', now);
  const proxy = await issue({ commonName: 'front-proxy-client', usage: 'client' }, proxyCa, now);
  ca = await createAuthority('wardle-ca', now);
  await writeFile(file('proxy-ca.crt'), proxyCa.certificate);
  await writeFile(file('proxy.crt'), proxy.certificate);
  await writeFile(file('proxy.key'), proxy.key);
  server = await startApiServer(process.env.KUBE_APISERVER === undefined ? 'lmdb' : 'etcd', [
    `--proxy-client-cert-file=${file('proxy.crt')}`,
    `--proxy-client-key-file=${file('proxy.key')}`,
    `--requestheader-client-ca-file=${file('proxy-ca.crt')}`,
    '--requestheader-allowed-names=front-proxy-client',
    '--requestheader-username-headers=X-Remote-User',
    '--requestheader-group-headers=X-Remote-Group',
    '--requestheader-extra-headers-prefix=X-Remote-Extra-',
  ]);
  k = kubectl(server.kubeconfig);
  api = apiClient(server.url, server.token);

  const trust = await k.json<{
    data: Record<string, string>;
  }>`get configmap -n kube-system extension-apiserver-authentication`;
  const clientCa = trust.data['requestheader-client-ca-file']!;
  const allowedNames = JSON.parse(trust.data['requestheader-allowed-names']!) as string[];
  const serving = await issue({ commonName: 'wardle', usage: 'server', names: ['sample-api.wardle.svc'] }, ca, now);
  restart = () => startExtensionServer(serving, { clientCa, allowedNames });
  extension = await restart();
  await k`create namespace wardle`;
  await apply({
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { namespace: 'wardle', name: 'sample-api' },
    spec: { type: 'ExternalName', externalName: 'localhost' },
  });
}, 60_000);

afterAll(async () => {
  api?.close();
  await server?.stop();
  await extension?.stop();
  await rm(directory, { recursive: true, force: true });
});

const apply = (object: object) => k.with({ stdin: JSON.stringify(object) })`apply -f -`;

function apiService(changes: object = {}): object {
  return {
    apiVersion: 'apiregistration.k8s.io/v1',
    kind: 'APIService',
    metadata: { name },
    spec: {
      group,
      version,
      service: { namespace: 'wardle', name: 'sample-api', port: extension.port },
      caBundle: btoa(ca.certificate),
      groupPriorityMinimum: 2000,
      versionPriority: 200,
      ...changes,
    },
  };
}

async function availability(of = name): Promise<object | undefined> {
  const { status } = await k.json<APIService>`get apiservice ${of}`;
  return status.conditions?.find(({ type }) => type === 'Available');
}

/** By the administrator's token. */
const ask = (path: string, headers?: Record<string, string>) => api.send('GET', path, undefined, headers);

describe.skipIf(missing('kubectl'))('API services', () => {
  test('what is served here is registered and available', async () => {
    const list = await k`get apiservices`;
    expect(list).toMatch(/^v1\. +Local +True/m);
    expect(list).toMatch(/^v1\.apps +Local +True/m);
    const apps = await k.json<APIService>`get apiservice v1.apps`;
    expect(apps).toMatchObject({
      metadata: { labels: { 'kube-aggregator.kubernetes.io/automanaged': 'onstart' } },
      spec: { group: 'apps', version: 'v1', groupPriorityMinimum: 17800, versionPriority: 15 },
      status: { conditions: [{ type: 'Available', status: 'True', reason: 'Local' }] },
    });
  });

  test('definitions of custom resources bring theirs, which comes back and goes with them', async () => {
    const schema = { openAPIV3Schema: { type: 'object' } };
    await apply({
      apiVersion: 'apiextensions.k8s.io/v1',
      kind: 'CustomResourceDefinition',
      metadata: { name: 'gears.example.org' },
      spec: {
        group: 'example.org',
        names: { plural: 'gears', kind: 'Gear' },
        scope: 'Namespaced',
        versions: [{ name: 'v1', served: true, storage: true, schema }],
      },
    });
    const gears = async () => (await k.json<APIService>`get apiservice v1.example.org`).spec;
    const spec = { group: 'example.org', version: 'v1', groupPriorityMinimum: 1000, versionPriority: 100 };
    await vi.waitFor(async () => expect(await gears()).toEqual(spec), waiting);
    await k`delete apiservice v1.example.org`;
    await vi.waitFor(async () => expect(await gears()).toEqual(spec), waiting);
    await k`delete crd gears.example.org`;
    await vi.waitFor(async () => {
      expect((await k.result({})`get apiservice v1.example.org`).stderr).toContain('not found');
    }, waiting);
  });

  test.each([
    ['is not there', undefined, 'ServiceNotFound', 'service/broken in "wardle" is not present'],
    ['has no such port', { port: 80 }, 'ServicePortError', 'service/broken in "wardle" is not listening on port 443'],
    [
      'has no endpoints',
      { port: 443 },
      'EndpointsNotFound',
      'cannot find endpointslices for service/broken in "wardle"',
    ],
  ])('a service that %s', async (_what, port, reason, message) => {
    const service = { namespace: 'wardle', name: 'broken', port: 443 };
    const spec = { group: 'broken.example.com', version: 'v1', service, groupPriorityMinimum: 10, versionPriority: 10 };
    if (port)
      await apply({
        apiVersion: 'v1',
        kind: 'Service',
        metadata: { namespace: 'wardle', name: 'broken' },
        spec: { ports: [port] },
      });
    await apply({
      apiVersion: 'apiregistration.k8s.io/v1',
      kind: 'APIService',
      metadata: { name: 'v1.broken.example.com' },
      spec: { ...spec, insecureSkipTLSVerify: true },
    });
    await vi.waitFor(
      async () =>
        expect(await availability('v1.broken.example.com')).toMatchObject({ status: 'False', reason, message }),
      waiting,
    );
    expect(await ask('/apis/broken.example.com/v1/things')).toMatchObject({
      status: 503,
      headers: { 'content-type': 'text/plain; charset=utf-8' },
      body: 'service unavailable\n',
    });
    expect(JSON.parse((await ask('/apis/broken.example.com')).body)).toMatchObject({ kind: 'APIGroup' });
    expect(await ask('/apis/broken.example.com/v2/things')).toMatchObject({
      status: 404,
      body: '404 page not found\n',
    });
    await k`delete apiservice v1.broken.example.com`;
    await k`delete service broken -n wardle --ignore-not-found`;
  });

  test('a server that answers becomes available, and is found', async () => {
    await apply(apiService());
    await vi.waitFor(
      async () =>
        expect(await availability()).toMatchObject({ status: 'True', reason: 'Passed', message: 'all checks passed' }),
      waiting,
    );
    expect(await k`get apiservice ${name}`).toMatch(/wardle\/sample-api +True/);
    await vi.waitFor(
      async () => expect(await k`api-resources --api-group=${group} --no-headers`).toMatch(/^flunders +fl +/m),
      waiting,
    );
    const groups = JSON.parse((await ask('/apis')).body) as { groups: { name: string }[] };
    expect(groups.groups.at(-1)!.name).toBe(group);
  });

  test('kubectl reads, writes, watches and deletes there', async () => {
    const watch = k.start`get flunders -n default -w -o name`;
    await vi.waitFor(() => expect(extension.seen.some(({ url }) => url.includes('watch='))).toBe(true), waiting);
    const made = {
      apiVersion: `${group}/${version}`,
      kind: 'Flunder',
      metadata: { name: 'one', namespace: 'default' },
    };
    await k.with({ stdin: JSON.stringify(made) })`create --validate=false -f -`;
    expect(await k`get flunders -A --no-headers`).toMatch(/^default +one /);
    expect(await k`get fl one -o name`).toBe(`flunder.${group}/one\n`);
    await vi.waitFor(() => expect(watch.output()).toContain(`flunder.${group}/one`), waiting);
    await watch.stop();
    await k`delete flunder one`;
    expect((await k.result({})`get flunder one`).stderr).toContain(`flunders.${group} "one" not found`);
  });

  test('the server is told who asks, by headers that nobody else can set', async () => {
    await ask(`/apis/${group}/${version}/namespaces/default/flunders?limit=5`, {
      'impersonate-user': 'jane',
      'impersonate-group': 'system:masters',
      'impersonate-extra-a%2fb': 'c',
      'x-remote-user': 'root',
      'x-remote-extra-other': 'x',
      'user-agent': 'tester/1',
      'audit-id': 'the-audit-id',
    });
    const { headers, url } = extension.seen.at(-1)!;
    expect(url).toBe(`/apis/${group}/${version}/namespaces/default/flunders?limit=5`);
    expect(headers).toMatchObject({
      'x-remote-user': 'jane',
      'x-remote-group': 'system:masters, system:authenticated',
      'x-remote-extra-a%2fb': 'c',
      'x-forwarded-for': '127.0.0.1',
      'x-forwarded-proto': 'https',
      'x-forwarded-host': `localhost:${extension.port}`,
      'x-forwarded-uri': `/apis/${group}/${version}/namespaces/default/flunders`,
      'user-agent': 'tester/1',
      'audit-id': 'the-audit-id',
      host: `localhost:${extension.port}`,
    });
    for (const gone of ['authorization', 'impersonate-user', 'x-remote-extra-other'])
      expect(headers[gone]).toBe(undefined);
  });

  test('who may not do it here does not get there', async () => {
    const before = extension.seen.length;
    const refused = await k.result({})`get flunders -n default --as=jane`;
    expect(refused.stderr).toContain(`User "jane" cannot list resource "flunders" in API group "${group}"`);
    expect(extension.seen.length).toBe(before);
  });

  test('its OpenAPI documents are found', async () => {
    type Documents = { paths: Record<string, { serverRelativeURL: string }>; definitions: Record<string, object> };
    const read = async (path: string) => JSON.parse((await ask(path)).body) as Documents;
    const document = `apis/${group}/${version}`;
    await vi.waitFor(async () => expect((await read('/openapi/v3')).paths).toHaveProperty([document]), waiting);
    const { serverRelativeURL } = (await read('/openapi/v3')).paths[document]!;
    expect(serverRelativeURL).toBe(`/openapi/v3/${document}?hash=ABC`);
    expect(await read(serverRelativeURL)).toMatchObject({ info: { title: 'Wardle' } });
    const { paths, definitions } = await read('/openapi/v2');
    expect(paths).toHaveProperty([`/${document}/namespaces/{namespace}/flunders`]);
    expect(paths).toHaveProperty(['/api/v1/namespaces/{namespace}/pods']);
    expect(paths).not.toHaveProperty(['/healthz']);
    expect(definitions).toHaveProperty(['com.example.wardle.v1alpha1.Flunder', 'description'], 'A flunder.');
    expect(await k`explain flunders.spec`).toContain('What it is to be.');
  });

  test('redirections are refused', async () => {
    expect(await ask(`/apis/${group}/${version}/elsewhere`)).toMatchObject({
      status: 502,
      body: 'the backend attempted to redirect this request, which is not permitted',
    });
  });

  test('other protocols go through', async () => {
    const socket = await new Promise<Duplex>((resolve, reject) => {
      const sent = request(`${server.url}/apis/${group}/${version}/namespaces/default/echo?a=b%2Fc`, {
        agent: false,
        rejectUnauthorized: false,
        headers: { authorization: `Bearer ${server.token}`, connection: 'Upgrade', upgrade: 'echo' },
      });
      sent.on('upgrade', (_response, socket) => resolve(socket)).on('error', reject);
      sent.on('response', ({ statusCode }) => reject(new Error(`status ${statusCode}`)));
      sent.end();
    });
    socket.write('hello');
    expect(String((await new Promise((resolve) => socket.once('data', resolve))) as Buffer)).toBe('hello');
    socket.destroy();
    expect(extension.seen.at(-1)).toMatchObject({
      url: expect.stringMatching(/\/echo\?a=b%2Fc$/),
      headers: { 'x-remote-user': 'admin', upgrade: 'echo' },
    });
  });

  test('a certificate that is not trusted', async () => {
    await apply(apiService({ caBundle: btoa((await createAuthority('other', now)).certificate) }));
    await vi.waitFor(async () => {
      const message = expect.stringContaining('x509: certificate signed by unknown authority');
      expect(await availability()).toMatchObject({ status: 'False', reason: 'FailedDiscoveryCheck', message });
    }, waiting);
    await apply(apiService());
    await vi.waitFor(async () => expect(await availability()).toMatchObject({ status: 'True' }), waiting);
  });

  test('a server that is gone: 503, and others are found as before', async () => {
    await extension.stop();
    await k`annotate apiservice ${name} look=again`;
    await vi.waitFor(
      async () => expect(await availability()).toMatchObject({ status: 'False', reason: 'FailedDiscoveryCheck' }),
      waiting,
    );
    expect(await ask(`/apis/${group}/${version}/flunders`)).toMatchObject({
      status: 503,
      body: 'service unavailable\n',
    });
    expect(await k`get configmaps -n wardle -o name`).toBe('');
    const discovery = await ask('/apis', {
      accept: 'application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList',
    });
    const { items } = JSON.parse(discovery.body) as { items: { metadata: { name: string }; versions: object[] }[] };
    expect(items.at(-1)).toMatchObject({ metadata: { name: group }, versions: [{ version, freshness: 'Stale' }] });
    expect((await ask('/metrics')).body).toContain(`aggregator_unavailable_apiservice{name="${name}"} 1\n`);
    extension = await restart();
    extension.aggregatesDiscovery = false;
    await apply(apiService());
    await vi.waitFor(async () => expect(await availability()).toMatchObject({ status: 'True' }), waiting);
    await vi.waitFor(async () => expect(await k`get flunders -A`).toBe(''), waiting);
  });

  test('deleted, the group is gone', async () => {
    await k`delete apiservice ${name}`;
    await vi.waitFor(
      async () => expect(await ask(`/apis/${group}`)).toMatchObject({ status: 404, body: '404 page not found\n' }),
      waiting,
    );
  });
});
