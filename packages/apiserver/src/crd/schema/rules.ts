/** x-kubernetes-validations (k8s.io/apiextensions-apiserver/pkg/apiserver/schema/cel/validation.go). */
import {
  duplicate,
  type ErrorList,
  type FieldError,
  forbidden,
  invalid,
  OMIT_VALUE,
  Path,
  quote,
  required,
} from '@keelson/api/field';
import type { ValidationRule } from '@keelson/api/generated/types/apiextensions/v1';
import { isPieceOver, type Pieces } from '@keelson/api/pieces';
import { BudgetExceeded, type Declared, EvaluationError, PER_CALL_LIMIT, type Program, type Value } from '@keelson/cel';
import { type Correlation, KeyedItems } from './correlation.ts';
import {
  type CompiledRule,
  compileRules,
  declaredElement,
  declaredProperty,
  declareResource,
  declareValue,
} from './expressions.ts';
import { NOWHERE, shownValue } from './findings.ts';
import type { RuleMetrics } from './metrics.ts';
import { isObject, type Structural } from './structural.ts';

/** Units that all rules of an object may cost together (k8s.io/apiserver/pkg/apis/cel RuntimeCELCostBudget). */
export const OBJECT_BUDGET = 10_000_000;
/** Units after which others have a turn: some milliseconds. */
const PIECE_COST = 10_000;
const MAX_MESSAGE = 5 * 1024;
const NO_MORE = 'no further validation rules will be run';
const OUT_OF_BUDGET = `validation failed due to running out of cost budget, ${NO_MORE}`;

/** Rules of a schema and of those within it. Only schemas that have any are there. */
export class RuleTree {
  readonly schema: Structural;
  readonly items: RuleTree | undefined;
  readonly values: RuleTree | undefined;
  readonly properties: ReadonlyMap<string, RuleTree>;
  /** Where it is counted how long the rules take. */
  readonly metrics: RuleMetrics | undefined;
  readonly #declared: Declared | undefined;
  #rules: readonly CompiledRule[] | undefined;

  private constructor(schema: Structural, declared: Declared | undefined, metrics: RuleMetrics | undefined) {
    const { items, additional, properties } = schema;
    const element = declared && declaredElement(declared);
    this.schema = schema;
    this.metrics = metrics;
    this.#declared = declared;
    this.items = items && RuleTree.#of(items, element, metrics);
    this.values = typeof additional === 'object' ? RuleTree.#of(additional, element, metrics) : undefined;
    const known: [string, RuleTree][] = [];
    for (const [name, property] of declared ? properties : []) {
      const tree = RuleTree.#within(name, property, declared!, metrics);
      if (tree) known.push([name, tree]);
    }
    this.properties = new Map(known);
  }

  /** Undefined where there are no rules at all. */
  static ofResource(schema: Structural, metrics?: RuleMetrics): RuleTree | undefined {
    return schema.holds.rules ? RuleTree.#of(schema, declareResource(schema), metrics) : undefined;
  }
  static ofProperty(schema: Structural, metrics?: RuleMetrics): RuleTree | undefined {
    return schema.holds.rules ? RuleTree.#of(schema, declareValue(schema), metrics) : undefined;
  }
  /** @param declared what expressions see of the value */
  static #of(
    schema: Structural,
    declared: Declared | undefined,
    metrics: RuleMetrics | undefined,
  ): RuleTree | undefined {
    if (!schema.holds.rules) return undefined;
    const tree = new RuleTree(schema, declared, metrics);
    return schema.rules.length > 0 || tree.items || tree.values || tree.properties.size > 0 ? tree : undefined;
  }
  /** Rules do not see properties without a type, nor what is in them. */
  static #within(
    name: string,
    property: Structural,
    declared: Declared,
    metrics: RuleMetrics | undefined,
  ): RuleTree | undefined {
    const seen = declaredProperty(declared, name, property);
    return seen && RuleTree.#of(property, seen, metrics);
  }

  /** Compiled when they are wanted. Undefined where expressions see nothing of the value. */
  get rules(): readonly CompiledRule[] | undefined {
    if (this.schema.rules.length === 0) return [];
    this.#rules ??= this.#declared && compileRules(this.schema, this.#declared, this.metrics);
    return this.#rules;
  }
}

/** What a value was before, for forgiving what has not changed. */
interface Before {
  readonly current?: Correlation | undefined;
  /** The nearest around it that has one. */
  readonly around?: Correlation | undefined;
}

const UNRELATED: Before = {};

export interface RuleOptions {
  /** Units; OBJECT_BUDGET unless given. */
  readonly budget?: number | undefined;
  /** On update. What has not changed may break rules that do not look at what it was. */
  readonly correlation?: Correlation | undefined;
  /** Is told what was forgiven. */
  readonly warn?: ((text: string) => void) | undefined;
}

/**
 * @param old what the value was; undefined on creation: rules about changes are left out
 * @returns the errors, and the budget that is left; below zero when it is used up
 */
export function* evaluateRules(
  tree: RuleTree,
  value: unknown,
  old: unknown,
  path: Path,
  { budget = OBJECT_BUDGET, correlation, warn }: RuleOptions = {},
): Pieces<{ errors: ErrorList; budget: number }> {
  const run = new Run(budget, warn);
  try {
    yield* run.visit(tree, value, old, path, { current: correlation });
  } catch (error) {
    if (error !== ENOUGH) throw error;
    run.budget = -1;
  }
  return { errors: run.errors, budget: run.budget };
}

/** Ends the evaluation of all rules. */
const ENOUGH = { enough: true } as const;

class Run {
  readonly errors: ErrorList = [];
  budget: number;
  readonly #warn: ((text: string) => void) | undefined;
  #budgetAtBreak: number;

  constructor(budget: number, warn: ((text: string) => void) | undefined) {
    this.budget = budget;
    this.#budgetAtBreak = budget;
    this.#warn = warn;
  }

  *visit(tree: RuleTree, value: unknown, old: unknown, path: Path, before: Before): Pieces<void> {
    if (value === null || value === undefined) return;
    if (isPieceOver()) yield;
    if (tree.schema.rules.length > 0) {
      const evaluated = tree.metrics?.evaluating();
      try {
        yield* this.#evaluate(tree, value, old ?? undefined, path, before);
      } finally {
        evaluated?.();
      }
    }
    const { items, values, properties, schema } = tree;
    if (Array.isArray(value)) {
      if (!items) return;
      const oldItems = new KeyedItems(Array.isArray(old) ? old : [], schema);
      const { current } = before;
      for (const [i, item] of value.entries()) {
        const inner = current ? { current: current.index(i), around: current } : before;
        yield* this.visit(items, item, oldItems.get(item), path.index(i), inner);
      }
    } else if (isObject(value)) {
      if (!values && properties.size === 0) return;
      for (const [name, member] of Object.entries(value)) {
        const oldMember = isObject(old) && Object.hasOwn(old, name) ? old[name] : undefined;
        if (values) yield* this.visit(values, member, oldMember, path.key(name), within(before, name));
        const property = properties.get(name);
        if (property) yield* this.visit(property, member, oldMember, path.child(name), within(before, name));
      }
    }
  }

  *#evaluate(tree: RuleTree, value: unknown, old: unknown, path: Path, before: Before): Pieces<void> {
    const { rules, schema } = tree;
    const at = path === Path.root ? NOWHERE : path;
    const type = schema.source.type ?? '';
    if (!rules) {
      const why = 'rule compiler initialization error: failed to convert to declType for CEL validation rules';
      this.errors.push(invalid(at, type, why));
      return;
    }
    if (this.budget <= 0) this.#end(invalid(at, type, OUT_OF_BUDGET));
    // To messages, too, it is there where a rule asks for it.
    const hasOldSelf = rules.some(({ usesOldSelf }) => usesOldSelf);
    for (const compiled of rules) {
      const { rule, program, problem, usesOldSelf } = compiled;
      if (problem !== undefined) this.errors.push(invalid(at, type, `rule compile error: ${problem}`));
      if (!program || (usesOldSelf && old === undefined && !rule.optionalOldSelf)) continue;
      if (this.#budgetAtBreak - this.budget > PIECE_COST) {
        this.#budgetAtBreak = this.budget;
        yield;
      }
      if (this.#holds(program, rule, { self: value, oldSelf: old }, at, type)) continue;
      const field = compiled.fieldPath === '' ? at : path.child(compiled.fieldPath);
      const add = (error: FieldError) => {
        if (usesOldSelf || !isForgiven(before)) this.errors.push(error);
        else this.#warn?.(error.toString());
      };
      const detail = this.#messageOf(compiled, value, hasOldSelf ? old : undefined, (why) =>
        add(invalid(field, type, why)),
      );
      const shown = type === 'object' || type === 'array' ? OMIT_VALUE : shownValue(value);
      add(errorFor(rule.reason, field, shown, detail ?? defaultMessage(rule)));
    }
  }

  /** Whether there is nothing to say: an evaluation that fails says so itself. */
  #holds(program: Program, rule: ValidationRule, activation: object, at: Path, type: string): boolean {
    const result = this.#call(program, activation);
    if (result.cost > this.budget) this.#end(invalid(at, type, OUT_OF_BUDGET));
    this.budget -= result.cost;
    if ('value' in result) return result.value === true;
    const { error } = result;
    const shown = shownRule(rule);
    if (error instanceof BudgetExceeded)
      this.#end(invalid(at, type, `'${error.message}': ${NO_MORE} due to call cost exceeds limit for rule: ${shown}`));
    const why = error.message.startsWith('no such overload')
      ? `'${error.message}': call arguments did not match a supported operator, function or macro signature for rule: ${shown}`
      : `${error.message} evaluating rule: ${shown}`;
    this.errors.push(invalid(at, type, why));
    return true;
  }

  #call(
    program: Program,
    activation: object,
  ): { cost: number; value: Value } | { cost: number; error: EvaluationError | BudgetExceeded } {
    try {
      return program.evaluate(activation as Record<string, unknown>);
    } catch (error) {
      if (error instanceof EvaluationError) return { cost: error.cost, error };
      if (error instanceof BudgetExceeded) return { cost: PER_CALL_LIMIT + 1, error };
      throw error;
    }
  }

  /** Undefined where the message expression has no good value. @param refuse is told why no more rules are evaluated */
  #messageOf(
    { rule, message }: CompiledRule,
    self: unknown,
    oldSelf: unknown,
    refuse: (why: string) => void,
  ): string | undefined {
    // Messages see what the value was as it is, even if to the rule it is an optional: no function takes it.
    if (!message || (message.usesOldSelf && (rule.optionalOldSelf || oldSelf === undefined))) return undefined;
    const result = this.#call(message.program, { self, oldSelf });
    const stop = (why: string): never => {
      refuse(why);
      throw ENOUGH;
    };
    if (result.cost > this.budget)
      stop(`messageExpression evaluation failed due to running out of cost budget, ${NO_MORE}`);
    this.budget -= result.cost;
    if ('error' in result) {
      if (result.error instanceof BudgetExceeded)
        stop(`${NO_MORE} due to call cost exceeds limit for messageExpression: ${quote(rule.messageExpression!)}`);
      return undefined;
    }
    const text = typeof result.value === 'string' ? result.value.trim() : '';
    return text === '' || text.includes('\n') || Buffer.byteLength(text) > MAX_MESSAGE ? undefined : text;
  }

  #end(error: FieldError): never {
    this.errors.push(error);
    throw ENOUGH;
  }
}

function within(before: Before, name: string): Before {
  const { current, around } = before;
  if (!current) return before;
  if (!around && (name === 'apiVersion' || name === 'kind')) return UNRELATED;
  return { current: current.key(name), around: current };
}

function isForgiven({ current, around }: Before): boolean {
  return (current ?? around)?.isUnchanged ?? false;
}

function errorFor(reason: string | undefined, path: Path, value: unknown, detail: string): FieldError {
  switch (reason) {
    case 'FieldValueForbidden':
      return forbidden(path, detail);
    case 'FieldValueRequired':
      return required(path, detail);
    case 'FieldValueDuplicate':
      return duplicate(path, value);
    default:
      return invalid(path, value, detail);
  }
}

function defaultMessage(rule: ValidationRule): string {
  return rule.message ? rule.message.trim() : `failed rule: ${rule.rule.trim()}`;
}

function shownRule({ message, rule }: ValidationRule): string {
  return (message || rule).trim();
}
