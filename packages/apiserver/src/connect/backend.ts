/** Where a request is passed on to, and how it gets there. */
import http, { type Agent, type ClientRequest, type OutgoingHttpHeaders } from 'node:http';
import https from 'node:https';
import type { ConnectionOptions } from 'node:tls';
import { serviceUnavailable } from '@keelson/api/errors';
import { type Dial, dialThrough } from './dial.ts';
import { goErrorText } from './goerror.ts';

export interface Backend {
  readonly scheme: 'http' | 'https';
  readonly host: string;
  /** As it was asked for; empty: the scheme's own. */
  readonly port: string;
  /** Decoded, may be empty. */
  readonly path: string;
  /** Without question mark. */
  readonly query: string;
  readonly tls: ConnectionOptions;
}

/** How long it may take until a connection stands. */
const DIAL_TIMEOUT_MS = 30_000;
const MAX_HEADER_BYTES = 64 * 1024;

/** Connections to backends, kept open for the next request. */
export class BackendPool {
  readonly #dial: Dial | undefined;
  readonly #http: Agent;
  readonly #https: https.Agent;
  #isClosed = false;

  /** @param dial how connections are made. Default: straight to the backend */
  constructor(dial?: Dial) {
    this.#dial = dial;
    this.#http = dialThrough(new http.Agent({ keepAlive: true, maxFreeSockets: 16 }), dial);
    this.#https = dialThrough(new https.Agent({ keepAlive: true, maxFreeSockets: 16 }), dial);
  }

  /** @throws StatusError 503 for a port that is none, and once the pool is closed */
  request(backend: Backend, options: RequestOptions): ClientRequest {
    if (this.#isClosed) throw serviceUnavailable('error trying to reach service: the server is shutting down');
    const port = portOf(backend);
    const isTls = backend.scheme === 'https';
    const request = (isTls ? https : http).request({
      host: backend.host,
      port,
      path: options.path ?? requestPath(backend),
      method: options.method,
      headers: options.headers,
      agent: this.#agent(isTls, options.isUpgrade ?? false),
      maxHeaderSize: MAX_HEADER_BYTES,
      ...(isTls ? backend.tls : {}),
    });
    request.setNoDelay(true);
    request.on('socket', (socket) => {
      if (!socket.connecting) return;
      const timer = setTimeout(() => request.destroy(dialTimeout(backend.host, port)), DIAL_TIMEOUT_MS);
      const stop = () => clearTimeout(timer);
      socket.once(isTls ? 'secureConnect' : 'connect', stop).once('close', stop);
    });
    return request;
  }

  /** A connection that is upgraded is nobody else's. */
  #agent(isTls: boolean, isUpgrade: boolean): Agent {
    if (!isUpgrade) return isTls ? this.#https : this.#http;
    return dialThrough(isTls ? new https.Agent() : new http.Agent(), this.#dial);
  }

  /** Ends what is under way, too. */
  close(): void {
    this.#isClosed = true;
    this.#http.destroy();
    this.#https.destroy();
  }
}

export interface RequestOptions {
  readonly method: string;
  readonly headers: OutgoingHttpHeaders;
  /** Encoded, with query. Default: the backend's. */
  readonly path?: string;
  readonly isUpgrade?: boolean;
}

/** What is asked of the backend when nothing else is. */
export function requestPath({ path, query }: Backend): string {
  return `${escapePath(path) || '/'}${query === '' ? '' : `?${query}`}`;
}

/** `host:port` */
export function targetOf(backend: Backend): string {
  const host = backend.host.includes(':') ? `[${backend.host}]` : backend.host;
  return `${host}:${backend.port || defaultPort(backend)}`;
}

/** Why the backend can't be reached, in Go's words. */
export function reasonOf(error: unknown, backend: Backend): string {
  return goErrorText(error, targetOf(backend));
}

function portOf(backend: Backend): number {
  if (backend.port === '') return defaultPort(backend);
  const port = /^\d+$/.test(backend.port) ? Number(backend.port) : undefined;
  if (port === undefined) throw unreachable(`lookup tcp/${backend.port}: unknown port`);
  if (port > 65_535) throw unreachable(`address ${backend.port}: invalid port`);
  return port;
}

function unreachable(why: string): Error {
  return serviceUnavailable(`error trying to reach service: dial tcp: ${why}`);
}

function defaultPort({ scheme }: Backend): number {
  return scheme === 'https' ? 443 : 80;
}

function dialTimeout(address: string, port: number): Error {
  return Object.assign(new Error('i/o timeout'), { code: 'ETIMEDOUT', address, port });
}

/** As Go's URL.EscapedPath writes a path: these stay, everything else is percent-encoded. */
export function escapePath(path: string): string {
  return path.replace(/[^A-Za-z0-9\-_.~$&+,/:;=@]/gu, (c) =>
    [...Buffer.from(c)].map((byte) => `%${byte.toString(16).toUpperCase().padStart(2, '0')}`).join(''),
  );
}
