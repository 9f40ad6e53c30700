/**
 * The HTTPS port of a component beside the API server: who asks is found out, whether they may is asked, then the handler
 * answers. Requests that want another protocol go the same way.
 *
 *     TLS ─▶ client certificate, or bearer token, or nobody ─▶ may they? ─▶ handle, or upgrade
 */
import http, { type IncomingMessage, type ServerResponse } from 'node:http';
import https from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { TLSSocket } from 'node:tls';
import type { Running } from '../running.ts';
import { trusting } from '../trust.ts';
import { ANONYMOUS, type User, userOf } from './user.ts';

export interface ServingOptions {
  readonly host: string;
  /** 0: the operating system picks one. */
  readonly port: number;
  readonly tls: {
    /** Undefined: there is none yet, and handshakes fail until {@link Serving.setCertificate}. */
    readonly certificate: { readonly cert: string; readonly key: string } | undefined;
    /** PEM of the authorities whose client certificates name users. */
    readonly clientCa?: string | undefined;
  };
  /** @returns undefined for a token that is nobody's. Without it tokens are no credentials. */
  readonly authenticate?: ((token: string) => Promise<User | undefined>) | undefined;
  /** Whether requests without credentials are taken, as `system:anonymous`. */
  readonly anonymous: boolean;
  /** @returns why not; undefined: they may */
  readonly authorize: (user: User, request: IncomingMessage) => Promise<string | undefined>;
  readonly handle: (request: IncomingMessage, response: ServerResponse) => Promise<void>;
  /** Without it nobody gets another protocol. */
  readonly upgrade?: (request: IncomingMessage, socket: Duplex, head: Buffer) => Promise<void>;
  readonly failed: (error: unknown, request: IncomingMessage) => void;
}

export interface Serving extends Running {
  readonly port: number;
  /** New connections use it from now on. */
  setCertificate(certificate: { readonly cert: string; readonly key: string }): void;
  /** New connections are asked for certificates of these authorities (PEM); where it began without any, none are asked for. */
  setClientCa(clientCa: string): void;
}

/** An answer other than 200, thrown. */
export class HttpError extends Error {
  override readonly name = 'HttpError';
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

const HEADERS_TIMEOUT_MS = 10_000;
const MAX_HEADER_BYTES = 64 * 1024;
/** A record of TLS with a fatal alert, internal_error: what a server of Go's says that is asked for a certificate and has none. */
const NO_CERTIFICATE = Buffer.of(0x15, 3, 3, 0, 2, 2, 80);

/** @throws the error of listening (EADDRINUSE) */
export async function serve(options: ServingOptions): Promise<Serving> {
  const { certificate, clientCa } = options.tls;
  const server = https.createServer({
    ...certificate,
    ...trusting(clientCa),
    minVersion: 'TLSv1.2',
    requestCert: clientCa !== undefined,
    rejectUnauthorized: false,
    headersTimeout: HEADERS_TIMEOUT_MS,
    maxHeaderSize: MAX_HEADER_BYTES,
    requestTimeout: 0,
  });
  const sockets = new Set<Socket>();
  server.on('connection', (socket: Socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
  });
  let current = { ...certificate, ...trusting(clientCa) };
  const [shakeHands] = server.listeners('connection') as [(socket: Socket) => void];
  server.off('connection', shakeHands).on('connection', (socket: Socket) => {
    if (current.cert === undefined) refuseHandshake(socket);
    else shakeHands.call(server, socket);
  });
  server.on('tlsClientError', (_, socket) => socket.destroy());
  server.on('request', (request, response) => {
    admit(options, request)
      .then(() => options.handle(request, response))
      .catch((error: unknown) => answerError(options, request, response, error));
  });
  server.on('upgrade', (request, socket, head) => {
    socket.on('error', () => socket.destroy());
    const { upgrade } = options;
    admit(options, request)
      .then(() => {
        if (!upgrade) throw new HttpError(400, 'this path takes no other protocol');
        return upgrade(request, socket, head);
      })
      .catch((error: unknown) => refuseUpgrade(options, request, socket, error));
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen({ host: options.host, port: options.port }, resolve);
  });
  const { promise: done, resolve } = Promise.withResolvers<void>();
  const use = (next: typeof current) => {
    current = next;
    server.setSecureContext(next);
  };
  return {
    port: (server.address() as AddressInfo).port,
    done,
    setCertificate: (next) => use({ ...current, ...next }),
    setClientCa: (ca) => use({ ...current, ...trusting(ca) }),
    stop: async () => {
      server.close(() => resolve());
      server.closeIdleConnections();
      for (const socket of sockets) socket.destroy();
      await done;
    },
  };
}

/** Behind what the client says first: an end before that would cost it the answer. */
function refuseHandshake(socket: Socket): void {
  socket.setTimeout(HEADERS_TIMEOUT_MS, () => socket.destroy());
  socket.on('error', () => socket.destroy()).once('data', () => socket.resume().end(NO_CERTIFICATE));
}

/** @throws HttpError 401, 403 */
async function admit(options: ServingOptions, request: IncomingMessage): Promise<void> {
  const user = await userBehind(request, options);
  if (!user) throw new HttpError(401, 'Unauthorized');
  const refusal = await options.authorize(user, request);
  if (refusal !== undefined) throw new HttpError(403, refusal);
}

async function userBehind(
  { socket, headers }: IncomingMessage,
  { authenticate, anonymous }: ServingOptions,
): Promise<User | undefined> {
  const tls = socket as TLSSocket;
  const certificate = tls.authorized ? tls.getPeerX509Certificate() : undefined;
  const named = certificate && userOf(certificate);
  if (named) return named;
  const token = /^bearer +(\S+)$/i.exec(headers.authorization ?? '')?.[1];
  if (authenticate && token !== undefined) return authenticate(token);
  return anonymous ? ANONYMOUS : undefined;
}

function answerError(
  options: ServingOptions,
  request: IncomingMessage,
  response: ServerResponse,
  error: unknown,
): void {
  const { status, text } = wordsOf(options, request, error);
  if (response.headersSent) {
    response.destroy();
    return;
  }
  response.writeHead(status, {
    'content-type': 'text/plain; charset=utf-8',
    'content-length': Buffer.byteLength(text),
  });
  response.end(text);
}

function refuseUpgrade(options: ServingOptions, request: IncomingMessage, socket: Duplex, error: unknown): void {
  const { status, text } = wordsOf(options, request, error);
  if (socket.destroyed) return;
  const head = `HTTP/1.1 ${status} ${http.STATUS_CODES[status] ?? ''}\r\nContent-Type: text/plain; charset=utf-8\r\n`;
  socket.end(`${head}Content-Length: ${Buffer.byteLength(text)}\r\nConnection: close\r\n\r\n${text}`);
}

function wordsOf(
  { failed }: ServingOptions,
  request: IncomingMessage,
  error: unknown,
): { status: number; text: string } {
  if (error instanceof HttpError) return { status: error.status, text: error.message };
  failed(error, request);
  return { status: 500, text: `Internal Error: ${error instanceof Error ? error.message : String(error)}` };
}
