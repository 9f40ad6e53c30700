/** Traces of what a request sets going: here, at a webhook, at etcd. */
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import https from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createAuthority, issue } from '@keelson/cluster/pki/certificate';
import { type SeenSpan, startCollector, type TestCollector } from '@keelson/component/tracing/testing';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type ApiClient, apiClient } from '../support/api-client.ts';
import { type ApiServer, startApiServer } from '../support/api-server.ts';
import { missing } from '../support/tools.ts';

const skip = missing('etcd');
const TRACE = '0af7651916cd43dd8448eb211c80319c';
const headers = { traceparent: `00-${TRACE}-b7ad6b7169203331-01` };

describe.skipIf(skip !== undefined)(skip ? `(skipped: ${skip})` : '', () => {
  let root: string;
  let collector: TestCollector;
  let hook: https.Server;
  const asked: (string | undefined)[] = [];
  let server: ApiServer;
  let client: ApiClient;

  beforeAll(async () => {
    root = await mkdtemp(join(tmpdir(), 'kt-'));
    collector = await startCollector(join(root, 'c.sock'));
    const now = new Date();
    const authority = await createAuthority('hooks', now);
    const { certificate, key } = await issue(
      { commonName: 'hook', usage: 'server', names: ['127.0.0.1'] },
      authority,
      now,
    );
    hook = https.createServer({ cert: certificate, key }, async (request, response) => {
      asked.push(request.headers.traceparent as string | undefined);
      let body = '';
      for await (const chunk of request) body += String(chunk);
      const { apiVersion, kind, request: review } = JSON.parse(body) as Record<string, { uid: string }>;
      response.writeHead(200, { 'content-type': 'application/json' });
      response.end(JSON.stringify({ apiVersion, kind, response: { uid: review!.uid, allowed: true } }));
    });
    hook.listen(0, '127.0.0.1');
    await once(hook, 'listening');
    const file = join(root, 'tracing.yaml');
    const configuration = { apiVersion: 'apiserver.config.k8s.io/v1', kind: 'TracingConfiguration' };
    await writeFile(file, JSON.stringify({ ...configuration, endpoint: `unix://${join(root, 'c.sock')}` }));
    server = await startApiServer('etcd', [`--tracing-config-file=${file}`]);
    client = apiClient(server.url, server.token);
    const { status } = await client.send(
      'POST',
      '/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations',
      {
        metadata: { name: 'hook' },
        webhooks: [
          {
            name: 'hook.example.com',
            clientConfig: {
              url: `https://127.0.0.1:${(hook.address() as AddressInfo).port}/x`,
              caBundle: btoa(authority.certificate),
            },
            rules: [{ apiGroups: [''], apiVersions: ['v1'], operations: ['CREATE'], resources: ['secrets'] }],
            sideEffects: 'None',
            admissionReviewVersions: ['v1'],
          },
        ],
      },
    );
    expect(status).toBe(201);
  }, 60_000);
  afterAll(async () => {
    client?.close();
    await server?.stop();
    hook?.close();
    hook?.closeAllConnections();
    collector?.stop();
    await rm(root, { recursive: true });
  });

  test('a client’s trace goes on with the request, its webhook and what it asks etcd', async () => {
    const path = '/api/v1/namespaces/default/secrets';
    let made = 0;
    await expect
      .poll(
        async () => {
          await client.send('POST', path, { metadata: { name: `s${made++}` } }, headers);
          return asked.length;
        },
        { timeout: 30_000 },
      )
      .toBeGreaterThan(0);
    const name = `s${made - 1}`;
    await client.send('GET', `${path}/${name}`, undefined, headers);
    await client.send('GET', `${path}/none`, undefined, headers);
    const all = () => collector.spans.filter(({ traceId }) => traceId === TRACE);
    const named = (wanted: string): SeenSpan | undefined => all().find((span) => span.name === wanted);
    // They are sent every five seconds.
    const names = [
      'POST /api/v1/namespaces/{:namespace}/secrets',
      'GET /api/v1/namespaces/{:namespace}/secrets/{:name}',
      'Call validating webhook',
      'HTTP POST',
      'etcdserverpb.KV/Txn',
    ];
    await expect
      .poll(() => names.filter((wanted) => named(wanted) === undefined), { timeout: 60_000, interval: 200 })
      .toEqual([]);
    const requests = all().filter(({ kind }) => kind === 2);
    for (const { parent } of requests) expect(parent).toBe('b7ad6b7169203331');
    expect(requests.map(({ attributes }) => attributes['http.response.status_code'])).toEqual(
      expect.arrayContaining([201, 200, 404]),
    );
    expect(named('Call validating webhook')).toMatchObject({
      kind: 1,
      attributes: {
        configuration: 'hook',
        webhook: 'hook.example.com',
        resource: '/v1, Resource=secrets',
        subresource: '',
        operation: 'CREATE',
      },
    });
    const post = named('HTTP POST')!;
    expect(post).toMatchObject({
      kind: 3,
      parent: named('Call validating webhook')!.spanId,
      attributes: { 'http.request.method': 'POST', 'http.response.status_code': 200, 'server.address': '127.0.0.1' },
    });
    expect(asked[0]).toBe(`00-${TRACE}-${post.spanId}-01`);
    expect(named('etcdserverpb.KV/Txn')).toMatchObject({
      kind: 3,
      attributes: { 'rpc.system.name': 'grpc', 'rpc.response.status_code': 'OK', 'server.address': '127.0.0.1' },
    });
    expect(collector.resource['service.name']).toBe('apiserver');
  }, 120_000);
});
