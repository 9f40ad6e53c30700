import { compileSelector, type DeviceInput, type DeviceSelector, SelectorError } from '@keelson/cel/dra/selector';

/** Expressions are few, and each is asked of many devices. */
const MOST_KEPT = 100;

export class Selectors {
  readonly #compiled = new Map<string, DeviceSelector>();

  /** @param owner where the expression stands, for errors; @throws Error for an expression that does not compile or breaks */
  matches(expression: string, device: DeviceInput, owner: string): boolean {
    try {
      return this.#selector(expression).matches(device);
    } catch (error) {
      const kind = error instanceof SelectorError ? 'compile' : 'runtime';
      throw new Error(`${owner}: CEL ${kind} error: ${error instanceof Error ? error.message : error}`);
    }
  }

  #selector(expression: string): DeviceSelector {
    let selector = this.#compiled.get(expression);
    if (!selector) {
      if (this.#compiled.size >= MOST_KEPT) this.#compiled.clear();
      selector = compileSelector(expression);
      this.#compiled.set(expression, selector);
    }
    return selector;
  }
}
