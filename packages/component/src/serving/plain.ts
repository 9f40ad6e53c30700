/** A port without TLS for health and metrics, as whoever watches over a process asks for them. */
import { http } from '../node-http.ts';
import type { Running } from '../running.ts';

export interface PlainAnswer {
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body: string;
}

/** @returns undefined: there is no such path */
export type PlainHandler = (path: string) => PlainAnswer | undefined | Promise<PlainAnswer | undefined>;

/** @throws the error of listening (EADDRINUSE) */
export async function servePlain(
  { host, port }: { readonly host: string; readonly port: number },
  handle: PlainHandler,
): Promise<Running> {
  const server = http.createServer(async (request, response) => {
    try {
      const [path = '/'] = (request.url ?? '/').split('?');
      const {
        status = 200,
        headers = {},
        body,
      } = (await handle(path)) ?? { status: 404, body: '404 page not found\n' };
      response.writeHead(status, { 'content-length': Buffer.byteLength(body), ...headers }).end(body);
    } catch (error) {
      response.writeHead(500).end(`${(error as Error).message}\n`);
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
