/** Text to program. */
import { type Checked, check } from './check/checker.ts';
import { literalIssues } from './check/literals.ts';
import type { SizeOf } from './cost/declared.ts';
import { estimate } from './cost/estimate.ts';
import type { CostRange } from './cost/range.ts';
import type { Environment } from './environment.ts';
import { EvaluationError } from './eval/errors.ts';
import { Frame } from './eval/frame.ts';
import { limited } from './eval/limits.ts';
import { plan } from './eval/plan.ts';
import { type Activation, type Evaluation, type EvaluationOptions, PER_CALL_LIMIT } from './eval/program.ts';
import { parse } from './syntax/parser.ts';
import { type Issue, Issues } from './syntax/source.ts';
import type { Type } from './types/type.ts';

export interface Program {
  /**
   * @throws EvaluationError where the expression has no value, BudgetExceeded where it costs too much, Pending where an
   * answer is missing (see `settled`)
   */
  evaluate(activation: Activation, options?: EvaluationOptions): Evaluation;
}

export type Compiled =
  | { readonly issues: Issues }
  | {
      readonly issues?: undefined;
      readonly type: Type;
      /** The variables of the environment that the expression names. */
      readonly variables: ReadonlySet<string>;
      /**
       * The same at every call.
       * @throws EvaluationError where a constant part of the expression has no value: upstream's `program instantiation failed`
       */
      program(): Program;
      /**
       * The smallest and the largest cost of an evaluation.
       * @param sizeOf how long the value at a path can be; asked before the declarations
       */
      cost(sizeOf?: SizeOf): CostRange;
    };

/** Parses and checks an expression. */
export function compile(env: Environment, text: string): Compiled {
  const wrong = (issues: readonly Issue[]) => ({ issues: new Issues(text, issues) });
  const parsed = parse(text, env.macros);
  if (parsed.issues) return wrong(parsed.issues);
  const checked = check(env, parsed.expr);
  if (checked.issues.length > 0) return wrong(checked.issues);
  const literals = literalIssues(checked);
  if (literals.length > 0) return wrong(literals);
  let program: Program | undefined;
  return {
    type: checked.types.get(parsed.expr)!,
    variables: variablesOf(checked),
    program() {
      program ??= makeProgram(env, plan(checked));
      return program;
    },
    cost: (sizeOf) => estimate(env, checked, sizeOf),
  };
}

function variablesOf({ references }: Checked): Set<string> {
  const variables = [...references.values()].filter((reference) => reference.kind === 'variable');
  return new Set(variables.filter((variable) => !variable.local).map((variable) => variable.name));
}

function makeProgram(env: Environment, { slots, step }: ReturnType<typeof plan>): Program {
  return {
    evaluate(activation, { budget = PER_CALL_LIMIT } = {}) {
      const frame = new Frame(slots, budget, activation, env.variables);
      try {
        return { value: limited(() => step(frame)), cost: frame.cost };
      } catch (error) {
        if (error instanceof EvaluationError) error.cost = frame.cost;
        throw error;
      }
    },
  };
}
