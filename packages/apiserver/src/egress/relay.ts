/**
 * Sockets of this process's own that lead through a proxy, for clients that connect to addresses alone: the store's of etcd and
 * gRPC's library. Nobody else reaches them, and TLS goes through as it is.
 */
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pipeline } from 'node:stream';
import { unbracketed } from '@keelson/component/go/net';
import type { Destination, Dial } from '../connect/dial.ts';

export class Relays {
  readonly #dial: Dial;
  readonly #directory: string;
  readonly #servers: Server[] = [];
  readonly #sockets = new Set<Socket>();

  /** @param dial how the other end is reached */
  static async open(dial: Dial): Promise<Relays> {
    // The directory is its owner's alone.
    return new Relays(dial, await mkdtemp(join(tmpdir(), 'keelson-egress-')));
  }

  private constructor(dial: Dial, directory: string) {
    this.#dial = dial;
    this.#directory = directory;
  }

  /** @param urls those of sockets are left out. @returns paths by URL */
  async to(urls: readonly string[]): Promise<ReadonlyMap<string, string>> {
    const paths = new Map<string, string>();
    for (const url of urls) {
      const to = destinationOf(url);
      if (to) paths.set(url, await this.#listen(to));
    }
    return paths;
  }

  async close(): Promise<void> {
    for (const server of this.#servers) server.close();
    for (const socket of this.#sockets) socket.destroy();
    await rm(this.#directory, { recursive: true, force: true });
  }

  async #listen(to: Destination): Promise<string> {
    const path = join(this.#directory, `${this.#servers.length}.sock`);
    const server = createServer((socket) => void this.#join(socket, to));
    this.#servers.push(server);
    server.listen(path);
    await once(server, 'listening');
    server.unref();
    return path;
  }

  async #join(near: Socket, to: Destination): Promise<void> {
    this.#sockets.add(near);
    near.once('close', () => this.#sockets.delete(near)).on('error', () => near.destroy());
    try {
      const far = await this.#dial(to);
      const ended = () => {};
      pipeline(near, far, ended);
      pipeline(far, near, ended);
      if (near.destroyed) far.destroy();
    } catch {
      // Whoever asked for the connection tells that there is none.
      near.destroy();
    }
  }
}

function destinationOf(url: string): Destination | undefined {
  const [, scheme, address] = /^(?:([a-z]+):\/\/)?(.+?)\/?$/.exec(url) ?? [];
  if (address === undefined || scheme?.startsWith('unix')) return undefined;
  const { hostname, port } = new URL(`http://${address}`);
  return { host: unbracketed(hostname), port: Number(port) || (scheme === 'https' ? 443 : 80) };
}
