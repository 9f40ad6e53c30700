import { ended } from '@keelson/component/promises';

/** Operations on the same things follow one another. */
export class Turns {
  readonly #last = new Map<string, Promise<void>>();

  /** @returns what the operation returns, which begins when all before it on any of the keys have ended */
  take<T>(keys: readonly string[], operation: () => Promise<T>): Promise<T> {
    const turn = Promise.all(keys.map((key) => this.#last.get(key))).then(operation);
    const over = ended(turn);
    for (const key of keys) this.#last.set(key, over);
    void over.then(() => {
      for (const key of keys) if (this.#last.get(key) === over) this.#last.delete(key);
    });
    return turn;
  }
}
