/**
 * From a checked expression to a program: one closure for each node (cel-go interpreter/planner.go).
 *
 * Names, fields and elements are attributes: a chain of them costs one unit for its root and one for each step. Whatever continues a
 * chain, chooses between chains or tests the last step takes the chain without its root's unit (`resolve`). Constants cost nothing.
 */
import type { Checked, Reference } from '../check/checker.ts';
import {
  type Call,
  type Comprehension,
  type Expr,
  type ListExpr,
  type MapExpr,
  OP,
  type Select,
  type StructExpr,
} from '../syntax/ast.ts';
import { ACCUMULATOR } from '../syntax/macro.ts';
import { makeList, makeMap, makeStruct, mapOf } from './construct.ts';
import { attempt, planCall } from './dispatch.ts';
import { EvaluationError } from './errors.ts';
import { readAccumulator, runFold } from './fold.ts';
import { Frame, type Step } from './frame.ts';
import { conditional, equality, logical, membership, notStrictlyFalse, orElse } from './logic.ts';
import { compilePattern } from './pattern.ts';
import { checkKey, hasField, select, selectOptional } from './select.ts';
import { ArrayList, type ListValue, OptionalValue, TypeValue, type Value } from './values.ts';

/** Functions whose calls with a constant are constants. */
const CONVERSIONS = new Set([
  'bool',
  'bytes',
  'double',
  'duration',
  'dyn',
  'int',
  'string',
  'timestamp',
  'type',
  'uint',
]);

/** Functions whose second argument is a pattern: one that is constant is known to be right before. */
const PATTERNS = new Set(['matches', 'find', 'findAll']);

interface Planned {
  readonly eval: Step;
  /** The value of what is the same in every evaluation. */
  readonly constant?: { readonly value: Value };
  /** Of an attribute: its value without the cost of its root; and that cost. */
  readonly resolve?: Step;
  readonly root?: 0 | 1;
}

/** How many local variables a program has, and its first step. */
export interface Plan {
  readonly slots: number;
  readonly step: Step;
}

/** @throws EvaluationError for a conversion of a constant, or a pattern, that is wrong */
export function plan(checked: Checked): Plan {
  const planner = new Planner(checked);
  const { eval: step } = planner.plan(checked.expr);
  return { slots: planner.slots, step };
}

function constant(value: Value): Planned {
  return { eval: () => value, constant: { value } };
}

function attribute(resolve: Step, root: 0 | 1): Planned {
  if (root === 0) return { eval: resolve, resolve, root };
  const evaluate: Step = (frame) => {
    const value = attempt(resolve, frame);
    frame.charge(1);
    if (value instanceof EvaluationError) throw value;
    return value;
  };
  return { eval: evaluate, resolve, root };
}

class Planner {
  slots = 0;
  readonly #references: ReadonlyMap<Expr, Reference>;
  #locals: readonly { readonly name: string; readonly read: Step }[] = [];
  #depth = 0;

  constructor(checked: Checked) {
    this.#references = checked.references;
  }

  plan(expr: Expr): Planned {
    switch (expr.kind) {
      case 'literal':
        return constant(expr.value as Value);
      case 'ident':
        return this.#reference(expr, expr.name);
      case 'select':
        return this.#references.has(expr) ? this.#reference(expr, '') : this.#select(expr);
      case 'call':
        return this.#call(expr);
      case 'list':
        return this.#list(expr);
      case 'map':
        return this.#map(expr);
      case 'struct':
        return this.#struct(expr);
      case 'comprehension':
        return { eval: this.#fold(expr) };
    }
  }

  #reference(expr: Expr, name: string): Planned {
    const reference = this.#references.get(expr)!;
    if (reference.kind === 'type') return constant(new TypeValue(reference.type));
    if (reference.kind !== 'variable') throw new Error('not a name');
    const variable = reference.name;
    const local = reference.local ? this.#locals.findLast((candidate) => candidate.name === name) : undefined;
    return attribute(local?.read ?? ((frame) => frame.variable(variable)), 1);
  }

  /** What continues a chain: the chain so far, and what its root costs. */
  #chain(operand: Planned): { resolve: Step; root: 0 | 1 } {
    return { resolve: operand.resolve ?? operand.eval, root: operand.root ?? 1 };
  }

  #select(expr: Select): Planned {
    const { resolve, root } = this.#chain(this.plan(expr.operand));
    const { field } = expr;
    if (expr.test) {
      const test: Step = (frame) => {
        const operand = resolve(frame);
        const present = attempt(() => hasField(operand, field), frame);
        if (present !== false || !(operand instanceof OptionalValue)) frame.charge(1);
        if (present instanceof EvaluationError) throw present;
        return present;
      };
      return attribute(test, 0);
    }
    const step: Step = (frame) => {
      const operand = resolve(frame);
      if (operand instanceof OptionalValue) return chargeFound(frame, selectOptional(operand, field));
      frame.charge(1);
      return select(operand, field);
    };
    return attribute(step, root);
  }

  #index(call: Call, optional: boolean): Planned {
    const { resolve, root } = this.#chain(this.plan(call.args[0]!));
    const index = this.plan(call.args[1]!);
    const key = index.resolve ?? index.eval;
    if (index.constant) checkKey(index.constant.value);
    const step: Step = (frame) => {
      const operand = resolve(frame);
      if (optional || operand instanceof OptionalValue) {
        return chargeFound(frame, selectOptional(operand, key(frame)));
      }
      const at = attempt(key, frame);
      frame.charge(1);
      if (at instanceof EvaluationError) throw at;
      return select(operand, at);
    };
    return attribute(step, root);
  }

  #call(call: Call): Planned {
    switch (call.name) {
      case OP.and:
      case OP.or:
        return { eval: logical(this.#steps(call.args), call.name === OP.or) };
      case OP.conditional:
        return this.#conditional(call);
      case OP.index:
        return this.#index(call, false);
      case OP.optionalIndex:
      case OP.optionalSelect:
        return this.#index(call, true);
      case OP.equals:
      case OP.notEquals:
        return { eval: this.#equality(call) };
      case OP.notStrictlyFalse:
        return { eval: notStrictlyFalse(this.plan(call.args[0]!).eval) };
    }
    return this.#function(call);
  }

  #function(call: Call): Planned {
    const reference = this.#references.get(call)!;
    if (reference.kind !== 'function') throw new Error('not a function');
    const { fn, overloads, namespaced } = reference;
    const nodes = call.target && !namespaced ? [call.target, ...call.args] : call.args;
    const args = nodes.map((node) => this.plan(node));
    const only = overloads.length === 1 ? overloads[0]!.id : undefined;
    if (only === 'in_list' && args[1]!.constant) {
      const list = args[1]!.constant.value as ListValue;
      if (list.size === 0) return constant(false);
      const member = membership(args[0]!.eval, list);
      if (member) return { eval: member };
    }
    if (only === 'optional_or_optional' || only === 'optional_orValue_value')
      return { eval: orElse(args[0]!.eval, args[1]!.eval, only === 'optional_or_optional') };
    const pattern = PATTERNS.has(fn.name) ? args[1]?.constant?.value : undefined;
    const steps = args.map((arg) => arg.eval);
    if (typeof pattern === 'string') {
      compilePattern(pattern);
      return { eval: planCall({ ...fn, stepwise: true, mismatch: 'unnamed' }, overloads, steps) };
    }
    const step = planCall(fn, overloads, steps);
    if (!CONVERSIONS.has(fn.name) || args.length !== 1 || !args[0]!.constant) return { eval: step };
    return constant(step(beforehand()));
  }

  #conditional(call: Call): Planned {
    const [condition, ...branches] = call.args.map((arg) => this.plan(arg)) as [Planned, Planned, Planned];
    const [whenTrue, whenFalse] = branches.map((branch) => branch.resolve ?? branch.eval) as [Step, Step];
    return attribute(conditional(condition.eval, whenTrue, whenFalse), 0);
  }

  #equality(call: Call): Step {
    const [left, right] = this.#steps(call.args) as [Step, Step];
    const wanted = call.name === OP.equals;
    const reference = this.#references.get(call);
    const actual = wanted && reference?.kind === 'function' ? reference.fn.cost?.actual : undefined;
    return equality(left, right, wanted, actual);
  }

  #list(expr: ListExpr): Planned {
    const elements = expr.elements.map((element) => this.plan(element));
    if (expr.optional.size === 0 && elements.every((element) => element.constant)) {
      return constant(new ArrayList(elements.map((element) => element.constant!.value)));
    }
    const steps = elements.map((element) => element.eval);
    return { eval: makeList(steps, expr.optional) };
  }

  #map(expr: MapExpr): Planned {
    const entries = expr.entries.map((entry) => ({
      key: this.plan(entry.key),
      value: this.plan(entry.value),
      optional: entry.optional,
    }));
    const isConstant = entries.every(({ key, value, optional }) => key.constant && value.constant && !optional);
    const steps = entries.map(({ key, value, optional }) => ({ key: key.eval, value: value.eval, optional }));
    return isConstant ? constant(mapOf(steps, beforehand())) : { eval: makeMap(steps) };
  }

  #struct(expr: StructExpr): Planned {
    const reference = this.#references.get(expr)!;
    if (reference.kind !== 'struct') throw new Error('not a struct');
    const fields = expr.fields.map(({ name, optional, value }) => ({ name, optional, value: this.plan(value).eval }));
    return { eval: makeStruct(fields, (values) => reference.struct.construct(values)) };
  }

  #steps(exprs: readonly Expr[]): Step[] {
    return exprs.map((expr) => this.plan(expr).eval);
  }

  #fold(fold: Comprehension): Step {
    const range = this.plan(fold.range).eval;
    const base = this.#depth;
    const [accumulator, first, second] = [base, base + 1, base + 2];
    this.#depth += 3;
    this.slots = Math.max(this.slots, this.#depth);
    const outer = this.#locals;
    const init = this.plan(fold.init).eval;
    const accumulated = readAccumulator(accumulator, init, fold.accumulator === ACCUMULATOR);
    this.#locals = [...outer, { name: fold.accumulator, read: accumulated }];
    const result = this.plan(fold.result).eval;
    this.#locals = [...this.#locals, { name: fold.variable, read: (frame) => frame.slots[first] as Value }];
    if (fold.variable2 !== undefined) {
      this.#locals = [...this.#locals, { name: fold.variable2, read: (frame) => frame.slots[second] as Value }];
    }
    const condition = this.plan(fold.condition).eval;
    const step = this.plan(fold.step).eval;
    this.#locals = outer;
    this.#depth = base;

    return runFold({ accumulator, first, second, two: fold.variable2 !== undefined, range, condition, step, result });
  }
}

/** Where constants are evaluated. */
function beforehand(): Frame {
  return new Frame(0, Number.POSITIVE_INFINITY, {}, new Map());
}

/** A step of an optional chain costs where it leads somewhere. */
function chargeFound(frame: Frame, found: OptionalValue): OptionalValue {
  if (found.value !== undefined) frame.charge(1);
  return found;
}
