/** Where the events of a watch go: into a body that goes on, or into the messages of a websocket (endpoints/handlers/watch.go). */
import type { WebSocket } from 'ws';
import { withoutTokenProtocol } from '../authn/bearer.ts';
import { acceptWebSocket, isWebSocket, offeredProtocols } from '../connect/websocket.ts';
import type { RequestContext } from '../context.ts';
import { headerOf } from '../http/answer.ts';
import type { Upgrade } from '../http/exchange.ts';
import { commonHeaders } from './send.ts';

export interface WatchSink {
  /** Whether frames may come put together: nobody counts them. */
  readonly isStream: boolean;
  /** @returns false: there is no room for more until `onDrain` is called */
  write(frames: readonly Buffer[]): boolean;
  end(): void;
}

/**
 * Begins the answer.
 * @param contentType of the events
 * @returns undefined when a handshake was refused, which has been answered
 */
export async function openSink(
  ctx: RequestContext,
  contentType: string,
  onDrain: () => void,
): Promise<WatchSink | undefined> {
  const upgrade = ctx.exchange.upgrade?.();
  return upgrade && isWebSocket(upgrade.request)
    ? openWebSocket(ctx, upgrade, contentType, onDrain)
    : openBody(ctx, contentType, onDrain);
}

function openBody(ctx: RequestContext, contentType: string, onDrain: () => void): WatchSink {
  const { exchange } = ctx;
  const isChunked = exchange.httpVersion === '1.1' && !exchange.upgrade;
  const out = exchange.begin(200, {
    ...commonHeaders(ctx),
    'content-type': contentType,
    ...(isChunked ? { 'transfer-encoding': 'chunked' } : {}),
  });
  out.on('drain', onDrain);
  return {
    isStream: true,
    write: (frames) => out.write(inOnePiece(frames)),
    end: () => {
      if (!exchange.closed) out.end();
    },
  };
}

/**
 * Many who watch the same are sent the same frames one after the other: the last ones are put together once. Of 200
 * watchers that are sent five events at a time this saves 200 copies, and with the garbage a sixth of the CPU time.
 */
function inOnePiece(frames: readonly Buffer[]): Buffer {
  if (frames.length === 1) return frames[0]!;
  if (frames.length !== joinedLast.frames.length || frames.some((frame, i) => frame !== joinedLast.frames[i])) {
    joinedLast = { frames, joined: Buffer.concat(frames) };
  }
  return joinedLast.joined;
}
let joinedLast: { readonly frames: readonly Buffer[]; readonly joined: Buffer } = {
  frames: [],
  joined: Buffer.alloc(0),
};

/** So much may wait for the client. */
const MAX_BUFFERED_BYTES = 64 * 1024;
/** Before each event in protobuf, in a body: a message has a length of its own. */
const LENGTH_BYTES = 4;

/** Each event is a message: of text in JSON, of bytes in protobuf. What the client says is not listened to. */
async function openWebSocket(
  ctx: RequestContext,
  upgrade: Upgrade,
  contentType: string,
  onDrain: () => void,
): Promise<WatchSink | undefined> {
  const { exchange } = ctx;
  const protocols = withoutTokenProtocol(offeredProtocols(upgrade.request));
  // The handshake of golang.org/x/net/websocket wants to know the page that asks, and chooses among one at most.
  const refusal = headerOf(exchange.headers, 'origin') === '' ? 403 : protocols.length > 1 ? 400 : undefined;
  if (refusal !== undefined) {
    exchange.respond(refusal, {});
    return undefined;
  }
  const socket = await acceptWebSocket(upgrade, protocols[0] ?? '');
  if (!socket) return undefined;
  socket.on('error', () => socket.terminate()).on('message', () => {});
  socket.resume();
  const isText = contentType.startsWith('application/json');
  return {
    isStream: false,
    write: (frames) => sendAll(socket, frames, isText, onDrain),
    end: () => socket.close(1000),
  };
}

function sendAll(socket: WebSocket, frames: readonly Buffer[], isText: boolean, onDrain: () => void): boolean {
  for (const [i, frame] of frames.entries()) {
    const sent = i === frames.length - 1 ? onDrain : undefined;
    socket.send(isText ? frame : frame.subarray(LENGTH_BYTES), { binary: !isText }, () => sent?.());
  }
  return socket.bufferedAmount <= MAX_BUFFERED_BYTES;
}
