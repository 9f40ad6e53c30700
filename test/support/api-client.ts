import https from 'node:https';

export interface HttpAnswer {
  readonly status: number;
  readonly body: string;
}

/** The connection broke while the server worked on a request: nobody knows whether it was carried out. */
export class OutcomeUnknownError extends Error {
  override readonly name = 'OutcomeUnknownError';
}

/** A bare client, which repeats nothing: what it is told is what the server said. */
export interface ApiClient {
  /** @throws OutcomeUnknownError */
  send(method: string, path: string, body?: object): Promise<HttpAnswer>;
  /** @returns the status of the answer once it has ended; 0 where the connection broke before there was one */
  watch(path: string, onEvent: (event: unknown) => void): Promise<number>;
  /** Ends watches, too. */
  close(): void;
}

export function apiClient(url: string, token: string): ApiClient {
  const agent = new https.Agent({ keepAlive: true, rejectUnauthorized: false });
  const watches = new Set<{ destroy(): void }>();
  const options = (method: string, body?: Buffer) => ({
    method,
    agent,
    rejectUnauthorized: false,
    headers: {
      authorization: `Bearer ${token}`,
      'content-type': method === 'PATCH' ? 'application/merge-patch+json' : 'application/json',
      // Node sends the body of a DELETE without saying how long it is.
      ...(body && { 'content-length': body.length }),
    },
  });
  const send = (method: string, path: string, body?: object): Promise<HttpAnswer> =>
    new Promise((resolve, reject) => {
      const fail = (): void => reject(new OutcomeUnknownError(`${method} ${path}`));
      const bytes = body && Buffer.from(JSON.stringify(body));
      const request = https.request(new URL(path, url), options(method, bytes), (response) => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.on('end', () => resolve({ status: response.statusCode!, body: Buffer.concat(chunks).toString() }));
        response.on('aborted', fail);
        response.on('error', fail);
      });
      request.on('error', fail);
      request.end(bytes);
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
