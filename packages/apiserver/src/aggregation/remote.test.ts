import { once } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import type { TLSSocket } from 'node:tls';
import type { APIService } from '@keelson/api/generated/types/apiregistration/v1';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { BackendPool } from '../connect/backend.ts';
import type { Reply } from '../connect/front-proxy.ts';
import { selfSigned } from '../http/testing.ts';
import type { Address } from '../webhook/client.ts';
import { apiServiceOfPath } from './apiservice.ts';
import { type Question, Remote, UnusableBundle } from './remote.ts';

it.each([
  ['/apis/apps/v1', 'v1.apps'],
  ['/apis/apps/v1/', 'v1.apps'],
  ['/apis/apps/v1/namespaces/n/deployments', 'v1.apps'],
  ['/api', 'v1.'],
  ['/api/v1/pods', 'v1.'],
  ['/apis', undefined],
  ['/apis/apps', undefined],
  ['/apis/apps/', undefined],
  ['/apis/apiregistration.k8s.io/v1/apiservices', undefined],
  ['/healthz', undefined],
])('%s belongs to %s', (path, name) => expect(apiServiceOfPath(path)).toBe(name));

/** @param address where its service is */
function remoteAt(address: Address) {
  const pool = new BackendPool();
  const certificate = { get: () => ({ cert: own.cert, key: own.key }) };
  return { remote: new Remote({ resolve: async () => address, pool, certificate }), pool };
}
const own = await selfSigned('front-proxy');
const service = (spec: object): APIService => ({
  metadata: {},
  spec: { groupPriorityMinimum: 1, versionPriority: 1, service: { namespace: 'ns', name: 'svc' }, ...spec },
  status: {},
});

describe('where requests go', () => {
  const { remote } = remoteAt({ host: 'svc-ns', port: 444 });

  it.each<[string, object, object]>([
    ['with authorities', { caBundle: btoa(own.cert) }, { ca: own.cert, allowPartialTrustChain: true }],
    ['without', { caBundle: '' }, {}],
    ['unchecked', { insecureSkipTLSVerify: true }, { rejectUnauthorized: false }],
  ])('%s', async (_what, spec, tls) => {
    expect(await remote.backend(service(spec), '/apis')).toEqual({
      scheme: 'https',
      host: 'svc-ns',
      port: '444',
      path: '/apis',
      query: '',
      tls: { servername: 'svc.ns.svc', ...own, ...tls },
    });
  });

  it.each([
    ['x', 'unable to load root certificates: unable to parse bytes as PEM block'],
    [
      '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n',
      'unable to load root certificates: failed to parse certificate: x509: malformed certificate',
    ],
  ])('nowhere, with authorities that are none: %j', async (bundle, message) => {
    const asked = remote.backend(service({ caBundle: btoa(bundle) }), '/apis');
    await expect(asked).rejects.toThrow(UnusableBundle);
    await expect(asked).rejects.toThrow(message);
  });
});

describe('a question', () => {
  const question = { path: '/apis', user: { name: 'system:aggregator', groups: [] }, timeoutMs: 5000 };
  let server: Server;
  let answer: (request: IncomingMessage, response: ServerResponse) => void;
  let url: string;
  let ask: (more?: Partial<Question>) => Promise<Reply>;
  let pool: BackendPool;

  beforeEach(async () => {
    const serving = await selfSigned('svc.ns.svc');
    server = createServer({ ...serving, ca: own.cert, requestCert: true }, (request, response) =>
      answer(request, response),
    );
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    url = `Get "https://127.0.0.1:${port}/apis"`;
    const at = remoteAt({ host: '127.0.0.1', port });
    pool = at.pool;
    ask = (more) => at.remote.ask(service({ caBundle: btoa(serving.cert) }), { ...question, ...more });
  });
  afterEach(() => {
    pool.close();
    server.close();
    server.closeAllConnections();
  });

  it('is answered by who knows this server by its certificate and the user by headers', async () => {
    answer = (request, response) => {
      const { subject } = (request.socket as TLSSocket).getPeerCertificate();
      response.writeHead(203, { etag: '"e"' }).end(`${subject.CN} ${request.headers['x-remote-user']}`);
    };
    const { status, headers, body } = await ask();
    expect([status, headers.etag, String(body)]).toEqual([203, '"e"', 'test system:aggregator']);
  });

  it('has an end where nobody answers in time', async () => {
    answer = () => {};
    await expect(ask({ timeoutMs: 50 })).rejects.toThrow(
      `${url}: context deadline exceeded (Client.Timeout exceeded while awaiting headers)`,
    );
  });

  it('has an end where the answer has none', async () => {
    answer = (_request, response) => {
      const more = (): void => {
        while (response.write(Buffer.alloc(1 << 20)));
        response.once('drain', more);
      };
      more();
    };
    await expect(ask()).rejects.toThrow(`${url}: the response is larger than 16777216 bytes`);
  });

  it('is not asked once the pool is closed', async () => {
    pool.close();
    await expect(ask()).rejects.toThrow('the server is shutting down');
  });
});
