import { gzipSync } from 'node:zlib';
import { expect, onTestFinished, test } from 'vitest';
import { issued } from '../http/testing.ts';
import { WebhookClient } from './client.ts';
import { startServerWith } from './testing.ts';

const BODY = Buffer.from('{}');

/** A server whose certificate comes from an authority that no bundle has. */
async function startIssued() {
  const server = await startServerWith(await issued('127.0.0.1'), () => ({ body: '{}' }));
  onTestFinished(() => server.close());
  return { ...server, caBundle: Buffer.from(server.ca).toString('base64') };
}

function start({ port = 0 } = {}) {
  const client = new WebhookClient({ resolve: async () => ({ host: '127.0.0.1', port }) });
  onTestFinished(() => client.close());
  return client;
}

test("the server's own certificate in the bundle is enough, without its issuer's", async () => {
  const [one, other] = await Promise.all([startIssued(), startIssued()]);

  await expect(start().post({ url: one.url, caBundle: one.caBundle }, BODY, 10)).resolves.toMatchObject({
    status: 200,
  });
  await expect(start().post({ url: other.url, caBundle: one.caBundle }, BODY, 10)).rejects.toThrow(
    'tls: failed to verify certificate: x509: certificate signed by unknown authority',
  );
});

test.each([
  ['', '/'],
  ['/', '/'],
  ['//hook', '/hook'],
  ['/a//b/', '/a/b'],
  ['/a/../b', '/b'],
])('the path %j of a URL is asked as %s', async (written, asked) => {
  const { url, caBundle, received } = await startIssued();
  await start().post({ url: `${url}${written}`, caBundle }, BODY, 10);
  expect(received).toMatchObject([{ path: `${asked}?timeout=10s` }]);
});

test.each([
  [undefined, '/'],
  ['hook', '/hook'],
  ['//a b/', '/a%20b'],
])('the path %j of a service is asked as %s', async (path, asked) => {
  const server = await startServerWith(await issued('name.space.svc'), () => ({ body: '{}' }));
  onTestFinished(() => server.close());
  const caBundle = Buffer.from(server.ca).toString('base64');
  const service = { namespace: 'space', name: 'name', ...(path === undefined ? {} : { path }) };
  await start(server).post({ service, caBundle }, BODY, 10);
  expect(server.received).toMatchObject([{ path: `${asked}?timeout=10s` }]);
});

test('a reply may come compressed, and no larger for that', async () => {
  const headers = { 'content-encoding': 'gzip' };
  const bodies = [gzipSync('{"a":1}'), gzipSync(Buffer.alloc(32 * 1024 * 1024)), Buffer.from('no gzip')];
  const server = await startServerWith(await issued('127.0.0.1'), () => ({ headers, body: bodies.shift()! }));
  onTestFinished(() => server.close());
  const config = { url: server.url, caBundle: Buffer.from(server.ca).toString('base64') };
  const client = start();
  expect((await client.post(config, BODY, 10)).body.toString()).toBe('{"a":1}');
  expect(server.received[0]!.headers['accept-encoding']).toBe('gzip');
  await expect(client.post(config, BODY, 10)).rejects.toThrow('the response is larger than 16777216 bytes');
  await expect(client.post(config, BODY, 10)).rejects.toThrow('incorrect header check');
});
