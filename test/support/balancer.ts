import { once } from 'node:events';
import https from 'node:https';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';

/** What stands before several API servers: new connections go to those that say that they are ready, in turn. */
export interface Balancer {
  readonly url: string;
  stop(): Promise<void>;
}

const CHECK_MS = 50;

/** @param ports of the servers on the loopback address */
export async function startBalancer(ports: readonly number[]): Promise<Balancer> {
  const ready = new Set<number>();
  const sockets = new Set<Socket>();
  let turn = 0;
  const check = async (port: number) => {
    if (await isReady(port)) ready.add(port);
    else ready.delete(port);
  };
  let isOver = false;
  const checking = Promise.all(
    ports.map(async (port) => {
      while (!isOver) {
        await check(port);
        await new Promise((resolve) => setTimeout(resolve, CHECK_MS));
      }
    }),
  );
  const server = createServer((incoming) => {
    const candidates = ports.filter((port) => ready.has(port));
    const outgoing = connect(candidates[turn++ % candidates.length] ?? ports[0]!, '127.0.0.1');
    for (const [socket, other] of [
      [incoming, outgoing],
      [outgoing, incoming],
    ] as const) {
      sockets.add(socket);
      socket.setNoDelay(true);
      socket.on('error', () => other.destroy());
      socket.on('close', () => {
        sockets.delete(socket);
        other.end();
      });
      socket.pipe(other);
    }
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `https://127.0.0.1:${(server.address() as AddressInfo).port}`,
    stop: async () => {
      isOver = true;
      await checking;
      server.close();
      for (const socket of sockets) socket.destroy();
    },
  };
}

function isReady(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const options = { host: '127.0.0.1', port, path: '/readyz', agent: false, rejectUnauthorized: false };
    https
      .get({ ...options, timeout: 5000 }, (response) => {
        response.resume();
        resolve(response.statusCode === 200);
      })
      .on('timeout', () => resolve(false))
      .on('error', () => resolve(false));
  });
}
