/** A container's log, from the kubelet (pkg/registry/core/pod/rest/log.go, registry/generic/rest). */
import type http from 'node:http';
import { pipeline } from 'node:stream/promises';
import { badRequest, internalError, StatusError } from '@keelson/api/errors';
import { meaningOf } from '@keelson/api/server-response';
import type { RequestContext } from '../context.ts';
import { commonHeaders } from '../handlers/send.ts';
import { type Backend, reasonOf, requestPath, targetOf } from './backend.ts';
import type { Forwarding } from './forward.ts';
import { acceptWebSocket, isWebSocket, offeredProtocols, send } from './websocket.ts';

/** How much of a kubelet's error is read. */
const ERROR_LIMIT_BYTES = 50_000;

/** @param backend undefined for a pod without a node. @throws StatusError what the kubelet says, or why it can't be reached */
export async function serveLog(ctx: RequestContext, backend: Backend | undefined, from: Forwarding): Promise<void> {
  const { exchange } = ctx;
  if (!backend) return exchange.respond(204, commonHeaders(ctx));
  const headers = { host: targetOf(backend), 'user-agent': 'kube-apiserver' };
  const request = from.pool.request(backend, { method: 'GET', headers });
  const unregister = from.register(() => request.destroy());
  exchange.onClose(() => request.destroy());
  try {
    const answer = await answered(request, backend);
    await checkAnswer(ctx, answer, backend);
    const upgrade = exchange.upgrade?.();
    if (upgrade && isWebSocket(upgrade.request)) return await overWebSocket(ctx, answer);
    const out = exchange.begin(200, { ...commonHeaders(ctx), 'content-type': 'text/plain' });
    answer.on('data', (chunk: Buffer) => {
      exchange.bytesSent += chunk.length;
    });
    answer.pause();
    await pipeline(answer, out).catch(() => exchange.abort());
  } finally {
    unregister();
  }
}

function answered(request: http.ClientRequest, backend: Backend): Promise<http.IncomingMessage> {
  return new Promise((resolve, reject) => {
    request.on('response', resolve);
    request.on('error', (error) => {
      const url = `https://${targetOf(backend)}${requestPath(backend)}`;
      reject(new StatusError(500, '', `Get ${JSON.stringify(url)}: ${reasonOf(error, backend)}`));
    });
    request.end();
  });
}

/** @throws StatusError */
async function checkAnswer(ctx: RequestContext, answer: http.IncomingMessage, backend: Backend): Promise<void> {
  const code = answer.statusCode ?? 0;
  if (code >= 200 && code <= 206) return;
  const text = await beginning(answer);
  if (answer.headers.location !== undefined && code >= 300 && code < 400) {
    const url = new URL(answer.headers.location, `https://${targetOf(backend)}`);
    throw new StatusError(500, '', `Get ${JSON.stringify(String(url))}: redirects forbidden`);
  }
  if (code === 500) throw internalError(text);
  if (code === 400) throw badRequest(text);
  throw kubeletError(code, ctx.info.name, text);
}

async function beginning(answer: http.IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of answer) {
    chunks.push(chunk as Buffer);
    size += (chunk as Buffer).length;
    if (size >= ERROR_LIMIT_BYTES) break;
  }
  return Buffer.concat(chunks).subarray(0, ERROR_LIMIT_BYTES).toString();
}

function kubeletError(code: number, pod: string, text: string): StatusError {
  const { reason, message } = meaningOf(code, text, false);
  return new StatusError(code, reason, `${message} ( pods/log ${pod})`, { name: pod, kind: 'pods/log' });
}

const BINARY = 'binary.k8s.io';
const BASE64 = 'base64.binary.k8s.io';

/** For browsers: messages of the log's bytes, after an empty one that says that it begins. */
async function overWebSocket({ exchange }: RequestContext, answer: http.IncomingMessage): Promise<void> {
  const upgrade = exchange.upgrade!();
  const offered = offeredProtocols(upgrade.request);
  const protocol = offered.length === 0 ? '' : offered.find((p) => p === BINARY || p === BASE64);
  if (protocol === undefined) return exchange.respond(403, {});
  const socket = await acceptWebSocket(upgrade, protocol);
  if (!socket) return;
  const encode = (data: Buffer) => (protocol === BASE64 ? data.toString('base64') : data);
  socket.on('error', () => socket.terminate()).on('close', () => answer.destroy());
  socket.resume();
  try {
    await send(socket, encode(Buffer.alloc(0)));
    for await (const chunk of answer) await send(socket, encode(chunk as Buffer));
  } catch {
    // Either side has gone: the close below tells the other.
  }
  socket.close(1000);
}
