/** A connection through a proxy that is asked with CONNECT (RFC 9110 §9.3.6; upstream's tunnelHTTPConnect). */
import http from 'node:http';
import https from 'node:https';
import type { Socket } from 'node:net';
import type { ConnectionOptions } from 'node:tls';
import { errnoText } from '@keelson/component/go/errno';
import { joinHostPort } from '@keelson/component/go/net';
import { quote } from '@keelson/component/go/strconv';
import type { Destination } from '../connect/dial.ts';
import { goErrorText } from '../connect/goerror.ts';

export interface ConnectProxy {
  /** `host:port` or a path, as messages name it. */
  readonly address: string;
  readonly at: { readonly host: string; readonly port: number } | { readonly socketPath: string };
  readonly tls?: ConnectionOptions;
}

const TIMEOUT_MS = 30_000;
const MAX_HEADER_BYTES = 1024 * 1024;

/** @param onReached called when the connection to the proxy stands. @throws Error */
export function connectThrough(
  { address, at, tls }: ConnectProxy,
  to: Destination,
  onReached: () => void,
): Promise<Socket> {
  const target = joinHostPort(to.host, to.port);
  const request = (tls ? https : http).request({
    ...at,
    ...tls,
    method: 'CONNECT',
    path: target,
    headers: { host: '127.0.0.1' },
    agent: false,
    maxHeaderSize: MAX_HEADER_BYTES,
    signal: AbortSignal.timeout(TIMEOUT_MS),
  });
  let isReached = false;
  request.once('socket', (socket) =>
    socket.once(tls ? 'secureConnect' : 'connect', () => {
      isReached = true;
      onReached();
    }),
  );
  return new Promise((resolve, reject) => {
    const fail = (error: unknown) => {
      const why = reasonOf(error, at, address);
      const asking = `reading HTTP response from CONNECT to ${target} via proxy ${address} failed: ${why}`;
      reject(new Error(isReached ? asking : why, { cause: error }));
    };
    const answered = (response: http.IncomingMessage, socket: Socket, head: Buffer) => {
      const problem = problemOf(response, address, target, head);
      if (problem === undefined) return resolve(socket);
      socket.destroy();
      reject(new Error(problem));
    };
    request.once('error', fail);
    request.once('connect', (response, socket, head) => answered(response, socket as Socket, head));
    request.end();
  });
}

/** Why the proxy's answer is no connection. */
function problemOf(
  { statusCode, statusMessage }: http.IncomingMessage,
  address: string,
  target: string,
  head: Buffer,
): string | undefined {
  if (statusCode !== 200)
    return `proxy error from ${address} while dialing ${target}, code ${statusCode}: ${statusCode} ${statusMessage}`;
  // Whatever goes through it, the client speaks first.
  if (head.length > 0) return `unexpected ${head.length} bytes of buffered data from CONNECT proxy ${quote(address)}`;
  return undefined;
}

function reasonOf(error: unknown, at: ConnectProxy['at'], address: string): string {
  const { name, code } = error as NodeJS.ErrnoException;
  if (name === 'AbortError') return 'i/o timeout';
  const errno = 'socketPath' in at ? errnoText(code) : undefined;
  return errno === undefined ? goErrorText(error, address) : `dial unix ${address}: connect: ${errno}`;
}
