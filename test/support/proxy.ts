import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';

/** A TCP connection that a test can cut. */
export interface Proxy {
  readonly url: string;
  /** Breaks all connections and refuses new ones. */
  cut(): void;
  mend(): void;
  stop(): Promise<void>;
}

/** Forwards to the host and port of a URL. */
export async function startProxy(target: string): Promise<Proxy> {
  const { protocol, hostname, port } = new URL(target);
  const sockets = new Set<Socket>();
  let whole = true;
  const server = createServer((incoming) => {
    const outgoing = connect(Number(port), hostname);
    for (const socket of [incoming, outgoing]) {
      sockets.add(socket);
      socket.on('error', () => socket.destroy());
      socket.on('close', () => {
        sockets.delete(socket);
        incoming.destroy();
        outgoing.destroy();
      });
    }
    if (whole) incoming.pipe(outgoing).pipe(incoming);
    else incoming.destroy();
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const cut = () => {
    whole = false;
    for (const socket of sockets) socket.destroy();
  };
  return {
    url: `${protocol}//127.0.0.1:${(server.address() as { port: number }).port}`,
    cut,
    mend: () => {
      whole = true;
    },
    stop: async () => {
      cut();
      server.close();
      await once(server, 'close');
    },
  };
}
