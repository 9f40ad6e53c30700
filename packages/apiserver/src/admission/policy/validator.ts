/** What a ValidatingAdmissionPolicy says about one request (plugin/policy/validating/validator.go). */
import type { ValidatingAdmissionPolicy, Validation } from '@keelson/api/generated/types/admissionregistration/v1';
import { Compiler } from '../cel/compiler.ts';
import { Conditions } from '../cel/conditions.ts';
import type { Expression } from '../cel/expression.ts';
import { type Input, type Outcome, OutOfBudget, POLICY_BUDGET, Session } from '../cel/session.ts';
import { ConditionError } from '../matching/conditions.ts';
import type { AdmissionMetrics } from '../metrics.ts';

/** What one validation has come to. */
export interface Decision {
  readonly denied: boolean;
  /** It could not be evaluated, whatever follows from that. */
  readonly failed: boolean;
  readonly message: string;
  /** Empty where the validation has none. */
  readonly reason: string;
  readonly ms: number;
}

export interface AuditAnnotation {
  readonly key: string;
  readonly value: string;
}

export interface Verdict {
  readonly decisions: readonly Decision[];
  readonly annotations: readonly AuditAnnotation[];
  /** Annotations that could not be evaluated, where that matters. */
  readonly annotationErrors: readonly Decision[];
}

const NOTHING: Verdict = { decisions: [], annotations: [], annotationErrors: [] };
const MAX_MESSAGE_BYTES = 5 * 1024;

interface CompiledValidation {
  readonly validation: Validation;
  readonly expression: Expression;
  readonly message: Expression | undefined;
}

export class Validator {
  readonly #conditions: Conditions | undefined;
  readonly #variables: ReadonlyMap<string, Expression>;
  readonly #validations: readonly CompiledValidation[];
  readonly #annotations: readonly { readonly key: string; readonly expression: Expression }[];
  readonly #failsOpen: boolean;
  readonly #now: () => number;

  constructor({ metadata, spec }: ValidatingAdmissionPolicy, metrics: AdmissionMetrics) {
    const { matchConditions: conditions = [], failurePolicy } = spec;
    const compiler = new Compiler({ hasParams: spec.paramKind !== undefined, variables: spec.variables ?? [] });
    const subject = { name: metadata.name ?? '', kind: 'policy', type: 'validate' } as const;
    this.#conditions =
      conditions.length > 0 ? new Conditions({ conditions, failurePolicy, subject }, compiler, metrics) : undefined;
    this.#variables = compiler.variables;
    this.#validations = (spec.validations ?? []).map((validation) => ({
      validation,
      expression: compiler.compile('validation', validation.expression),
      message: validation.messageExpression
        ? compiler.compile('messageExpression', validation.messageExpression)
        : undefined,
    }));
    this.#annotations = (spec.auditAnnotations ?? []).map(({ key, valueExpression }) => ({
      key,
      expression: compiler.compile('auditAnnotation', valueExpression),
    }));
    this.#failsOpen = failurePolicy === 'Ignore';
    this.#now = metrics.now;
  }

  async validate(given: Omit<Input, 'variables'>): Promise<Verdict> {
    const input = { ...given, variables: this.#variables };
    try {
      // Conditions do not know the namespace.
      const { namespace: _, ...seen } = input;
      if (this.#conditions && !(await this.#conditions.match(seen))) return NOTHING;
      const decisions = await this.#decide(input);
      return { decisions, ...(await this.#annotate(input)) };
    } catch (error) {
      if (!(error instanceof OutOfBudget || error instanceof ConditionError)) throw error;
      return { ...NOTHING, decisions: [this.#failure(error.message, 0)] };
    }
  }

  /** Messages are evaluated with what the validations have left of the budget, and without the authorizer. */
  async #decide(input: Input): Promise<Decision[]> {
    const session = new Session(input, POLICY_BUDGET);
    const outcomes: { outcome: Outcome; ms: number }[] = [];
    for (const { expression } of this.#validations) {
      const startedAt = this.#now();
      const outcome = await session.evaluate(expression);
      outcomes.push({ outcome, ms: this.#now() - startedAt });
    }
    const messages = await this.#messages(new Session({ ...input, authorizer: undefined }, session.budget));
    return this.#validations.map(({ validation }, i) => {
      const { outcome, ms } = outcomes[i]!;
      if (outcome.error !== undefined) return this.#failure(outcome.error, ms);
      if (messages instanceof OutOfBudget) return this.#failure(`failed messageExpression: ${messages.message}`, ms);
      if (outcome.value === true) return { denied: false, failed: false, message: '', reason: '', ms };
      const message = messages[i] || messageOf(validation);
      return { denied: true, failed: false, message, reason: validation.reason ?? 'Invalid', ms };
    });
  }

  /** Empty for those that are of no use. */
  async #messages(session: Session): Promise<string[] | OutOfBudget> {
    const messages: string[] = [];
    try {
      for (const { message } of this.#validations)
        messages.push(message ? usable(await session.evaluate(message)) : '');
      return messages;
    } catch (error) {
      if (error instanceof OutOfBudget) return error;
      throw error;
    }
  }

  async #annotate(input: Input): Promise<Pick<Verdict, 'annotations' | 'annotationErrors'>> {
    const annotations: AuditAnnotation[] = [];
    const annotationErrors: Decision[] = [];
    const session = new Session({ ...input, authorizer: undefined }, POLICY_BUDGET);
    for (const { key, expression } of this.#annotations) {
      const startedAt = this.#now();
      const outcome = await session.evaluate(expression);
      if (outcome.error !== undefined) {
        const failure = this.#failure(outcome.error, this.#now() - startedAt);
        if (failure.denied) annotationErrors.push(failure);
      } else if (typeof outcome.value === 'string' && outcome.value.trim() !== '') {
        annotations.push({ key, value: outcome.value.trim() });
      }
    }
    return { annotations, annotationErrors };
  }

  #failure(message: string, ms: number): Decision {
    return { denied: !this.#failsOpen, failed: true, message, reason: '', ms };
  }
}

function usable(outcome: Outcome): string {
  if (outcome.error !== undefined || typeof outcome.value !== 'string') return '';
  const message = outcome.value.trim();
  return Buffer.byteLength(message) > MAX_MESSAGE_BYTES || message.includes('\n') ? '' : message;
}

function messageOf({ message = '', expression }: Validation): string {
  return message.trim() || `failed expression: ${expression.trim()}`;
}
