import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { ListResult, WatchBatch, WriteResult } from '@keelson/storage';
import { OutcomeUnknownError } from '../support/outcome.ts';
import type { Call } from './store-process.ts';
import type { Item, Target } from './target.ts';

const script = fileURLToPath(new URL('store-process.ts', import.meta.url));
const prefix = '/registry/';

type Message =
  | { readonly ready: true }
  | { readonly failed: string }
  | { readonly id: number; readonly result?: unknown; readonly error?: string }
  | { readonly watch: number; readonly batch?: WatchBatch; readonly error?: string };

type Pending = { readonly resolve: (result: unknown) => void; readonly reject: (error: Error) => void };

/** An LMDB store in a process of its own. */
export class StoreTarget implements Target {
  readonly #directory: string;
  #process: ChildProcess | undefined;
  #calls = 0;
  readonly #pending = new Map<number, Pending>();
  readonly #watches = new Map<number, (batch: WatchBatch) => void>();

  constructor(directory: string) {
    this.#directory = directory;
  }

  async start(): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const child = fork(script, [this.#directory], {
      execArgv: ['--conditions=keelson-source'],
      serialization: 'advanced',
    });
    this.#process = child;
    child.on('message', (message: Message) => {
      if ('ready' in message) resolve();
      else if ('failed' in message) reject(new Error(message.failed));
      else if ('watch' in message && message.batch) this.#watches.get(message.watch)?.(message.batch);
      else if ('id' in message) this.#settle(message.id, message);
    });
    // Comes after the last message.
    child.on('disconnect', () => {
      for (const { reject } of this.#pending.values()) reject(new OutcomeUnknownError('the process died'));
      this.#pending.clear();
      this.#watches.clear();
    });
    await promise;
  }

  async kill(): Promise<void> {
    const child = this.#process!;
    const gone = Promise.all([once(child, 'exit'), child.connected ? once(child, 'disconnect') : undefined]);
    child.kill('SIGKILL');
    await gone;
  }

  async write(key: string, value: string | undefined, expect: number): Promise<number> {
    const result = (
      value === undefined
        ? await this.#call({ method: 'delete', args: [prefix + key, { expect }] })
        : await this.#call({ method: 'put', args: [prefix + key, Buffer.from(value), { expect }] })
    ) as WriteResult;
    if (!result.ok) throw new Error(`${key}: expected revision ${expect}, found ${result.current?.modRevision}`);
    return result.revision;
  }

  async list(): Promise<{ items: Map<string, Item>; revision: number }> {
    const { kvs, revision } = (await this.#call({ method: 'list', args: [{ prefix }] })) as ListResult;
    const item = ({ key, value, modRevision }: ListResult['kvs'][number]) =>
      [key.slice(prefix.length), { value: Buffer.from(value).toString(), revision: modRevision }] as const;
    return { items: new Map(kvs.map(item)), revision };
  }

  async watch(fromRevision: number, onBatch: (batch: WatchBatch) => void): Promise<void> {
    this.#watches.set(this.#calls + 1, onBatch);
    await this.#call({ method: 'watch', args: [prefix, fromRevision] });
  }

  async compact(revision: number): Promise<void> {
    await this.#call({ method: 'compact', args: [revision] });
  }

  async compactedRevision(): Promise<number> {
    return (await this.#call({ method: 'compactedRevision', args: [] })) as number;
  }

  async size(): Promise<number> {
    return (await this.#call({ method: 'size', args: [] })) as number;
  }

  #call(call: DistributiveOmit<Call, 'id'>): Promise<unknown> {
    const id = ++this.#calls;
    if (!this.#process!.connected) return Promise.reject(new OutcomeUnknownError('the process is dead'));
    return new Promise((resolve, reject) => {
      this.#pending.set(id, { resolve, reject });
      // A failure to send is followed by the disconnect, which rejects.
      this.#process!.send({ ...call, id }, () => undefined);
    });
  }

  #settle(id: number, { result, error }: { readonly result?: unknown; readonly error?: string }): void {
    const pending = this.#pending.get(id);
    this.#pending.delete(id);
    if (error === undefined) pending?.resolve(result);
    else pending?.reject(new Error(error));
  }
}

type DistributiveOmit<T, K extends PropertyKey> = T extends unknown ? Omit<T, K> : never;
