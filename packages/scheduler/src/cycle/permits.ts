import type { Clock } from '@keelson/api/clock';
import { unlessAborted } from '@keelson/component/promises';
import { type Rejection, rejection, unschedulable } from '../framework/status.ts';

interface Waiting {
  /** Plugins that have not agreed yet. */
  readonly plugins: Set<string>;
  settle(verdict: Rejection | undefined): void;
  readonly verdict: Promise<Rejection | undefined>;
}

/** Pods whose binding waits for plugins to agree. */
export class Permits {
  readonly #clock: Clock;
  readonly #waiting = new Map<string, Waiting>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** @param waits how long each plugin may take, in milliseconds */
  hold(uid: string, waits: ReadonlyMap<string, number>): void {
    const { promise, resolve } = Promise.withResolvers<Rejection | undefined>();
    const cancels = Array.from(waits, ([plugin, ms]) =>
      this.#clock.after(ms, () =>
        waiting.settle(unschedulable(plugin, `rejected due to timeout after waiting ${ms}ms at plugin ${plugin}`)),
      ),
    );
    const waiting: Waiting = {
      plugins: new Set(waits.keys()),
      verdict: promise,
      settle: (verdict) => {
        for (const cancel of cancels) cancel();
        this.#waiting.delete(uid);
        resolve(verdict);
      },
    };
    this.#waiting.set(uid, waiting);
  }

  isHeld(uid: string): boolean {
    return this.#waiting.has(uid);
  }

  /**
   * @returns why the pod may not be bound; `undefined` at once for one that nobody holds
   * @throws the signal's reason, when nobody waits for the plugins any more
   */
  async wait(uid: string, signal?: AbortSignal): Promise<Rejection | undefined> {
    const waiting = this.#waiting.get(uid);
    if (!waiting) return undefined;
    try {
      return await unlessAborted(waiting.verdict, signal);
    } catch (error) {
      waiting.settle(undefined);
      throw error;
    }
  }

  allow(uid: string, plugin: string): void {
    const waiting = this.#waiting.get(uid);
    if (waiting?.plugins.delete(plugin) && waiting.plugins.size === 0) waiting.settle(undefined);
  }

  /** @returns whether the pod was held */
  reject(uid: string, plugin: string, why: string): boolean {
    const waiting = this.#waiting.get(uid);
    waiting?.settle(rejection(plugin, 'Unschedulable', why));
    return waiting !== undefined;
  }
}
