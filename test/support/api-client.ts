import type { IncomingHttpHeaders } from 'node:http';
import https from 'node:https';
import { OutcomeUnknownError } from './outcome.ts';

export interface HttpAnswer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly bytes: Buffer;
  /** The same as text. */
  readonly body: string;
}

/** A bare client, which repeats nothing: what it is told is what the server said. */
export interface ApiClient {
  /**
   * @param body JSON, where it is no Buffer
   * @param headers besides the client's own, or in their place; names in lower case
   * @throws OutcomeUnknownError
   */
  send(
    method: string,
    path: string,
    body?: object | Buffer,
    headers?: Readonly<Record<string, string>>,
  ): Promise<HttpAnswer>;
  /** @returns the status of the answer once it has ended; 0 where the connection broke before there was one */
  watch(path: string, onEvent: (event: unknown) => void): Promise<number>;
  /** Ends watches, too. */
  close(): void;
}

export function apiClient(url: string, token: string): ApiClient {
  const agent = new https.Agent({ keepAlive: true, rejectUnauthorized: false });
  const watches = new Set<{ destroy(): void }>();
  const options = (method: string, body?: Buffer, headers?: Readonly<Record<string, string>>) => ({
    method,
    agent,
    rejectUnauthorized: false,
    headers: {
      authorization: `Bearer ${token}`,
      'content-type': method === 'PATCH' ? 'application/merge-patch+json' : 'application/json',
      // Node sends the body of a DELETE without saying how long it is.
      ...(body && { 'content-length': body.length }),
      ...headers,
    },
  });
  const send: ApiClient['send'] = (method, path, body, headers) =>
    new Promise((resolve, reject) => {
      const fail = (): void => reject(new OutcomeUnknownError(`${method} ${path}`));
      const sent = body && (Buffer.isBuffer(body) ? body : Buffer.from(JSON.stringify(body)));
      const request = https.request(new URL(path, url), options(method, sent, headers), (response) => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.on('end', () => {
          const bytes = Buffer.concat(chunks);
          resolve({ status: response.statusCode!, headers: response.headers, bytes, body: bytes.toString() });
        });
        response.on('aborted', fail);
        response.on('error', fail);
      });
      request.on('error', fail);
      request.end(sent);
    });
  const watch = (path: string, onEvent: (event: unknown) => void): Promise<number> =>
    new Promise((resolve, reject) => {
      // A connection of its own: others would wait behind it.
      const request = https.get(new URL(path, url), { ...options('GET'), agent: false }, (response) => {
        let text = '';
        response.setEncoding('utf8');
        response.on('data', (chunk: string) => {
          const lines = (text + chunk).split('\n');
          text = lines.pop()!;
          try {
            if (response.statusCode === 200) for (const line of lines) onEvent(JSON.parse(line));
          } catch (error) {
            reject(error);
            request.destroy();
          }
        });
        response.on('close', () => resolve(response.statusCode!));
        response.on('error', () => {});
      });
      watches.add(request);
      request.on('close', () => watches.delete(request));
      request.on('error', () => resolve(0));
    });
  const close = () => {
    agent.destroy();
    for (const request of watches) request.destroy();
  };
  return { send, watch, close };
}
