/** A login manager for tests: what it was asked, and a machine that goes down when a test says so. */
import type { Logind } from './logind.ts';

export class TestLogind implements Logind {
  readonly asked: string[] = [];
  /** What it takes of delays that are asked for. */
  takes = true;
  locks = 0;
  delay = 5_000;
  #seen: (isShuttingDown: boolean) => void = () => {};
  #end: () => void = () => {};

  async delayMs(): Promise<number> {
    return this.delay;
  }

  async setDelay(ms: number): Promise<void> {
    this.asked.push(`delay ${ms}`);
    if (this.takes) this.delay = ms;
  }

  async lock() {
    this.asked.push('lock');
    this.locks++;
    return { release: () => void this.locks-- };
  }

  async watch(seen: (isShuttingDown: boolean) => void) {
    this.asked.push('watch');
    this.#seen = seen;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#end = resolve;
    return { ended: promise, stop: resolve };
  }

  announce(isShuttingDown: boolean): void {
    this.#seen(isShuttingDown);
  }

  /** As if the bus had gone. */
  disconnect(): void {
    this.#end();
  }
}
