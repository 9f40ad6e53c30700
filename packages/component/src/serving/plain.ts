/** A port without TLS for health and metrics, as whoever watches over a process asks for them. */
import http, { type IncomingMessage, type OutgoingHttpHeaders, type ServerResponse } from 'node:http';
import type { Running } from '../running.ts';
import { HttpError } from './server.ts';

export interface PlainAnswer {
  readonly status?: number;
  readonly headers?: OutgoingHttpHeaders;
  readonly body: string;
}

export type PlainRequest = Pick<IncomingMessage, 'method' | 'url' | 'headers'>;

/** @param path without the query. @returns undefined: there is no such path. @throws HttpError */
export type PlainHandler = (
  path: string,
  request: PlainRequest,
) => PlainAnswer | undefined | Promise<PlainAnswer | undefined>;

/** Paths that ports of several components have. @returns undefined for others. @throws HttpError */
export type Pages = (request: PlainRequest) => PlainAnswer | undefined;

/** @throws the error of listening (EADDRINUSE) */
export function servePlain(
  at: { readonly host: string; readonly port: number },
  handle: PlainHandler,
): Promise<Running> {
  return listenPlain(at, async (request, response) => {
    const [path = '/'] = (request.url ?? '/').split('?');
    const answer = (await handle(path, request)) ?? { status: 404, body: '404 page not found\n' };
    const { status = 200, headers = {}, body } = answer;
    response.writeHead(status, { 'content-length': Buffer.byteLength(body), ...headers }).end(body);
  });
}

/** For answers that are no text of their own. @param handle throws HttpError @throws the error of listening (EADDRINUSE) */
export async function listenPlain(
  { host, port }: { readonly host: string; readonly port: number },
  handle: (request: IncomingMessage, response: ServerResponse) => Promise<void>,
): Promise<Running> {
  const server = http.createServer(async (request, response) => {
    try {
      await handle(request, response);
    } catch (error) {
      if (response.headersSent) return response.destroy();
      response.writeHead(error instanceof HttpError ? error.status : 500).end(`${(error as Error).message}\n`);
    }
  });
  const { promise: done, resolve } = Promise.withResolvers<void>();
  await new Promise<void>((listening, reject) => {
    server.once('error', reject);
    server.listen({ host, port }, listening);
  });
  return {
    done,
    stop: async () => {
      server.close(() => resolve());
      server.closeAllConnections();
      await done;
    },
  };
}
