/** A connection to a server through a proxy, as Go's transport makes it: CONNECT over HTTP, or SOCKS 5 (RFC 1928). */

import http from 'node:http';
import https from 'node:https';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { unbracketed } from '@keelson/component/go/net';
import type { TlsMaterial } from './tls.ts';

const SOCKS = 'socks5:';
const DEFAULT_PORTS: Readonly<Record<string, number>> = { 'http:': 80, 'https:': 443, [SOCKS]: 1080 };

export const isSocks = (proxy: URL): boolean => proxy.protocol === SOCKS;

/**
 * Names are resolved by the proxy.
 * @param material what a proxy of https is spoken to with
 * @throws Error of the network, or of a proxy that does not want
 */
export async function openTunnel(
  proxy: URL,
  to: { readonly host: string; readonly port: number },
  timeoutMs: number,
  material?: TlsMaterial,
): Promise<Socket> {
  const host = unbracketed(proxy.hostname);
  const port = proxy.port === '' ? DEFAULT_PORTS[proxy.protocol]! : Number(proxy.port);
  const [user, password] = [proxy.username, proxy.password].map(decodeURIComponent) as [string, string];
  if (isSocks(proxy)) {
    // Few proxies are of this kind: the library is read when one is.
    const { SocksClient } = await import('socks');
    const { socket } = await SocksClient.createConnection({
      proxy: { host, port, type: 5, ...(user ? { userId: user, password } : {}) },
      command: 'connect',
      destination: { host: unbracketed(to.host), port: to.port },
      timeout: timeoutMs,
    });
    return socket;
  }
  const authority = `${to.host}:${to.port}`;
  const request = (proxy.protocol === 'https:' ? https : http).request({
    host,
    port,
    method: 'CONNECT',
    path: authority,
    headers: {
      host: authority,
      ...(user ? { 'proxy-authorization': `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}` } : {}),
    },
    agent: false,
    signal: AbortSignal.timeout(timeoutMs),
    ...(material ? { secureContext: material.context, rejectUnauthorized: !material.insecureSkipVerify } : {}),
  });
  return new Promise((resolve, reject) => {
    request.once('error', reject);
    request.once('connect', ({ statusCode, statusMessage }, socket: Duplex, head) => {
      // The server may have spoken already.
      if (head.length > 0) socket.unshift(head);
      if (statusCode === 200) return resolve(socket as Socket);
      socket.destroy();
      reject(new Error(statusMessage || `the proxy answered ${statusCode}`));
    });
    request.end();
  });
}
