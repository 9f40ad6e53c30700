/** The state of one evaluation. */
import type { Environment } from '../environment.ts';
import { adapt } from './adapt.ts';
import { BudgetExceeded, type EvaluationError, failure } from './errors.ts';
import type { Activation } from './program.ts';
import type { Value } from './values.ts';

/** One step of a program. */
export type Step = (frame: Frame) => Value;

export class Frame {
  /** Units spent so far. */
  cost = 0;
  /** Local variables of comprehensions, by depth; an accumulator may hold the error of its last step. */
  readonly slots: (Value | EvaluationError | undefined)[];
  readonly #budget: number;
  readonly #activation: Activation;
  readonly #variables: Environment['variables'];
  readonly #known = new Map<string, Value>();

  constructor(slots: number, budget: number, activation: Activation, variables: Environment['variables']) {
    this.slots = new Array(slots).fill(undefined);
    this.#budget = budget;
    this.#activation = activation;
    this.#variables = variables;
  }

  /** @throws BudgetExceeded */
  charge(units: number): void {
    this.cost += units;
    if (!(this.cost <= this.#budget)) throw new BudgetExceeded();
  }

  /** A variable of the activation, adapted once. @throws EvaluationError where the activation has none */
  variable(name: string): Value {
    let value = this.#known.get(name);
    if (value !== undefined) return value;
    const json = this.#activation[name];
    const declared = this.#variables.get(name)!;
    if (json === undefined && declared.kind !== 'optional') throw failure(`no such attribute(s): ${name}`);
    value = adapt(json, declared);
    this.#known.set(name, value);
    return value;
  }
}
