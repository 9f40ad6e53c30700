import { connect } from 'node:http2';

export interface Answer {
  readonly status: number;
  readonly retryAfter: string | undefined;
  /** Of what is no success. */
  readonly body: string;
  readonly ms: number;
}

export interface H2Client {
  request(method: string, path: string, body?: object): Promise<Answer>;
  close(): void;
}

/** A client with an HTTP/2 connection of its own. */
export function h2Client(url: string, token: string): H2Client {
  // Windows as large as those of clients in Go.
  const session = connect(url, { rejectUnauthorized: false, settings: { initialWindowSize: 4 * 1024 * 1024 } });
  session.on('connect', () => session.setLocalWindowSize(256 * 1024 * 1024));
  session.on('error', () => {});
  const request = (method: string, path: string, body?: object): Promise<Answer> =>
    new Promise((resolve, reject) => {
      const startedAt = performance.now();
      const stream = session.request({
        ':method': method,
        ':path': path,
        authorization: `Bearer ${token}`,
        'content-type': method === 'PATCH' ? 'application/merge-patch+json' : 'application/json',
      });
      let status = 0;
      let retryAfter: string | undefined;
      const chunks: Buffer[] = [];
      stream.on('response', (headers) => {
        status = Number(headers[':status']);
        retryAfter = headers['retry-after'] as string | undefined;
      });
      stream.on('data', (chunk: Buffer) => {
        if (status !== 200) chunks.push(chunk);
      });
      stream.on('end', () => {
        const text = Buffer.concat(chunks).toString('utf8');
        resolve({ status, retryAfter, body: text, ms: performance.now() - startedAt });
      });
      stream.on('error', reject);
      stream.end(body === undefined ? undefined : JSON.stringify(body));
    });
  return { request, close: () => session.destroy() };
}
