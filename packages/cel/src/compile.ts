/** Text to program. */

import type { Activation, Evaluation, EvaluationOptions } from './eval/program.ts';
import type { CostRange } from './functions.ts';
import type { Issues } from './syntax/source.ts';
import type { Type } from './types/type.ts';

export interface Program {
  /**
   * @throws EvaluationError where the expression has no value, BudgetExceeded where it costs too much, Pending where an
   * answer is missing (see `settled`)
   */
  evaluate(activation: Activation, options?: EvaluationOptions): Evaluation;
}

export interface CompileOptions {
  /** How long the value at a path from a variable can be, where its declaration does not say; undefined if unknown. */
  readonly sizes?: (path: readonly string[]) => CostRange | undefined;
}

export type Compiled =
  | { readonly issues: Issues }
  | {
      readonly issues?: undefined;
      readonly type: Type;
      /** @throws EvaluationError where a constant part of the expression has no value: upstream's `program instantiation failed` */
      readonly program: Program;
      /** The smallest and the largest cost of an evaluation. */
      cost(options?: CompileOptions): CostRange;
    };
