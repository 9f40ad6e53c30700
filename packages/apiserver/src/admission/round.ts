/**
 * Mutating admission goes round twice when something that calls for it has changed the object
 * (k8s.io/apiserver/pkg/admission/reinvocation.go): every plugin of the server's own runs again, and of webhooks and
 * policies those that said so and ran before the change.
 */
import type { KubeObject } from '@keelson/api/object';
import { clone, equal } from '@keelson/api/patch/value';

/** One request's mutating admission, first or second time round. */
export class Round {
  /** 0 or 1. */
  number = 0;
  /** Somebody changed the object in a way that others may want to see. */
  again = false;
  #invoked: Map<string, Invoked> | undefined;

  /** What a plugin remembers from the first time round. */
  invoked(plugin: string): Invoked {
    this.#invoked ??= new Map();
    let found = this.#invoked.get(plugin);
    if (!found) {
      found = new Invoked();
      this.#invoked.set(plugin, found);
    }
    return found;
  }
}

/** Which of a plugin's webhooks, or policies, have run and which are to run again. */
export class Invoked {
  #output: KubeObject | undefined;
  #repeatable = new Set<string>();
  readonly #wanted = new Set<string>();

  /** To be called first: whoever has changed the object since the last time makes all of them run again. */
  begin(round: Round, object: KubeObject | undefined): void {
    if (round.number > 0 && !equal(this.#output, object)) this.#repeat();
  }
  /** To be called last. */
  end(object: KubeObject | undefined): void {
    this.#output = object && clone(object);
  }
  /** One of them has changed the object: those that ran before it want to see it. */
  changed(round: Round): void {
    this.#repeat();
    round.again = true;
  }
  /** @param isRepeatable by its reinvocationPolicy */
  ran(id: string, isRepeatable: boolean): void {
    if (isRepeatable) this.#repeatable.add(id);
  }
  /** What did not run the first time does not run the second time either. */
  mayRun(round: Round, id: string): boolean {
    return round.number === 0 || this.#wanted.has(id);
  }
  #repeat(): void {
    for (const id of this.#repeatable) this.#wanted.add(id);
    this.#repeatable = new Set();
  }
}
