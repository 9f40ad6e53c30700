/** A server that webhooks and others ask over TLS, for tests: answers as it is told and remembers what it was asked. */
import https from 'node:https';
import type { AddressInfo } from 'node:net';
import type { ServingCertificate } from '../http/listener.ts';
import { selfSigned } from '../http/testing.ts';

export interface Received {
  readonly method: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: string;
}

export interface Said {
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body: string | Buffer;
}

export interface TestServer {
  readonly url: string;
  readonly port: number;
  /** PEM. */
  readonly ca: string;
  readonly received: Received[];
  /** One that leads to a path of this server. @param user of the kubeconfig, as YAML's flow style */
  kubeconfig(path: string, user?: string): string;
  close(): Promise<void>;
}

/** @param answer undefined: the connection is cut */
export async function startTestServer(
  answer: (received: Received) => Said | undefined | Promise<Said | undefined>,
  ...hosts: readonly string[]
): Promise<TestServer> {
  return startServerWith(await selfSigned('127.0.0.1', ...hosts), answer);
}

/** The same with a certificate of the caller's. @param answer undefined: the connection is cut */
export async function startServerWith(
  { cert, key }: ServingCertificate,
  answer: (received: Received) => Said | undefined | Promise<Said | undefined>,
): Promise<TestServer> {
  const received: Received[] = [];
  const server = https.createServer({ cert, key }, async (req, res) => {
    let body = '';
    for await (const chunk of req) body += String(chunk);
    const one = { method: req.method ?? '', path: req.url ?? '', headers: req.headers, body };
    received.push(one);
    const said = await answer(one);
    if (!said) res.destroy();
    else res.writeHead(said.status ?? 200, { 'content-type': 'application/json', ...said.headers }).end(said.body);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const url = `https://127.0.0.1:${port}`;
  const ca = Buffer.from(cert).toString('base64');
  return {
    url,
    port,
    ca: String(cert),
    received,
    kubeconfig: (path, user = '') => `
current-context: hook
contexts: [{name: hook, context: {cluster: hook, user: server}}]
clusters: [{name: hook, cluster: {server: "${url}${path}", certificate-authority-data: ${ca}}}]
users: [{name: server, user: {${user}}}]
`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
