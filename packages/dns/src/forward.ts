/** Asks other servers what is not the cluster's to say. The bytes go as they came. */
import { randomInt } from 'node:crypto';
import { createSocket } from 'node:dgram';
import { connect, isIP, isIPv6 } from 'node:net';
import { answers, withId } from './message.ts';

export interface Server {
  readonly address: string;
  readonly port: number;
}

export type Protocol = 'udp' | 'tcp';

/** How long one server is waited for. */
const PATIENCE_MS = 2_000;
const ROUNDS = 2;
const MAX_SERVERS = 3;
/** Questions under way; those beyond fail at once. */
const MAX_OPEN = 1_000;
const PORT = 53;

export class Forwarder {
  readonly #servers: () => Promise<readonly Server[]>;
  #open = 0;

  constructor(servers: () => Promise<readonly Server[]>) {
    this.#servers = servers;
  }

  /** @returns what the first server says that answers. @throws Error when none does */
  async forward(query: Buffer, protocol: Protocol): Promise<Buffer> {
    if (this.#open >= MAX_OPEN) throw new Error('too many questions are under way');
    this.#open++;
    try {
      const servers = (await this.#servers()).slice(0, MAX_SERVERS);
      let failure = new Error('there are no other servers');
      for (const server of Array.from({ length: ROUNDS }, () => servers).flat()) {
        try {
          return await ask(server, query, protocol);
        } catch (error) {
          failure = error as Error;
        }
      }
      throw failure;
    } finally {
      this.#open--;
    }
  }
}

/** The servers that a resolv.conf names. @param own addresses of this server, which would ask itself */
export function serversOf(resolvConf: string, own: readonly string[]): Server[] {
  return resolvConf
    .split('\n')
    .map((line) => /^\s*nameserver\s+(\S+)/.exec(line)?.[1] ?? '')
    .filter((address) => isIP(address) !== 0 && !own.includes(address))
    .map((address) => ({ address, port: PORT }));
}

async function ask(server: Server, query: Buffer, protocol: Protocol): Promise<Buffer> {
  // Who does not see the question cannot guess its id and the port that it came from.
  const asked = withId(query, randomInt(0x10000));
  const answer = await (protocol === 'udp' ? byUdp(server, asked) : byTcp(server, asked));
  return withId(answer, query.readUInt16BE());
}

function byUdp({ address, port }: Server, query: Buffer): Promise<Buffer> {
  const { promise, resolve, reject } = Promise.withResolvers<Buffer>();
  const socket = createSocket(isIPv6(address) ? 'udp6' : 'udp4');
  socket.on('error', reject);
  socket.on('message', (answer) => {
    if (answers(answer, query)) resolve(answer);
  });
  socket.connect(port, address, () => socket.send(query));
  return within(promise, address).finally(() => socket.close());
}

function byTcp({ address, port }: Server, query: Buffer): Promise<Buffer> {
  const { promise, resolve, reject } = Promise.withResolvers<Buffer>();
  const socket = connect(port, address, () => socket.write(framed(query)));
  const messages = new Frames();
  socket.on('error', reject);
  socket.on('close', () => reject(new Error(`${address} has hung up`)));
  socket.on('data', (chunk) => {
    for (const answer of messages.add(chunk)) if (answers(answer, query)) resolve(answer);
  });
  return within(promise, address).finally(() => socket.destroy());
}

function within<T>(promise: Promise<T>, address: string): Promise<T> {
  const { promise: late, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => reject(new Error(`${address} does not answer`)), PATIENCE_MS);
  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}

/** A message with its length in front, as TCP has it. */
export function framed(message: Buffer): Buffer {
  const length = Buffer.alloc(2);
  length.writeUInt16BE(message.length);
  return Buffer.concat([length, message]);
}

/** Messages out of the chunks of a stream. */
export class Frames {
  #rest = Buffer.alloc(0);

  *add(chunk: Buffer): Generator<Buffer> {
    this.#rest = Buffer.concat([this.#rest, chunk]);
    while (this.#rest.length >= 2 && this.#rest.length >= 2 + this.#rest.readUInt16BE()) {
      const end = 2 + this.#rest.readUInt16BE();
      const message = this.#rest.subarray(2, end);
      this.#rest = this.#rest.subarray(end);
      yield message;
    }
  }
}
