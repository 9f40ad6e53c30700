/** Match conditions evaluated (plugin/webhook/matchconditions/matcher.go). */
import type { Authorize } from '../../authz/attributes.ts';
import {
  type CompileConditions,
  ConditionError,
  type ConditionsGiven,
  type MatchConditions,
} from '../matching/conditions.ts';
import type { AdmissionMetrics } from '../metrics.ts';
import { RequestAuthorizer } from './authorizer.ts';
import { Compiler } from './compiler.ts';
import type { Expression } from './expression.ts';
import { type Input, MATCH_BUDGET, OutOfBudget, Session } from './session.ts';

/** Those of webhooks: they know of no parameters and no variables. */
export function webhookConditions(authorize: Authorize, metrics: AdmissionMetrics): CompileConditions {
  return (given): MatchConditions => {
    let conditions: Conditions | undefined;
    return {
      match(objects) {
        conditions ??= new Conditions(given, new Compiler({ hasParams: false }), metrics);
        return conditions.match({ objects, authorizer: new RequestAuthorizer(objects.attributes, authorize) });
      },
    };
  };
}

export class Conditions {
  readonly #given: ConditionsGiven;
  readonly #expressions: readonly Expression[];
  readonly #metrics: AdmissionMetrics;

  constructor(given: ConditionsGiven, compiler: Compiler, metrics: AdmissionMetrics) {
    this.#given = given;
    this.#expressions = given.conditions.map(({ expression }) => compiler.compile('matchCondition', expression));
    this.#metrics = metrics;
  }

  /** One that is false outweighs those that can't be evaluated. @throws ConditionError */
  async match(input: Omit<Input, 'namespace'>): Promise<boolean> {
    const { subject, failurePolicy } = this.#given;
    const { operation } = input.objects.attributes;
    const startedAt = this.#metrics.now();
    const errors: string[] = [];
    let isExcluded = false;
    try {
      const session = new Session(input, MATCH_BUDGET);
      for (const expression of this.#expressions) {
        const outcome = await session.evaluate(expression);
        if (outcome.error !== undefined) {
          errors.push(outcome.error);
          this.#metrics.conditionFailed(subject, operation);
        } else isExcluded ||= outcome.value === false;
      }
    } catch (error) {
      if (!(error instanceof OutOfBudget)) throw error;
      errors.splice(0, errors.length, error.message);
      isExcluded = false;
    }
    if (isExcluded || errors.length > 0)
      this.#metrics.conditionsTook(subject, operation, this.#metrics.now() - startedAt);
    if (errors.length > 0 && !isExcluded && failurePolicy !== 'Ignore') throw new ConditionError(aggregate(errors));
    if (!isExcluded && errors.length === 0) return true;
    this.#metrics.conditionExcluded(subject, operation);
    return false;
  }
}

/** As Go joins several errors. */
function aggregate(errors: readonly string[]): string {
  const distinct = [...new Set(errors)];
  return distinct.length === 1 ? distinct[0]! : `[${distinct.join(', ')}]`;
}
