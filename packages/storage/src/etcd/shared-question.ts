/**
 * A question whose answer is good for everybody who asked before it was put: while one is under way, all who come share
 * the next. However many ask, two questions are in flight at most.
 */
export class SharedQuestion<T> {
  readonly #put: () => Promise<T>;
  #current: Promise<T> | undefined;
  #next: Promise<T> | undefined;

  constructor(put: () => Promise<T>) {
    this.#put = put;
  }

  /** @returns an answer to a question that was put after the call. @throws what putting it throws */
  ask(): Promise<T> {
    if (this.#next) return this.#next;
    if (!this.#current) return this.#begin();
    this.#next = this.#current.then(noop, noop).then(() => {
      this.#next = undefined;
      return this.#begin();
    });
    return this.#next;
  }

  #begin(): Promise<T> {
    const current = this.#put().finally(() => {
      if (this.#current === current) this.#current = undefined;
    });
    this.#current = current;
    return current;
  }
}

const noop = (): void => {};
