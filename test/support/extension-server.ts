import { EventEmitter, once } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import type { TLSSocket } from 'node:tls';
import type { KeyPair } from '@keelson/cluster/pki/certificate';

export const group = 'wardle.example.com';
export const version = 'v1alpha1';
const root = `/apis/${group}/${version}`;

interface Flunder {
  readonly apiVersion: string;
  readonly kind: 'Flunder';
  readonly metadata: Record<string, unknown> & { readonly name: string; readonly namespace: string };
}

/** What came with a request: who the front proxy says it is from, and through which headers. */
export interface Seen {
  readonly method: string;
  readonly url: string;
  readonly headers: IncomingMessage['headers'];
}

/** A small API server of somebody else's, which believes who comes through the front proxy. */
export interface ExtensionServer {
  readonly port: number;
  /** The requests for resources, in order. */
  readonly seen: readonly Seen[];
  /** From now on: discovery in the aggregated form, or only in that of old servers. */
  aggregatesDiscovery: boolean;
  stop(): Promise<void>;
}

/**
 * @param serving its certificate
 * @param trust what kube-system/extension-apiserver-authentication says: whose certificates prove a front proxy
 */
export async function startExtensionServer(
  serving: KeyPair,
  trust: { readonly clientCa: string; readonly allowedNames: readonly string[] },
): Promise<ExtensionServer> {
  const objects = new Map<string, Flunder>();
  const events = new EventEmitter<{ event: [type: string, object: Flunder] }>().setMaxListeners(0);
  const seen: Seen[] = [];
  let revision = 0;

  const server = createServer({
    cert: serving.certificate,
    key: serving.key,
    ca: trust.clientCa,
    requestCert: true,
    rejectUnauthorized: false,
  });
  const isTrusted = (request: IncomingMessage) => {
    const socket = request.socket as TLSSocket;
    const name = socket.getPeerCertificate().subject?.CN;
    return socket.authorized && trust.allowedNames.includes(String(name));
  };

  server.on('request', (request, response) => {
    const url = new URL(request.url!, 'https://server');
    if (!isTrusted(request) || request.headers['x-remote-user'] === undefined)
      return json(response, 401, failure(401, 'Unauthorized', 'Unauthorized'));
    if (url.pathname === '/apis') return serveGroups(request, response);
    if (url.pathname === root) return json(response, 200, resourceList);
    if (url.pathname === '/openapi/v2') return json(response, 200, openApi2);
    if (url.pathname === '/openapi/v3') return json(response, 200, openApi3Index);
    if (url.pathname === `/openapi/v3${root}`) return json(response, 200, openApi3);
    seen.push({ method: request.method!, url: request.url!, headers: request.headers });
    if (url.pathname === `${root}/elsewhere`) return response.writeHead(302, { location: '/' }).end();
    serveFlunders(request, response, url).catch((error: unknown) => response.destroy(error as Error));
  });

  /** Says back what it is told. */
  server.on('upgrade', (request, socket) => {
    if (!isTrusted(request)) return socket.destroy();
    seen.push({ method: request.method!, url: request.url!, headers: request.headers });
    socket.write('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n');
    socket.pipe(socket);
  });

  function serveGroups(request: IncomingMessage, response: ServerResponse): void {
    const isAsked = String(request.headers.accept).includes('v=v2;');
    if (extension.aggregatesDiscovery && isAsked) {
      const type = 'application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList';
      response.writeHead(200, { 'content-type': type, etag: '"1"' }).end(JSON.stringify(aggregatedDiscovery));
    } else json(response, 200, { kind: 'APIGroupList', apiVersion: 'v1', groups: [] });
  }

  async function serveFlunders(request: IncomingMessage, response: ServerResponse, url: URL): Promise<void> {
    const match = FLUNDERS.exec(url.pathname);
    if (!match)
      return json(response, 404, failure(404, 'NotFound', 'the server could not find the requested resource'));
    const [, namespace, name] = match;
    const inScope = (object: Flunder) => namespace === undefined || object.metadata.namespace === namespace;
    if (request.method === 'POST') {
      const { metadata } = JSON.parse(await text(request)) as Flunder;
      const made = flunder({ ...metadata, namespace: namespace!, resourceVersion: `${++revision}` });
      objects.set(`${namespace}/${made.metadata.name}`, made);
      events.emit('event', 'ADDED', made);
      return json(response, 201, made);
    }
    if (url.searchParams.get('watch') === 'true' || url.searchParams.get('watch') === '1') {
      response.writeHead(200, { 'content-type': 'application/json' }).flushHeaders();
      const tell = (type: string, object: Flunder) => {
        if (inScope(object)) response.write(`${JSON.stringify({ type, object })}\n`);
      };
      events.on('event', tell);
      return void response.on('close', () => events.off('event', tell));
    }
    if (name === undefined) {
      const items = [...objects.values()].filter(inScope);
      const metadata = { resourceVersion: `${revision}` };
      return json(response, 200, { kind: 'FlunderList', apiVersion: `${group}/${version}`, metadata, items });
    }
    const found = objects.get(`${namespace}/${name}`);
    if (!found) return json(response, 404, failure(404, 'NotFound', `flunders.${group} "${name}" not found`));
    if (request.method === 'DELETE') {
      objects.delete(`${namespace}/${name}`);
      events.emit('event', 'DELETED', found);
    }
    json(response, 200, found);
  }

  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const extension: ExtensionServer = {
    port: (server.address() as AddressInfo).port,
    seen,
    aggregatesDiscovery: true,
    async stop() {
      server.close();
      server.closeAllConnections();
      await once(server, 'close').catch(() => {});
    },
  };
  return extension;
}

const FLUNDERS = new RegExp(`^${root}/(?:namespaces/([^/]+)/)?flunders(?:/([^/]+))?$`);
const verbs = ['create', 'delete', 'get', 'list', 'watch'];

const resourceList = {
  kind: 'APIResourceList',
  apiVersion: 'v1',
  groupVersion: `${group}/${version}`,
  resources: [
    { name: 'flunders', singularName: 'flunder', namespaced: true, kind: 'Flunder', shortNames: ['fl'], verbs },
  ],
};

const aggregatedDiscovery = {
  kind: 'APIGroupDiscoveryList',
  apiVersion: 'apidiscovery.k8s.io/v2',
  metadata: {},
  items: [
    {
      metadata: { name: group },
      versions: [
        {
          version,
          freshness: 'Current',
          resources: [
            {
              resource: 'flunders',
              responseKind: { group, version, kind: 'Flunder' },
              scope: 'Namespaced',
              singularResource: 'flunder',
              shortNames: ['fl'],
              verbs,
            },
          ],
        },
      ],
    },
  ],
};

const definition = 'com.example.wardle.v1alpha1.Flunder';
const schema = {
  description: 'A flunder.',
  type: 'object',
  properties: {
    apiVersion: { type: 'string' },
    kind: { type: 'string' },
    metadata: { type: 'object' },
    spec: { description: 'What it is to be.', type: 'object' },
  },
  'x-kubernetes-group-version-kind': [{ group, version, kind: 'Flunder' }],
};
const listPath = `${root}/namespaces/{namespace}/flunders`;
const operation = {
  operationId: 'createFlunder',
  'x-kubernetes-action': 'post',
  'x-kubernetes-group-version-kind': { group, version, kind: 'Flunder' },
};

const openApi2 = {
  swagger: '2.0',
  info: { title: 'Wardle', version: '1' },
  paths: {
    [listPath]: {
      post: {
        ...operation,
        responses: { 201: { description: 'OK', schema: { $ref: `#/definitions/${definition}` } } },
      },
    },
    '/healthz': { get: { responses: { 200: { description: 'OK' } } } },
  },
  definitions: { [definition]: schema, unused: { type: 'string' } },
};
const openApi3Index = { paths: { [root.slice(1)]: { serverRelativeURL: `/openapi/v3${root}?hash=ABC` } } };
const openApi3 = {
  openapi: '3.0.0',
  info: { title: 'Wardle', version: '1' },
  paths: { [listPath]: { post: operation } },
  components: { schemas: { [definition]: schema } },
};

function flunder(metadata: Flunder['metadata']): Flunder {
  const creationTimestamp = '2026-01-02T03:04:05Z';
  return { apiVersion: `${group}/${version}`, kind: 'Flunder', metadata: { ...metadata, creationTimestamp } };
}

function failure(code: number, reason: string, message: string): object {
  return { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Failure', message, reason, code };
}

function json(response: ServerResponse, status: number, body: object): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
}

async function text(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk);
  return Buffer.concat(chunks).toString();
}
