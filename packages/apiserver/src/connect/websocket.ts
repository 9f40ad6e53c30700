/** The server's end of a websocket, for streams that are spoken here and not by a backend (httpstream/wsstream). */
import type { IncomingMessage } from 'node:http';
import { type WebSocket, WebSocketServer } from 'ws';
import { headerOf } from '../http/answer.ts';
import type { Upgrade } from '../http/exchange.ts';

/** Larger messages end the connection. */
const MAX_MESSAGE_BYTES = 4 * 1024 * 1024;

export function isWebSocket({ headers }: IncomingMessage): boolean {
  return headerOf(headers, 'upgrade').toLowerCase() === 'websocket';
}

/** Subprotocols that the client offers, in its order. */
export function offeredProtocols({ headers }: IncomingMessage): string[] {
  return headerOf(headers, 'sec-websocket-protocol')
    .split(',')
    .map((protocol) => protocol.trim())
    .filter((protocol) => protocol !== '');
}

/**
 * Answers 101, or 400 and 405 to handshakes that are none.
 * @param protocol chosen among those offered; empty for none
 * @returns paused, so that no message is lost; undefined when the handshake failed and has been answered
 */
export function acceptWebSocket(upgrade: Upgrade, protocol: string): Promise<WebSocket | undefined> {
  const { request, socket, head } = upgrade;
  const server = new WebSocketServer({ noServer: true, maxPayload: MAX_MESSAGE_BYTES, perMessageDeflate: false });
  // The library does not know subprotocols with a slash in their name: they are negotiated here.
  const { 'sec-websocket-protocol': _, ...headers } = request.headers;
  request.headers = headers;
  if (protocol !== '') server.on('headers', (lines) => lines.push(`Sec-WebSocket-Protocol: ${protocol}`));
  upgrade.switched();
  return new Promise((resolve) => {
    socket.once('close', () => resolve(undefined));
    server.handleUpgrade(request, socket, head, (accepted) => {
      accepted.pause();
      resolve(accepted);
    });
  });
}

/** Sends under back-pressure: resolves when the message is out, rejects when the connection is gone. */
export function send(socket: WebSocket, data: Buffer | string): Promise<void> {
  return new Promise((resolve, reject) => socket.send(data, (error) => (error ? reject(error) : resolve())));
}
