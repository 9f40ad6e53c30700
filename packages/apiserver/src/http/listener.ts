/**
 * TLS with HTTP/1.1 and HTTP/2 on one port (ALPN). There is no plain port.
 */
import { X509Certificate } from 'node:crypto';
import http, { type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import tls, { type TLSSocket } from 'node:tls';
import { systemClock } from '@keelson/api/clock';
import { ServerConnection } from '@keelson/component/http2/server-connection';
import { trusting } from '@keelson/component/trust';
import { methodNotAllowed } from '../router.ts';
import { type Exchange, exchangeOfRequest, exchangeOfStream } from './exchange.ts';
import { exchangeOfUpgrade, hasNoBody } from './upgrade.ts';

export interface ServingCertificate {
  readonly cert: string;
  readonly key: string;
}

/** A certificate for some of the names that clients call the server by (SNI). */
export interface NamedCertificate extends ServingCertificate {
  /** Host names; `*.example.com` is any name one level below. Empty: those that the certificate says. */
  readonly names: readonly string[];
}

/** What may change while the server runs. */
export interface TlsMaterial {
  readonly certificate: ServingCertificate;
  /** Come before `certificate` where a name fits; the first that does is taken. */
  readonly named: readonly NamedCertificate[];
  /** PEM bundle of the CAs whose client certificates are asked for; none: clients are not asked. */
  readonly clientCa: string | undefined;
}

export interface TlsOptions {
  readonly minVersion?: 'TLSv1.2' | 'TLSv1.3';
  /** In OpenSSL's syntax; without it Node's. */
  readonly ciphers?: string;
  /** By which keys are agreed on, likewise. */
  readonly groups?: string;
}

export interface ListeningOptions {
  /** HTTP/1.1 alone. */
  readonly disableHttp2?: boolean;
  /** Of HTTP/2, on each connection. */
  readonly maxStreamsPerConnection?: number;
  /** Others may listen at the same port, and connections are spread over all (SO_REUSEPORT). */
  readonly sharesPort?: boolean;
}

export interface ListenerOptions extends ListeningOptions {
  readonly host: string;
  /** 0: the operating system picks one. */
  readonly port: number;
  readonly material: TlsMaterial;
  readonly tls?: TlsOptions;
  readonly onExchange: (exchange: Exchange) => void;
  /** A connection has ended by an error of ours. */
  readonly onFault: (error: unknown) => void;
  /** A connection has come to nothing. */
  readonly onHandshakeError?: () => void;
}

export interface Listener {
  readonly port: number;
  /** New connections use these from now on. */
  setMaterial(material: TlsMaterial): void;
  /** Connections over HTTP/1.1 end with the next answer, from now on. */
  endWithAnswers(): void;
  /** No new connections; those that are open take no new requests (HTTP/2 GOAWAY). */
  stopAccepting(): void;
  /** Resolves when all connections are gone; cuts what is left after `graceMs`. */
  close(graceMs: number): Promise<void>;
}

/** The bounds that slow or hostile clients run into; that of fields is net/http's. */
const HEADER_LIMIT_BYTES = 1024 * 1024;
const HEADERS_TIMEOUT_MS = 30_000;
const IDLE_TIMEOUT_MS = 180_000;
const HANDSHAKE_TIMEOUT_MS = 10_000;
const MAX_STREAMS_PER_CONNECTION = 250;

/** Node's parser refuses methods that it does not know before anybody could route them. */
const UNKNOWN_METHOD = (() => {
  const body = `${JSON.stringify(methodNotAllowed().toStatus())}\n`;
  return `HTTP/1.1 405 Method Not Allowed\r\nContent-Type: application/json\r\nCache-Control: no-cache, private\r\nContent-Length: ${body.length}\r\nConnection: close\r\n\r\n${body}`;
})();

const HEADER_OVERFLOW = '431 Request Header Fields Too Large';

/** To what cannot be read. */
const refusal = (status: string) =>
  `HTTP/1.1 ${status}\r\nContent-Type: text/plain; charset=utf-8\r\nConnection: close\r\n\r\n${status}`;

/** @throws the error of `listen`: EADDRINUSE, EACCES */
export async function listen(options: ListenerOptions): Promise<Listener> {
  const h1 = http.createServer({
    maxHeaderSize: HEADER_LIMIT_BYTES,
    headersTimeout: HEADERS_TIMEOUT_MS,
    keepAliveTimeout: IDLE_TIMEOUT_MS,
    requestTimeout: 0,
    shouldUpgradeCallback: hasNoBody,
  });
  // Their bytes are what bounds them.
  h1.maxHeadersCount = 0;
  /** Answers over HTTP/1.1 that are under way. */
  const answers = new Set<ServerResponse>();
  let endsWithAnswers = false;
  h1.on('request', (req, res) => {
    answers.add(res);
    res.once('close', () => answers.delete(res));
    if (endsWithAnswers) res.shouldKeepAlive = false;
    options.onExchange(exchangeOfRequest(req, res));
  });
  h1.on('upgrade', (req, socket, head) => options.onExchange(exchangeOfUpgrade(req, socket, head)));
  h1.on('clientError', (error: NodeJS.ErrnoException, socket) => {
    if (!socket.writable) socket.destroy();
    else if (error.code === 'HPE_INVALID_METHOD') socket.end(UNKNOWN_METHOD);
    else socket.end(refusal(error.code === 'HPE_HEADER_OVERFLOW' ? HEADER_OVERFLOW : '400 Bad Request'));
  });

  const date = dateOf(Date.now);
  const connections = new Set<ServerConnection>();
  const serveHttp2 = (socket: TLSSocket): void => {
    const connection: ServerConnection = new ServerConnection(socket, {
      maxConcurrentStreams: options.maxStreamsPerConnection ?? MAX_STREAMS_PER_CONNECTION,
      maxHeaderListBytes: HEADER_LIMIT_BYTES,
      streamWindow: 256 * 1024,
      connectionWindow: 1024 * 1024,
      now: () => performance.now(),
      clock: systemClock,
      onStream: (stream) => options.onExchange(exchangeOfStream(stream, connection, date)),
      onFault: options.onFault,
    });
    connections.add(connection);
    socket.once('close', () => connections.delete(connection));
    socket.setTimeout(IDLE_TIMEOUT_MS, () => {
      if (connection.openStreams === 0) connection.leave();
    });
  };

  const sockets = new Set<TLSSocket>();
  let named = namedContexts(options.material, options.tls);
  const server = tls.createServer(
    {
      ...secureContext(options.material.certificate, options.material, options.tls),
      SNICallback: (name, done) => done(null, named.find(({ fits }) => fits(name))?.context),
      ALPNProtocols: options.disableHttp2 ? ['http/1.1'] : ['h2', 'http/1.1'],
      handshakeTimeout: HANDSHAKE_TIMEOUT_MS,
      requestCert: true,
      rejectUnauthorized: false,
    },
    (socket) => {
      sockets.add(socket);
      socket.setNoDelay(true);
      socket.on('error', () => socket.destroy());
      socket.once('close', () => sockets.delete(socket));
      if (socket.alpnProtocol === 'h2') serveHttp2(socket);
      else h1.emit('connection', socket);
    },
  );
  server.on('tlsClientError', (_error, socket) => {
    options.onHandshakeError?.();
    socket.destroy();
  });

  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    const { host, port, sharesPort = false } = options;
    server.listen({ host, port, backlog: 1024, ...(sharesPort ? { reusePort: true } : {}) }, () => {
      server.removeListener('error', reject);
      resolve();
    });
  });

  let stopped: Promise<void> | undefined;
  const endWithAnswers = () => {
    endsWithAnswers = true;
    for (const res of answers) res.shouldKeepAlive = false;
  };
  return {
    port: (server.address() as AddressInfo).port,
    setMaterial: (material) => {
      named = namedContexts(material, options.tls);
      server.setSecureContext(secureContext(material.certificate, material, options.tls));
    },
    endWithAnswers,
    stopAccepting: () => {
      endWithAnswers();
      stopped ??= new Promise<void>((resolve) => server.close(() => resolve()));
      h1.closeIdleConnections();
      for (const connection of connections) connection.leave();
    },
    close: async (graceMs) => {
      stopped ??= new Promise<void>((resolve) => server.close(() => resolve()));
      h1.closeIdleConnections();
      for (const connection of connections) connection.leave();
      const cut = setTimeout(() => {
        for (const socket of sockets) socket.destroy();
      }, graceMs);
      await stopped;
      clearTimeout(cut);
    },
  };
}

/** The header of that name (RFC 9110, 5.6.7), made once a second. @param now milliseconds since 1970 */
function dateOf(now: () => number): () => string {
  let second = 0;
  let text = '';
  return () => {
    const current = Math.floor(now() / 1000);
    if (current !== second) {
      second = current;
      text = new Date(current * 1000).toUTCString();
    }
    return text;
  };
}

function secureContext(
  { cert, key }: ServingCertificate,
  { clientCa }: TlsMaterial,
  { minVersion = 'TLSv1.2', ciphers, groups }: TlsOptions = {},
): tls.SecureContextOptions {
  const chosen = { ...(ciphers ? { ciphers } : {}), ...(groups ? { ecdhCurve: groups } : {}) };
  return { cert, key, ...trusting(clientCa), minVersion, ...chosen };
}

function namedContexts(material: TlsMaterial, options: TlsOptions | undefined) {
  return material.named.map((entry) => {
    const certificate = new X509Certificate(entry.cert);
    const hosts = entry.names.map((name) => name.toLowerCase());
    return {
      context: tls.createSecureContext(secureContext(entry, material, options)),
      fits: (name: string) =>
        hosts.length === 0
          ? certificate.checkHost(name) !== undefined
          : hosts.includes(name.toLowerCase()) || hosts.includes(name.toLowerCase().replace(/^[^.]+/, '*')),
    };
  });
}
