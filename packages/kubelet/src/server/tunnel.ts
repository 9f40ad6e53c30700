/**
 * Port-forward as a SPDY connection whose bytes are the messages of a websocket, so that it gets through what knows no SPDY
 * (apiserver/pkg/util/proxy/streamtunnel.go).
 */
import type http from 'node:http';
import { createWebSocketStream } from 'ws';
import type { ServePortForward } from './exec.ts';
import { choosePortForward, forwardPorts } from './spdy.ts';
import { accept, isWebSocket, offered } from './websocket.ts';

const PREFIX = 'SPDY/3.1+';
const SUFFIX = '.k8s.io';

/** The protocols of SPDY that are offered in the tunnel. */
function tunnelled(request: http.IncomingMessage): string[] {
  return offered(request)
    .filter((each) => each.startsWith(PREFIX) && each.endsWith(SUFFIX))
    .map((each) => each.slice(PREFIX.length));
}

export function wantsTunnel(request: http.IncomingMessage): boolean {
  return isWebSocket(request) && tunnelled(request).length > 0;
}

/** @throws HttpError 403 when this is not the protocol that is offered */
export const servePortForward: ServePortForward = async (request, socket, head, pod, dial) => {
  const protocol = choosePortForward(tunnelled(request));
  const client = await accept(request, socket, head, `${PREFIX}${protocol}`);
  const tunnel = createWebSocketStream(client);
  client.resume();
  await forwardPorts(tunnel, pod, dial);
};
