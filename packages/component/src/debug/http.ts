/** `/debug` on ports of components beside the API server. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { HttpError } from '../serving/server.ts';
import { type DebugOptions, serveDebug } from './pages.ts';

/** Of a body that is a number. */
const MAX_BODY_BYTES = 1024;

/** @returns whether the path is one of these. @throws HttpError */
export async function answerDebug(
  request: IncomingMessage,
  response: ServerResponse,
  options: DebugOptions,
): Promise<boolean> {
  const { pathname: path, searchParams: query } = new URL(request.url ?? '/', 'https://component');
  const answer = await serveDebug(
    {
      method: request.method ?? 'GET',
      path,
      query,
      body: () => bodyOf(request),
      onGone: (callback) => void response.once('close', callback),
    },
    options,
  );
  if (!answer) return false;
  const { status, headers, body } = answer;
  response.writeHead(status, { ...headers, 'content-length': Buffer.byteLength(body) }).end(body);
  return true;
}

async function bodyOf(request: IncomingMessage): Promise<string> {
  let body = '';
  for await (const chunk of request.setEncoding('utf8')) {
    body += chunk;
    if (body.length > MAX_BODY_BYTES) throw new HttpError(413, 'Request Entity Too Large');
  }
  return body;
}
