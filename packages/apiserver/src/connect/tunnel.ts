/**
 * Port-forward over a websocket: binary messages carry the bytes of a SPDY connection, which goes to the kubelet as it
 * is (apiserver/pkg/util/proxy/streamtunnel.go).
 */

import { StatusError } from '@keelson/api/errors';
import { createWebSocketStream } from 'ws';
import type { RequestContext } from '../context.ts';
import type { Upgrade } from '../http/exchange.ts';
import type { Backend } from './backend.ts';
import type { Forwarding } from './forward.ts';
import { forwardedHeaders } from './headers.ts';
import { dialUpgrade, join, passRefusal } from './upgrade.ts';
import { acceptWebSocket, isWebSocket, offeredProtocols } from './websocket.ts';

const PREFIX = 'SPDY/3.1+';
const SUFFIX = '.k8s.io';

export function wantsTunnel({ request }: Upgrade): boolean {
  return isWebSocket(request) && tunnelled(request).length > 0;
}

function tunnelled(request: Upgrade['request']): string[] {
  return offeredProtocols(request)
    .filter((p) => p.startsWith(PREFIX) && p.endsWith(SUFFIX))
    .map((p) => p.slice(PREFIX.length));
}

/** @throws StatusError 500 when the kubelet can't be reached or does not speak SPDY */
export async function tunnel(
  ctx: RequestContext,
  upgrade: Upgrade,
  backend: Backend,
  forwarding: Forwarding,
): Promise<void> {
  const headers = forwardedHeaders(ctx, { requestHeader: forwarding.requestHeader, isUpgrade: true });
  for (const name of Object.keys(headers)) if (name.startsWith('sec-websocket-')) delete headers[name];
  headers.upgrade = 'SPDY/3.1';
  headers['x-stream-protocol-version'] = tunnelled(upgrade.request);
  const found = await dialUpgrade(ctx, backend, forwarding, 'POST', headers);
  if (!found.socket) return passRefusal(ctx, found.answer);
  const { headers: answered } = found.answer;
  if (answered.upgrade?.toLowerCase() !== 'spdy/3.1') {
    found.socket.destroy();
    throw new StatusError(500, '', 'unable to upgrade: missing upgrade headers in response');
  }
  const chosen = answered['x-stream-protocol-version'];
  const socket = await acceptWebSocket(upgrade, chosen ? `${PREFIX}${chosen}` : '');
  if (!socket) {
    found.socket.destroy();
    return;
  }
  await join(forwarding, upgrade, createWebSocketStream(socket), found.socket, found.head);
}
