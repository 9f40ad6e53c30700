/**
 * What an expression can cost at least and at most, from the lengths that declarations state (cel-go checker/cost.go).
 *
 * Every node may have a path that leads to it from a variable, by which its length is looked up, and a length of its own, for what the
 * expression itself makes. Lists and maps also have a length of what is in them.
 */
import type { Checked } from '../check/checker.ts';
import type { Environment } from '../environment.ts';
import { stringSize } from '../eval/values.ts';
import type { FunctionDeclaration } from '../functions.ts';
import { type Call, type Comprehension, type Expr, OP } from '../syntax/ast.ts';
import { ACCUMULATOR } from '../syntax/macro.ts';
import { type Type, unwrapOptional } from '../types/type.ts';
import { declaredSize, type SizeOf } from './declared.ts';
import {
  type CallEstimate,
  type CallShape,
  type CostRange,
  type Estimated,
  exactly,
  plus,
  times,
  UNBOUNDED,
  UNKNOWN,
  union,
} from './range.ts';
import { standardCost } from './standard.ts';

const NOTHING = exactly(0);
const ONE = exactly(1);
const CONCATENATIONS = new Set(['add_string', 'add_bytes', 'add_list']);

export function estimate(env: Environment, checked: Checked, sizeOf?: SizeOf): CostRange {
  return new Estimator(env, checked, sizeOf ?? (() => undefined)).cost(checked.expr);
}

/** How long the keys and the elements of a container can be. */
interface Contents {
  readonly container: 'list' | 'map';
  readonly key: CostRange;
  readonly value: CostRange;
}

interface Local {
  readonly path: readonly string[] | undefined;
  readonly size?: CostRange | undefined;
  readonly contents?: Contents | undefined;
}

class Estimator {
  readonly #env: Environment;
  readonly #checked: Checked;
  readonly #sizeOf: SizeOf;
  readonly #paths = new Map<Expr, readonly string[]>();
  readonly #sizes = new Map<Expr, CostRange>();
  readonly #contents = new Map<Expr, Contents>();
  #locals: ReadonlyMap<string, Local> = new Map();

  constructor(env: Environment, checked: Checked, sizeOf: SizeOf) {
    this.#env = env;
    this.#checked = checked;
    this.#sizeOf = sizeOf;
  }

  cost(expr: Expr): CostRange {
    switch (expr.kind) {
      case 'literal':
        return NOTHING;
      case 'ident':
        this.#setPath(expr, this.#locals.has(expr.name) ? this.#locals.get(expr.name)!.path : [expr.name]);
        return ONE;
      case 'select':
        return this.#select(expr);
      case 'call':
        return this.#call(expr);
      case 'list': {
        const costs = expr.elements.map((element) => this.cost(element));
        const value = unionOf(expr.elements.map((element) => this.#sizeOrUnknown(element)));
        this.#contents.set(expr, { container: 'list', key: ONE, value });
        return plus(...costs, exactly(10));
      }
      case 'map': {
        const costs = expr.entries.flatMap((entry) => [this.cost(entry.key), this.cost(entry.value)]);
        const key = unionOf(expr.entries.map((entry) => this.#sizeOrUnknown(entry.key)));
        const value = unionOf(expr.entries.map((entry) => this.#sizeOrUnknown(entry.value)));
        this.#contents.set(expr, { container: 'map', key, value });
        return plus(...costs, exactly(30));
      }
      case 'struct':
        return plus(...expr.fields.map((field) => this.cost(field.value)), exactly(40));
      case 'comprehension':
        return isBinding(expr) ? this.#binding(expr) : this.#fold(expr);
    }
  }

  #select(expr: Expr & { kind: 'select' }): CostRange {
    const reference = this.#checked.references.get(expr);
    if (reference) {
      if (reference.kind === 'variable') this.#setPath(expr, [reference.name]);
      return ONE;
    }
    const operand = this.cost(expr.operand);
    if (expr.test) return operand;
    const type = this.#type(expr.operand);
    this.#setPath(expr, [...(this.#path(expr.operand) ?? []), expr.field]);
    return type.kind === 'map' || type.kind === 'struct' || type.kind === 'param' ? plus(operand, ONE) : operand;
  }

  #call(call: Call): CostRange {
    if (call.name === 'dyn') {
      const cost = this.cost(call.args[0]!);
      this.#copySizes(call, call.args[0]!);
      return plus(ONE, cost);
    }
    const argCosts = call.args.map((arg) => this.cost(arg));
    const args = call.args.map((arg) => this.#estimated(arg));
    const reference = this.#checked.references.get(call);
    if (reference?.kind !== 'function') return NOTHING;
    const member = call.target && !reference.namespaced ? call.target : undefined;
    const targetCost = member ? this.cost(member) : NOTHING;
    const target = member && this.#estimated(member);
    const overloads = reference.fn.name === OP.optionalSelect ? reference.overloads.slice(0, 1) : reference.overloads;
    let cost: CostRange | undefined;
    let size: CostRange | undefined;
    for (const { id } of overloads) {
      const estimated = this.#overload(call, reference.fn, { overload: id, target, args }, argCosts);
      cost = cost ? union(cost, estimated.cost) : { min: estimated.cost.min, max: estimated.cost.max };
      if (estimated.size) size = size ? union(size, estimated.size) : estimated.size;
      if (id === 'index_list' || id === 'index_map') {
        const container = call.args[0]!;
        size = this.#contentsOf(container)?.value;
        this.#setPath(call, [...(this.#path(container) ?? []), id === 'index_list' ? '@items' : '@values']);
      }
      size ??= this.#size(call);
    }
    if (size) this.#sizes.set(call, size);
    return plus(targetCost, cost ?? NOTHING);
  }

  /** With what of the result only the arguments tell: what is in it. */
  #overload(call: Call, fn: FunctionDeclaration, shape: CallShape, argCosts: readonly CostRange[]): CallEstimate {
    const own = fn.cost?.estimate?.(shape);
    if (own) return { ...own, cost: plus(own.cost, ...argCosts) };
    if (shape.overload === 'conditional') return this.#conditional(call, argCosts);
    if (CONCATENATIONS.has(shape.overload)) {
      const contents = join(this.#contentsOf(call.args[0]!), this.#contentsOf(call.args[1]!));
      if (contents) this.#contents.set(call, contents);
    }
    return standardCost(shape, argCosts);
  }

  #conditional(call: Call, [condition, whenTrue, whenFalse]: readonly CostRange[]): CallEstimate {
    const [, left, right] = call.args as [Expr, Expr, Expr];
    const contents = join(this.#contentsOf(left), this.#contentsOf(right));
    if (contents) this.#contents.set(call, contents);
    const size = union(this.#sizeOrUnknown(left), this.#sizeOrUnknown(right));
    return { cost: plus(condition!, union(whenTrue!, whenFalse!)), size };
  }

  #fold(fold: Comprehension): CostRange {
    const range = this.cost(fold.range);
    const init = this.cost(fold.init);
    const outer = this.#locals;
    const accumulator: Local = {
      path: this.#path(fold.init),
      size: this.#size(fold.init),
      contents: this.#contentsOf(fold.init),
    };
    const inner = new Map([...outer, [fold.accumulator, accumulator] as const]);
    const contents = this.#contentsOf(fold.range);
    const container = contents?.container ?? (this.#type(fold.range).kind === 'list' ? 'list' : 'map');
    const path = this.#path(fold.range);
    const local = (step: string, size: CostRange | undefined): Local => ({ path: [...(path ?? []), step], size });
    const element = local(container === 'list' ? '@items' : '@values', contents?.value);
    const key = local(container === 'list' ? '@indices' : '@keys', contents?.key);
    const loop = new Map(inner);
    if (fold.variable2 !== undefined) loop.set(fold.variable, key).set(fold.variable2, element);
    else loop.set(fold.variable, container === 'list' ? element : key);
    this.#locals = loop;
    const condition = this.cost(fold.condition);
    const step = this.cost(fold.step);
    const stepContents = this.#contentsOf(fold.step);
    this.#locals = inner;
    const result = this.cost(fold.result);
    this.#locals = outer;
    const count = this.#sizeOrUnknown(fold.range);
    if (fold.init.kind === 'literal') {
      const size = this.#size(fold.init);
      if (size) this.#sizes.set(fold, size);
    } else if (fold.init.kind === 'list' || fold.init.kind === 'map') {
      this.#sizes.set(fold, count);
      if (stepContents) this.#contents.set(fold, stepContents);
    }
    return plus(range, init, result, times(count, plus(step, condition)));
  }

  #binding(fold: Comprehension): CostRange {
    const range = this.cost(fold.range);
    const init = this.cost(fold.init);
    const outer = this.#locals;
    const bound = { path: this.#path(fold.init), size: this.#size(fold.init), contents: this.#contentsOf(fold.init) };
    this.#locals = new Map([...outer, [fold.accumulator, bound] as const]);
    const result = this.cost(fold.result);
    this.#copySizes(fold, fold.result);
    this.#locals = outer;
    return plus(range, init, result);
  }

  #type(expr: Expr): Type {
    return this.#checked.types.get(expr)!;
  }

  #path(expr: Expr): readonly string[] | undefined {
    const local = expr.kind === 'ident' ? this.#locals.get(expr.name) : undefined;
    return local ? local.path : this.#paths.get(expr);
  }

  #setPath(expr: Expr, path: readonly string[] | undefined): void {
    if (path) this.#paths.set(expr, path);
  }

  #estimated(expr: Expr): Estimated {
    const type = this.#type(expr);
    const known = this.#path(expr);
    const path = known?.[0] === ACCUMULATOR ? undefined : known;
    const literal = expr.kind === 'literal' ? { literal: expr.value } : {};
    const element = type.kind === 'list' ? this.#elementOf(type.element, path) : undefined;
    return { type, size: this.#sizeOrUnknown(expr), ...literal, ...(element ? { element } : {}) };
  }

  /** The elements of a list as its declaration states them. */
  #elementOf(type: Type, path: readonly string[] | undefined): Estimated {
    const declared = path && this.#declaredSize([...path, '@items']);
    return { type, size: declared ?? UNKNOWN };
  }

  #sizeOrUnknown(expr: Expr): CostRange {
    return this.#size(expr) ?? UNKNOWN;
  }

  #size(expr: Expr): CostRange | undefined {
    const known = this.#sizes.get(expr) ?? literalSize(expr);
    if (known) return known;
    const path = this.#path(expr);
    const declared = path && this.#declaredSize(path);
    if (declared) {
      this.#sizes.set(expr, declared);
      return declared;
    }
    if (isScalar(this.#type(expr))) return ONE;
    return expr.kind === 'ident' ? this.#locals.get(expr.name)?.size : undefined;
  }

  #contentsOf(expr: Expr): Contents | undefined {
    return this.#contents.get(expr) ?? (expr.kind === 'ident' ? this.#locals.get(expr.name)?.contents : undefined);
  }

  #copySizes(to: Expr, from: Expr): void {
    const [size, contents] = [this.#size(from), this.#contentsOf(from)];
    if (size) this.#sizes.set(to, size);
    if (contents) this.#contents.set(to, contents);
  }

  #declaredSize(path: readonly string[]): CostRange | undefined {
    const told = this.#sizeOf(path);
    if (told || path.length === 0) return told;
    const variable = this.#env.variables.get(path[0]!);
    return variable && declaredSize(variable, path.slice(1));
  }
}

/** `cel.bind` and `optMap`: a fold over nothing that names a value. */
function isBinding({ range, condition, accumulator }: Comprehension): boolean {
  const empty = range.kind === 'list' && range.elements.length === 0;
  return empty && condition.kind === 'literal' && condition.value === false && accumulator !== ACCUMULATOR;
}

function unionOf(sizes: readonly CostRange[]): CostRange {
  return sizes.reduce(union, { min: sizes.length === 0 ? 0 : UNBOUNDED, max: 0 });
}

function join(a: Contents | undefined, b: Contents | undefined): Contents | undefined {
  return a && b && { container: a.container, key: union(a.key, b.key), value: union(a.value, b.value) };
}

function literalSize(expr: Expr): CostRange | undefined {
  switch (expr.kind) {
    case 'literal':
      if (typeof expr.value === 'string') return exactly(stringSize(expr.value));
      return exactly(expr.value instanceof Uint8Array ? expr.value.length : 1);
    case 'list':
      return exactly(expr.elements.length);
    case 'map':
      return exactly(expr.entries.length);
    default:
      return undefined;
  }
}

const SCALARS = new Set<Type['kind']>(['bool', 'double', 'duration', 'int', 'timestamp', 'uint']);

function isScalar(type: Type): boolean {
  const inner = unwrapOptional(type);
  return inner ? isScalar(inner) : SCALARS.has(type.kind);
}
