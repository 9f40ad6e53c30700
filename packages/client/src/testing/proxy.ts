/** Proxies of HTTP and SOCKS, as tests want them: anybody may pass, and where to is kept. */
import { once } from 'node:events';
import http from 'node:http';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';

export interface TestProxy {
  readonly url: string;
  /** `host:port`, one for each connection. */
  readonly targets: readonly string[];
  close(): void;
}

/** @param to instead of what is asked for, so that a name that nobody knows may be one */
export async function startProxy(scheme: 'http' | 'socks5', to?: AddressInfo): Promise<TestProxy> {
  const targets: string[] = [];
  const sockets = new Set<Socket>();
  const kept = (socket: Socket): Socket => {
    sockets.add(socket.on('error', () => socket.destroy()));
    return socket;
  };
  const join = (client: Socket, host: string, port: number, ready: string | Buffer): void => {
    targets.push(`${host}:${port}`);
    const server = kept(connect(to?.port ?? port, to?.address ?? host));
    server.once('connect', () => {
      client.write(ready);
      server.pipe(client).pipe(server);
    });
  };
  const server = scheme === 'http' ? ofHttp(join) : ofSocks(join);
  server.on('connection', kept);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    url: `${scheme}://127.0.0.1:${port}`,
    targets,
    close: () => {
      for (const socket of sockets) socket.destroy();
      server.close();
    },
  };
}

type Join = (client: Socket, host: string, port: number, ready: string | Buffer) => void;

function ofHttp(join: Join): Server {
  return http.createServer().on('connect', ({ url = '' }, client) => {
    const [host = '', port] = url.split(':');
    join(client as Socket, host, Number(port), 'HTTP/1.1 200 Connection Established\r\n\r\n');
  });
}

/** RFC 1928, without authentication: a greeting and a request, each small enough to come in one piece. */
function ofSocks(join: Join): Server {
  return createServer((client) => {
    client.once('data', () => {
      client.write(Buffer.from([5, 0]));
      client.once('data', (asked: Buffer) => {
        const isName = asked[3] === 3;
        const end = isName ? 5 + asked[4]! : 8;
        const host = isName ? asked.toString('latin1', 5, end) : asked.subarray(4, end).join('.');
        join(client, host, asked.readUInt16BE(end), Buffer.from([5, 0, 0, 1, 0, 0, 0, 0, 0, 0]));
      });
    });
  });
}
