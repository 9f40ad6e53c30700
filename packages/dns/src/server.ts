/** The sockets: UDP and TCP at one port. */
import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { type AddressInfo, createServer, isIPv6, type Server, type Socket as Stream } from 'node:net';
import type { Running } from '@keelson/component/running';
import { Frames, framed, type Protocol } from './forward.ts';

export interface DnsServer extends Running {
  readonly port: number;
}

export interface DnsServerOptions {
  readonly host: string;
  /** 0: the operating system picks one. */
  readonly port: number;
  /** Whether a client is spoken to. */
  readonly admits: (address: string) => boolean;
  /** @returns undefined: there is nothing to be said */
  readonly answer: (query: Buffer, protocol: Protocol) => Promise<Buffer | undefined>;
}

const MAX_CONNECTIONS = 250;
const IDLE_MS = 10_000;
/** Ports that TCP has free may be taken in UDP. */
const TRIES = 20;

/** @throws the error of listening (EADDRINUSE, EACCES) */
export async function serveDns(options: DnsServerOptions): Promise<DnsServer> {
  for (let left = options.port === 0 ? TRIES : 1; ; left--) {
    const streams = await listen(options);
    const { port } = streams.address() as AddressInfo;
    try {
      return running(streams, await bind(options, port), port);
    } catch (error) {
      streams.close();
      if (left <= 1) throw error;
    }
  }
}

function running(streams: Server, datagrams: Socket, port: number): DnsServer {
  const { promise: done, resolve } = Promise.withResolvers<void>();
  return {
    port,
    done,
    stop: async () => {
      if (streams.listening) {
        datagrams.close();
        streams.close();
      }
      resolve();
    },
  };
}

async function bind({ host, admits, answer }: DnsServerOptions, port: number): Promise<Socket> {
  const socket = createSocket({ type: isIPv6(host) ? 'udp6' : 'udp4' });
  socket.on('message', async (query, from) => {
    if (!admits(from.address)) return;
    const response = await answer(query, 'udp');
    // Who does not listen any more has no use for it.
    if (response) socket.send(response, from.port, from.address, () => {});
  });
  socket.bind(port, host);
  await once(socket, 'listening');
  socket.on('error', () => {});
  return socket;
}

async function listen({ host, port, admits, answer }: DnsServerOptions): Promise<Server> {
  const server = createServer((socket) => {
    const messages = new Frames();
    socket.setTimeout(IDLE_MS, () => socket.destroy());
    socket.on('error', () => socket.destroy());
    if (!admits(socket.remoteAddress ?? '')) return socket.destroy();
    return socket.on('data', async (chunk: Buffer) => {
      // One after the other: who asks faster than it reads waits, and who reads nothing is idle.
      socket.pause();
      for (const query of messages.add(chunk)) {
        const response = await answer(query, 'tcp');
        if (response && !socket.destroyed && !socket.write(framed(response))) await taken(socket);
      }
      socket.resume();
    });
  });
  server.maxConnections = MAX_CONNECTIONS;
  server.listen(port, host);
  await once(server, 'listening');
  return server;
}

/** Resolves when what was written is on its way, or the connection is over. */
function taken(socket: Stream): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      socket.off('drain', done).off('close', done);
      resolve();
    };
    socket.once('drain', done).once('close', done);
  });
}
