/**
 * Large texts in YAML are read in a thread of its own: a megabyte takes a second of CPU time, and what costs it, a token, a
 * comment, a line of a scalar, comes by the million.
 *
 *     body ──bytes──▶ yaml-worker.ts ──JSON text, or what is wrong──▶ remembered for who decodes the body
 */
import { extname } from 'node:path';
import { Worker } from 'node:worker_threads';
import { DecodeError } from './exact.ts';
import { rememberConverted, type YamlAsJson } from './yaml/json.ts';

export type Answer = YamlAsJson | { readonly problem: string };

/** Less is read sooner than a thread is asked. */
const LARGE = 64 * 1024;
/** Of a text of 3 MiB that is all tokens there are 300 MiB of nodes. */
const MAX_HEAP_MB = 1024;
const OUT_OF_MEMORY = 'ERR_WORKER_OUT_OF_MEMORY';
const TOO_LARGE: Answer = { problem: 'yaml: document is too large' };
/** How long an idle thread stays. */
const IDLE_MS = 60_000;

/** Reads one text at a time; there is a thread as long as there are texts, and a little longer. */
export class YamlThread {
  readonly #idleMs: number;
  #worker: Worker | undefined;
  #answered: ((answer: Answer | undefined) => void) | undefined;
  #last: Promise<unknown> = Promise.resolve();
  #retirement: NodeJS.Timeout | undefined;

  constructor(idleMs = IDLE_MS) {
    this.#idleMs = idleMs;
  }

  /** Whether there is a thread. */
  get isThere(): boolean {
    return this.#worker !== undefined;
  }

  /** Whether there is anything for it to do. */
  takes(bytes: Uint8Array): boolean {
    return bytes.length >= LARGE;
  }

  /**
   * Converts what it {@link takes}, for who decodes these very bytes then; what is wrong with them is told there. Never throws: where
   * there is no thread to be had, that one converts them.
   */
  async convert(bytes: Uint8Array): Promise<void> {
    if (!this.takes(bytes)) return;
    const turn = this.#last.then(() => this.#ask(bytes));
    this.#last = turn;
    const answer = await turn;
    if (answer) rememberConverted(bytes, 'problem' in answer ? new DecodeError(answer.problem) : answer);
  }

  async #ask(bytes: Uint8Array): Promise<Answer | undefined> {
    clearTimeout(this.#retirement);
    this.#worker ??= this.#start();
    const worker = this.#worker;
    const { promise, resolve } = Promise.withResolvers<Answer | undefined>();
    this.#answered = resolve;
    worker.ref();
    worker.postMessage(bytes);
    const answer = await promise;
    worker.unref();
    this.#retirement = setTimeout(() => this.#retire(), this.#idleMs).unref();
    return answer;
  }

  /** Whoever comes while it ends has a new one. */
  #retire(): void {
    const idle = this.#worker;
    this.#worker = undefined;
    void idle?.terminate();
  }

  #start(): Worker {
    const worker = new Worker(new URL(`./yaml-worker${extname(import.meta.url)}`, import.meta.url), {
      resourceLimits: { maxOldGenerationSizeMb: MAX_HEAP_MB },
      execArgv: [],
    });
    const end = (answer?: Answer): void => {
      if (this.#worker !== worker) return;
      this.#worker = undefined;
      this.#answered?.(answer);
    };
    return worker
      .on('message', (answer: Answer) => this.#answered?.(answer))
      .on('error', ({ code }: NodeJS.ErrnoException) => end(code === OUT_OF_MEMORY ? TOO_LARGE : undefined))
      .on('exit', () => end());
  }
}

/** One for the process. */
export const yamlThread = new YamlThread();
