/** Flags of how the server is reached, as clients see them. KUBE_APISERVER proves the tests. */
import { once } from 'node:events';
import http2 from 'node:http2';
import tls from 'node:tls';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type ApiClient, apiClient } from '../support/api-client.ts';
import { startApiServer, storages } from '../support/api-server.ts';
import { servedApi } from '../support/served.ts';

const { storage, skip } = storages[0]!;
const GOOD = 'https://console.example.com';

describe.skipIf(skip !== undefined)('a server of flags', () => {
  let stranger: ApiClient;

  const client = servedApi(() =>
    startApiServer(storage, [
      '--cors-allowed-origins=^https://console[.]example[.]com$',
      '--strict-transport-security-directives=max-age=31536000,includeSubDomains',
      '--external-hostname=api.example.com',
      '--http2-max-streams-per-connection=7',
    ]),
  );
  beforeAll(() => {
    stranger = apiClient(client.server.url, 'nobody');
  });
  afterAll(() => stranger?.close());

  it('lets pages of the origins that it knows ask, and no others', async () => {
    const allowed = {
      'access-control-allow-origin': GOOD,
      'access-control-allow-credentials': 'true',
      'access-control-allow-methods': 'POST, GET, OPTIONS, PUT, DELETE, PATCH',
      'access-control-allow-headers':
        'Content-Type, Content-Length, Accept-Encoding, X-CSRF-Token, Authorization, X-Requested-With, If-Modified-Since',
      'access-control-expose-headers': 'Date',
    };
    const asked = await client.send('GET', '/api/v1/namespaces', undefined, { origin: GOOD });
    expect([asked.status, asked.headers]).toMatchObject([200, allowed]);
    const refused = await stranger.send('GET', '/api/v1/namespaces', undefined, { origin: GOOD });
    expect([refused.status, refused.headers]).toMatchObject([401, allowed]);
    const before = await stranger.send('OPTIONS', '/api/v1/namespaces', undefined, { origin: GOOD });
    expect([before.status, before.headers]).toMatchObject([204, allowed]);
    expect(before.body).toBe('');
    for (const origin of ['https://console.example.com.evil.org', 'http://console.example.com']) {
      const other = await client.send('GET', '/api/v1/namespaces', undefined, { origin });
      expect(other.status).toBe(200);
      expect(other.headers).not.toHaveProperty('access-control-allow-origin');
      expect((await stranger.send('OPTIONS', '/api/v1/namespaces', undefined, { origin })).status).toBe(401);
    }
  });

  it('tells browsers to come over HTTPS alone', async () => {
    for (const [who, path] of [
      [client, '/api/v1/namespaces'],
      [client, '/api/v1/nothing'],
      [stranger, '/api'],
    ] as const) {
      const { headers } = await who.send('GET', path);
      expect(headers['strict-transport-security']).toBe('max-age=31536000; includeSubDomains');
    }
  });

  it('calls itself by its external name', async () => {
    const { port } = new URL(client.server.url);
    const versions = JSON.parse((await client.send('GET', '/api')).body) as object;
    expect(versions).toMatchObject({
      serverAddressByClientCIDRs: [{ clientCIDR: '0.0.0.0/0', serverAddress: `api.example.com:${port}` }],
    });
    const document = JSON.parse((await client.send('GET', '/.well-known/openid-configuration')).body) as object;
    expect(document).toMatchObject({ jwks_uri: `https://api.example.com:${port}/openid/v1/jwks` });
  });

  it('bounds the streams of a connection', async () => {
    const session = http2.connect(client.server.url, { rejectUnauthorized: false });
    const [settings] = (await once(session, 'remoteSettings')) as [http2.Settings];
    expect(settings.maxConcurrentStreams).toBe(7);
    session.close();
  });
});

it.skipIf(skip !== undefined)('HTTP/2 can be switched off', async () => {
  const server = await startApiServer(storage, ['--disable-http2-serving']);
  const socket = tls.connect({
    port: Number(new URL(server.url).port),
    host: '127.0.0.1',
    ALPNProtocols: ['h2', 'http/1.1'],
    rejectUnauthorized: false,
  });
  await once(socket, 'secureConnect');
  expect(socket.alpnProtocol).toBe('http/1.1');
  socket.destroy();
  await server.stop();
});
