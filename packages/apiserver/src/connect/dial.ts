/** Connections that are made in another way than straight to the address: through a proxy. */
import type http from 'node:http';
import https from 'node:https';
import type { Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';

export interface Destination {
  /** A name stays one: who makes the connection resolves it. */
  readonly host: string;
  readonly port: number;
}

/** @throws Error in Go's words where there is no connection in time */
export type Dial = (to: Destination) => Promise<Socket>;

/** As Go's default transport waits. */
const HANDSHAKE_MS = 10_000;

/** The same agent, for http or https; its connections are made so. @param dial undefined: as ever */
export function dialThrough<A extends http.Agent>(agent: A, dial: Dial | undefined): A {
  if (!dial) return agent;
  const over = agent.createConnection.bind(agent);
  const isSecure = agent instanceof https.Agent;
  agent.createConnection = (options, made) => {
    dial({ host: String(options.host), port: Number(options.port) }).then(
      (socket) => made?.(null, isSecure ? withinTime(over({ ...options, socket } as typeof options)) : socket),
      (error: Error) => made?.(error, undefined as never),
    );
    return undefined;
  };
  return agent;
}

type Made = ReturnType<http.Agent['createConnection']>;

function withinTime(socket: Made): Socket {
  const secured = socket as TLSSocket;
  const late = () => secured.destroy(new Error('net/http: TLS handshake timeout'));
  const timer = setTimeout(late, HANDSHAKE_MS);
  const stop = () => clearTimeout(timer);
  secured.once('secureConnect', stop).once('close', stop);
  return secured;
}
