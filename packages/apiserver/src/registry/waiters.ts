export interface Waiter {
  readonly revision: number;
  readonly resolve: () => void;
  readonly reject: (error: Error) => void;
}

/** Those who wait for a cache to stand at a revision. */
export class Waiters {
  readonly #waiting = new Set<Waiter>();

  /** How many wait. */
  get size(): number {
    return this.#waiting.size;
  }

  /** Resolves when `revision` or a later one has been {@link reach}ed. @throws the error of {@link abandon} */
  wait(revision: number): Promise<void> {
    return new Promise((resolve, reject) => this.#waiting.add({ revision, resolve, reject }));
  }

  /** Lets those go who waited for this revision or an earlier one. */
  reach(revision: number): void {
    for (const waiter of this.#waiting) {
      if (waiter.revision > revision) continue;
      this.#waiting.delete(waiter);
      waiter.resolve();
    }
  }

  /** Nobody waits for what may never come. @param some default: all */
  abandon(error: Error, some: Iterable<Waiter> = this.#waiting): void {
    for (const waiter of some) if (this.#waiting.delete(waiter)) waiter.reject(error);
  }

  /** Those who wait now. */
  all(): readonly Waiter[] {
    return [...this.#waiting];
  }
}
