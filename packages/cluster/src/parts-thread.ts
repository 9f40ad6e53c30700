/**
 * The parts of a cluster in a thread of their own, so that they and the API server have a core each. They speak to it as from
 * another process, by way of a message port.
 */
import { once } from 'node:events';
import { extname } from 'node:path';
import { MessageChannel, type MessagePort, Worker } from 'node:worker_threads';
import { ended, heardLater } from '@keelson/component/promises';
import type { Running } from '@keelson/component/running';
import { type LocalServer, LocalTransport } from './local-transport.ts';
import type { NodeKind } from './node.ts';
import type { Parts, Surroundings } from './parts.ts';
import { servePort } from './port-transport.ts';
import { StartupError } from './startup-error.ts';

/** What a thread is told of where it is. */
export interface Situation extends Omit<Surroundings, 'connect' | 'logger' | 'pki'> {
  readonly pkiDirectory: string;
  /** Of the log. */
  readonly verbosity: number;
}

export interface ThreadData {
  readonly situation: Situation;
  readonly parts: Parts;
  readonly port: MessagePort;
}

/** What a thread says of itself: first that it has started, or why not; at last how it has ended. */
export type Word =
  | { readonly type: 'started'; readonly node: NodeKind | undefined }
  | { readonly type: 'refused'; readonly message: string; readonly remedy: string }
  | { readonly type: 'ended'; readonly failure: Error | undefined };

/**
 * Starts the wanted parts; they go on finding their feet after this resolves. Without any there is no thread.
 * @throws StartupError
 */
export async function startPartsThread(
  server: LocalServer,
  situation: Situation,
  parts: Parts,
): Promise<Running & { node: NodeKind | undefined }> {
  if (!(parts.controllers || parts.scheduler || parts.node || parts.simulatedNodes > 0)) return nothing();
  const { port1, port2 } = new MessageChannel();
  servePort(port1, (certificate) => new LocalTransport(server, certificate));
  const workerData: ThreadData = { situation, parts, port: port2 };
  const worker = new Worker(new URL(`./parts-worker${extname(import.meta.url)}`, import.meta.url), {
    workerData,
    transferList: [port2],
  });
  const { promise: done, resolve, reject } = Promise.withResolvers<void>();
  heardLater(done);
  worker.once('error', reject);
  const [first] = (await Promise.race([once(worker, 'message'), done])) as [Word];
  if (first.type !== 'started') {
    await worker.terminate();
    if (first.type === 'refused') throw new StartupError(first.message, first.remedy);
    throw first.failure ?? new Error('the parts of the cluster have ended');
  }
  worker.on('message', (word: Word) => {
    if (word.type !== 'ended') return;
    if (word.failure) reject(word.failure);
    else resolve();
    void worker.terminate();
  });
  return {
    node: first.node,
    done,
    stop: async () => {
      worker.postMessage('stop');
      await ended(done);
      port1.close();
    },
  };
}

function nothing(): Running & { node: undefined } {
  const { promise: done, resolve } = Promise.withResolvers<void>();
  return { node: undefined, done, stop: async () => resolve() };
}
