/** Evaluating the expressions of one policy or webhook for one request (plugin/cel/activation.go, composition.go). */

import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Namespace } from '@keelson/api/generated/types/core/v1';
import {
  BudgetExceeded,
  DYN,
  EvaluationError,
  failure,
  lazyObject,
  PER_CALL_LIMIT,
  settled,
  type Value,
} from '@keelson/cel';
import { adapt } from '@keelson/cel/eval/adapt';
import type { VersionedObjects } from '../matching/forms.ts';
import { requestOf } from '../matching/request.ts';
import type { RequestAuthorizer } from './authorizer.ts';
import type { Expression } from './expression.ts';

/** What all expressions of a policy may cost for one binding and one object of parameters. */
export const POLICY_BUDGET = 10_000_000;
/** The same for match conditions. */
export const MATCH_BUDGET = 2_500_000;

/** Units of cost, some 15 ms, after which others get their turn; whoever's they were. */
const TURN = 300_000;
let spentInTurn = 0;

/** Nothing more is evaluated. */
export class OutOfBudget extends Error {
  override readonly name = 'OutOfBudget';

  constructor() {
    super('validation failed due to running out of cost budget, no further validation rules will be run');
  }
}

export interface Input {
  readonly objects: VersionedObjects;
  /** Undefined: there are none, or none are used. */
  readonly params?: object | undefined;
  /** Undefined where the request is in no namespace, or the expressions may not know. */
  readonly namespace?: Namespace | undefined;
  readonly authorizer?: RequestAuthorizer | undefined;
  readonly variables?: ReadonlyMap<string, Expression>;
}

export type Outcome = { readonly value: Value; readonly error?: never } | { readonly error: string };

export class Session {
  /** What is left. */
  budget: number;
  readonly #activation: Record<string, unknown>;
  /** Of variables, since it was last asked. */
  #variablesCost = 0;

  constructor({ objects, params, namespace, authorizer, variables }: Input, budget: number) {
    this.budget = budget;
    this.#activation = {
      object: objects.object ?? null,
      oldObject: objects.oldObject ?? null,
      params: params ?? null,
      // What is declared of these two is for the compiler alone.
      request: adapt(requestOf(objects), DYN),
      namespaceObject: namespace ? adapt(namespaceObjectOf(namespace), DYN) : null,
      ...authorizer?.variables,
      variables: this.#lazy(variables ?? new Map()),
    };
  }

  /** @throws OutOfBudget */
  async evaluate({ text, program, problem }: Expression): Promise<Outcome> {
    if (!program) return { error: `compilation error: ${problem?.detail}` };
    if (spentInTurn > TURN) {
      spentInTurn = 0;
      await nextTurn();
    }
    try {
      const { value, cost } = await settled(() => program.evaluate(this.#activation));
      this.#charge(cost);
      return { value };
    } catch (error) {
      if (error instanceof BudgetExceeded) this.#charge(PER_CALL_LIMIT);
      else if (error instanceof EvaluationError) this.#charge(0);
      else throw error;
      return { error: `expression '${text}' resulted in error: ${error.message}` };
    }
  }

  #charge(cost: number): void {
    const spent = cost + this.#variablesCost;
    spentInTurn += spent;
    this.#variablesCost = 0;
    if (spent > this.budget) throw new OutOfBudget();
    this.budget -= spent;
  }

  /** Each is evaluated when it is first used. */
  #lazy(variables: ReadonlyMap<string, Expression>): Value {
    const fields = [...variables].map(([name, expression]) => [name, () => this.#variable(name, expression)] as const);
    return lazyObject(Object.fromEntries(fields));
  }

  #variable(name: string, { program, problem }: Expression): Value {
    if (!program) throw failure(`composited variable "${name}" fails to compile: ${problem?.detail}`);
    try {
      const { value, cost } = program.evaluate(this.#activation);
      this.#variablesCost += cost;
      return value;
    } catch (error) {
      if (error instanceof BudgetExceeded) this.#variablesCost += PER_CALL_LIMIT;
      else if (!(error instanceof EvaluationError)) throw error;
      throw failure(`composited variable "${name}" fails to evaluate: ${error.message}`);
    }
  }
}

const NAMESPACE_METADATA = [
  'name',
  'generateName',
  'namespace',
  'uid',
  'resourceVersion',
  'generation',
  'creationTimestamp',
  'deletionTimestamp',
  'deletionGracePeriodSeconds',
  'labels',
  'annotations',
  'finalizers',
] as const;

/** As much of a namespace as expressions see. */
function namespaceObjectOf({ metadata, spec, status }: Namespace): object {
  const shown = NAMESPACE_METADATA.filter((field) => metadata?.[field] !== undefined);
  return { metadata: Object.fromEntries(shown.map((field) => [field, metadata[field]])), spec, status };
}
