/** Proxies for tests, of both kinds: anybody may pass, and where to is kept. */
import { once } from 'node:events';
import http from 'node:http';
import https from 'node:https';
import { type AddressInfo, connect, type Server, type Socket } from 'node:net';
import type { TlsOptions } from 'node:tls';
import { Server as RpcServer, ServerCredentials, type ServerDuplexStream } from '@grpc/grpc-js';
import { unbracketed } from '@keelson/component/go/net';
import { type Packet, proxyService } from './konnectivity/messages.ts';

export interface TestProxy {
  /** Undefined where it listens on a path. */
  readonly port: number | undefined;
  /** `host:port`, one for each connection. */
  readonly targets: readonly string[];
  close(): void;
}

export interface ConnectOptions {
  /** Of the socket that it listens on. Default: any port. */
  readonly path?: string;
  readonly tls?: TlsOptions;
  /** What it answers, with what comes behind it. Default: it connects. */
  readonly answer?: () => string;
}

/** One that is asked with CONNECT. */
export async function startConnectProxy({ path, tls, answer }: ConnectOptions = {}): Promise<TestProxy> {
  const targets: string[] = [];
  const sockets = new Set<Socket>();
  const kept = (socket: Socket): Socket => {
    sockets.add(socket.on('error', () => socket.destroy()));
    return socket;
  };
  const server: Server = tls ? https.createServer(tls) : http.createServer();
  server.on('connection', kept);
  server.on('connect', ({ url = '' }: http.IncomingMessage, client: Socket) => {
    targets.push(url);
    client.on('error', () => client.destroy());
    if (answer) return void client.end(answer());
    const far = kept(connectTo(url));
    far.once('connect', () => {
      client.write('HTTP/1.1 200 Connection Established\r\n\r\n');
      far.pipe(client).pipe(far);
    });
    far.once('error', () => client.end('HTTP/1.1 503 Service Unavailable\r\n\r\n'));
    far.once('close', () => client.destroy());
    client.once('close', () => far.destroy());
  });
  if (path === undefined) server.listen(0, '127.0.0.1');
  else server.listen(path);
  await once(server, 'listening');
  return {
    port: path === undefined ? (server.address() as AddressInfo).port : undefined,
    targets,
    close: () => {
      for (const socket of sockets) socket.destroy();
      server.close();
    },
  };
}

export interface TestKonnectivity extends TestProxy {
  /** Types of the packets that came. */
  readonly received: readonly string[];
  /** What it answers to the next that ask. Default: it connects. */
  answer: ((random: number) => Packet) | undefined;
}

/** One that is spoken to over gRPC. @param path of its socket */
export async function startKonnectivity(path: string): Promise<TestKonnectivity> {
  const targets: string[] = [];
  const received: string[] = [];
  const sockets = new Set<Socket>();
  let ids = 0;
  const serve = (stream: ServerDuplexStream<Packet, Packet>) => {
    let far: Socket | undefined;
    const id = ++ids;
    const dial = ({ dialRequest }: Packet) => {
      const { address, random } = dialRequest!;
      targets.push(address);
      if (konnectivity.answer) return void stream.write(konnectivity.answer(random));
      const socket = connectTo(address);
      far = socket;
      sockets.add(socket);
      const said = (error: string) =>
        stream.write({ type: 'DIAL_RSP', dialResponse: { error, connectID: id, random } });
      socket.once('connect', () => said(''));
      socket.once('error', (error) => said(error.message));
      socket.on('data', (data) => stream.write({ type: 'DATA', data: { connectID: id, data } }));
      socket.once('close', () => stream.write({ type: 'CLOSE_RSP', closeResponse: { error: '', connectID: id } }));
    };
    stream.on('data', (packet: Packet) => {
      received.push(packet.type);
      if (packet.type === 'DIAL_REQ') dial(packet);
      else if (packet.type === 'DATA') far?.write(packet.data!.data);
      else if (packet.type === 'CLOSE_REQ') far?.destroy();
    });
    stream.on('error', () => far?.destroy());
    stream.on('cancelled', () => far?.destroy());
  };
  const server = new RpcServer();
  const { path: name, request, response } = proxyService.method('Proxy');
  const definition = {
    path: name,
    requestStream: true,
    responseStream: true,
    requestSerialize: (packet: Packet) => request.encode(packet),
    requestDeserialize: (bytes: Buffer) => request.decode(bytes) as Packet,
    responseSerialize: (packet: Packet) => response.encode(packet),
    responseDeserialize: (bytes: Buffer) => response.decode(bytes) as Packet,
  };
  server.addService({ Proxy: definition }, { Proxy: serve });
  await new Promise<void>((resolve, reject) => {
    server.bindAsync(`unix:${path}`, ServerCredentials.createInsecure(), (error) =>
      error ? reject(error) : resolve(),
    );
  });
  const konnectivity: TestKonnectivity = {
    port: undefined,
    targets,
    received,
    answer: undefined,
    close: () => {
      for (const socket of sockets) socket.destroy();
      server.forceShutdown();
    },
  };
  return konnectivity;
}

function connectTo(address: string): Socket {
  const { hostname, port } = new URL(`tcp://${address}`);
  return connect(Number(port), unbracketed(hostname));
}
