import { ended } from '@keelson/component/promises';

/** Something done at once, and again and again until it is stopped. Runs overlap neither with each other nor with the end. */
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
    this.#timer = setInterval(() => this.again(), this.#intervalMs).unref();
  }

  /** Runs once more, when what is under way has ended. */
  again(): void {
    this.#running = this.#running.then(() => (this.#stopped ? undefined : this.#run())).catch(this.#onError);
  }

  /** Resolves when nothing runs any more, and nothing will. */
  async stop(): Promise<void> {
    this.#stopped = true;
    clearInterval(this.#timer);
    await this.#running;
  }
}
