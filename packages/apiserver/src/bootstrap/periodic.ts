import { ended } from '@keelson/component/promises';

/** Something done at once, and again and again until it is stopped. Runs never overlap with the end. */
export class Periodic {
  readonly #run: () => Promise<void>;
  readonly #intervalMs: number;
  readonly #onError: (thrown: unknown) => void;
  #timer: NodeJS.Timeout | undefined;
  #running: Promise<void> = Promise.resolve();
  #stopped = false;

  /** @param onError is told what goes wrong after the first run */
  constructor(run: () => Promise<void>, intervalMs: number, onError: (thrown: unknown) => void) {
    this.#run = run;
    this.#intervalMs = intervalMs;
    this.#onError = onError;
  }

  /** Resolves after the first run. @throws what that throws */
  async start(): Promise<void> {
    const first = this.#run();
    this.#running = ended(first);
    await first;
    if (this.#stopped) return;
    this.#timer = setInterval(() => {
      this.#running = this.#run().catch(this.#onError);
    }, this.#intervalMs).unref();
  }

  /** Resolves when nothing runs any more, and nothing will. */
  async stop(): Promise<void> {
    this.#stopped = true;
    clearInterval(this.#timer);
    await this.#running;
  }
}
