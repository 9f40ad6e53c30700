/** Names, overloads and types of an expression (cel-go checker/checker.go). */
import type { Constructible, Environment } from '../environment.ts';
import { typeOf, type Value } from '../eval/values.ts';
import { type FunctionDeclaration, type Overload, typeParamsOf } from '../functions.ts';
import {
  type Call,
  type Comprehension,
  type Expr,
  OP,
  qualifiedName,
  type Select,
  type StructExpr,
} from '../syntax/ast.ts';
import type { Issue } from '../syntax/source.ts';
import {
  BoolType,
  DynType,
  ErrorType,
  formatType,
  IntType,
  isDyn,
  listType,
  mapType,
  optionalType,
  StringType,
  sameType,
  type Type,
  typeParam,
  typeType,
  unwrapOptional,
} from '../types/type.ts';
import { formatSignature, mostGeneral, Substitution } from './unify.ts';

/** What a name, or a call, stands for. */
export type Reference =
  | { readonly kind: 'variable'; readonly name: string; readonly local: boolean }
  | { readonly kind: 'type'; readonly type: Type }
  | { readonly kind: 'struct'; readonly struct: Constructible }
  | {
      readonly kind: 'function';
      readonly fn: FunctionDeclaration;
      readonly overloads: readonly Overload[];
      /** `a.b()` is the function `a.b`: there is no target. */
      readonly namespaced: boolean;
    };

/** An expression of which all is known. */
export interface Checked {
  readonly expr: Expr;
  readonly types: ReadonlyMap<Expr, Type>;
  readonly references: ReadonlyMap<Expr, Reference>;
}

export interface CheckResult extends Checked {
  readonly issues: readonly Issue[];
}

export function check(env: Environment, expr: Expr): CheckResult {
  const checker = new Checker(env);
  checker.check(expr);
  return checker.finish(expr);
}

type Scope = ReadonlyMap<string, Type>;

class Checker {
  readonly #env: Environment;
  readonly #types = new Map<Expr, Type>();
  readonly #references = new Map<Expr, Reference>();
  readonly #issues: Issue[] = [];
  readonly #known = new Substitution();
  #scopes: readonly Scope[] = [];
  #variables = 0;

  constructor(env: Environment) {
    this.#env = env;
  }

  finish(expr: Expr): CheckResult {
    const types = new Map([...this.#types].map(([node, type]) => [node, this.#known.apply(type, true)] as const));
    return { expr, types, references: this.#references, issues: this.#issues };
  }

  check(expr: Expr): Type {
    const type = this.#check(expr);
    this.#types.set(expr, type);
    return type;
  }

  #check(expr: Expr): Type {
    switch (expr.kind) {
      case 'literal':
        return typeOf(expr.value as Value);
      case 'ident':
        return this.#identifier(expr, expr.name) ?? this.#undeclared(expr, expr.name);
      case 'select':
        return this.#select(expr);
      case 'call':
        return expr.name === OP.optionalSelect ? this.#optionalSelect(expr) : this.#call(expr);
      case 'list': {
        let joined: Type | undefined;
        for (const [i, element] of expr.elements.entries()) {
          const type = this.#unwrapInitializer(element, this.check(element), expr.optional.has(i));
          joined = this.#join(joined, type);
        }
        return listType(joined ?? this.#fresh());
      }
      case 'map': {
        let [key, value]: (Type | undefined)[] = [];
        for (const entry of expr.entries) {
          key = this.#join(key, this.check(entry.key));
          const type = this.#unwrapInitializer(entry.value, this.check(entry.value), entry.optional);
          value = this.#join(value, type);
        }
        return mapType(key ?? this.#fresh(), value ?? this.#fresh());
      }
      case 'struct':
        return this.#struct(expr);
      case 'comprehension':
        return this.#comprehension(expr);
    }
  }

  #identifier(expr: Expr, name: string): Type | undefined {
    const absolute = name.startsWith('.') ? name.slice(1) : name;
    for (let i = this.#scopes.length - 1; i >= 0 && absolute === name; i--) {
      const local = this.#scopes[i]!.get(name);
      if (!local) continue;
      this.#references.set(expr, { kind: 'variable', name, local: true });
      return local;
    }
    const variable = this.#env.variables.get(absolute);
    if (variable) {
      this.#references.set(expr, { kind: 'variable', name: absolute, local: false });
      return variable.type;
    }
    const type = this.#env.types.get(absolute) ?? this.#env.struct(absolute)?.type;
    if (type) this.#references.set(expr, { kind: 'type', type });
    return type && typeType(type);
  }

  #undeclared(expr: Expr, name: string): Type {
    return this.#error(expr, `undeclared reference to '${name}' (in container '')`);
  }

  #select(expr: Select): Type {
    const name = qualifiedName(expr);
    const qualified = name === undefined ? undefined : this.#identifier(expr, name);
    if (qualified) return qualified;
    const type = this.#field(expr, expr.operand, expr.field, false);
    return expr.test ? BoolType : this.#known.apply(type);
  }

  #optionalSelect(call: Call): Type {
    const [operand, field] = call.args;
    if (call.args.length !== 2 || field?.kind !== 'literal' || typeof field.value !== 'string') {
      return this.#error(call, 'unsupported optional field selection');
    }
    const type = this.#field(call, operand!, field.value, true);
    this.#types.set(field, StringType);
    const fn = this.#env.functions.get(OP.optionalSelect);
    if (fn) this.#references.set(call, { kind: 'function', fn, overloads: fn.overloads, namespaced: false });
    return this.#known.apply(type);
  }

  #field(expr: Expr, operand: Expr, field: string, optional: boolean): Type {
    const operandType = this.#known.apply(this.check(operand));
    const inner = unwrapOptional(operandType);
    const type = this.#fieldType(expr, inner ?? operandType, field);
    return inner || optional ? optionalType(type) : type;
  }

  #fieldType(expr: Expr, target: Type, field: string): Type {
    switch (target.kind) {
      case 'map':
        return target.value;
      case 'struct':
        if (target.opaque) return this.#error(expr, `unexpected failed resolution of '${target.name}'`);
        return target.field(field) ?? this.#error(expr, `undefined field '${field}'`);
      case 'param':
        this.#known.assignable(DynType, target);
        return DynType;
      default:
        if (!isDyn(target) && target.kind !== 'error') {
          this.#error(expr, `type '${formatType(target)}' does not support field selection`);
        }
        return DynType;
    }
  }

  #call(call: Call): Type {
    for (const arg of call.args) this.check(arg);
    if (!call.target) {
      const fn = this.#function(call.name);
      return fn ? this.#resolve(call, fn, undefined) : this.#undeclared(call, call.name);
    }
    const prefix = qualifiedName(call.target);
    const namespaced = prefix === undefined ? undefined : this.#function(`${prefix}.${call.name}`);
    if (namespaced) return this.#resolve(call, namespaced, undefined);
    this.check(call.target);
    const fn = this.#function(call.name);
    return fn ? this.#resolve(call, fn, call.target) : this.#undeclared(call, call.name);
  }

  #function(name: string): FunctionDeclaration | undefined {
    return this.#env.functions.get(name.startsWith('.') ? name.slice(1) : name);
  }

  #resolve(call: Call, fn: FunctionDeclaration, target: Expr | undefined): Type {
    const args = target ? [target, ...call.args] : call.args;
    const types = args.map((arg) => this.#types.get(arg)!);
    if (fn.name === OP.and || fn.name === OP.or) return this.#logical(call, fn, types);
    const matching: Overload[] = [];
    let result: Type | undefined;
    for (const overload of fn.overloads) {
      if ((overload.member ?? false) !== (target !== undefined)) continue;
      const instance = this.#instantiate(overload);
      if (!this.#known.allAssignable(types, instance.params)) continue;
      matching.push(overload);
      const type = this.#known.apply(instance.result);
      if (!result) result = type;
      else if (!isDyn(result) && !sameType(type, result)) result = DynType;
    }
    if (!result) {
      const signature = formatSignature(
        types.map((type) => this.#known.apply(type, true)),
        target !== undefined,
      );
      return this.#error(call, `found no matching overload for '${fn.name}' applied to '${signature}'`);
    }
    const namespaced = call.target !== undefined && target === undefined;
    this.#references.set(call, { kind: 'function', fn, overloads: matching, namespaced });
    return result;
  }

  #logical(call: Call, fn: FunctionDeclaration, types: readonly Type[]): Type {
    let fits = true;
    for (const [i, type] of types.entries()) {
      if (this.#known.assignable(type, BoolType)) continue;
      this.#mismatch(call.args[i]!, BoolType, type);
      fits = false;
    }
    if (!fits) return ErrorType;
    this.#references.set(call, { kind: 'function', fn, overloads: fn.overloads, namespaced: false });
    return BoolType;
  }

  #instantiate(overload: Overload): { params: readonly Type[]; result: Type } {
    const names = typeParamsOf(overload);
    if (names.length === 0) return overload;
    const fresh = new Map(names.map((name) => [name, this.#fresh()] as const));
    const replace = (type: Type): Type => {
      if (type.kind === 'param') return fresh.get(type.name)!;
      if (type.kind === 'list') return listType(replace(type.element));
      if (type.kind === 'map') return mapType(replace(type.key), replace(type.value));
      if (type.kind === 'opaque' && type.params.length > 0) return { ...type, params: type.params.map(replace) };
      if (type.kind === 'type' && type.of) return typeType(replace(type.of));
      return type;
    };
    return { params: overload.params.map(replace), result: replace(overload.result) };
  }

  #struct(expr: StructExpr): Type {
    const type = this.#structType(expr);
    if (!type) return this.#undeclared(expr, expr.name);
    for (const field of expr.fields) {
      const value = this.#unwrapInitializer(field.value, this.check(field.value), field.optional);
      const wanted = type.kind === 'struct' ? type.field(field.name) : undefined;
      if (!wanted) {
        if (type.kind === 'struct') this.#error(field, `undefined field '${field.name}'`);
        continue;
      }
      if (this.#known.assignable(wanted, value)) continue;
      const [expected, provided] = [formatType(wanted), formatType(value)];
      this.#error(field, `expected type of field '${field.name}' is '${expected}' but provided type is '${provided}'`);
    }
    return type;
  }

  /** Undefined for a name that is not declared: then the fields are not looked at. */
  #structType(expr: StructExpr): Type | undefined {
    const name = expr.name.startsWith('.') ? expr.name.slice(1) : expr.name;
    const struct = this.#env.variables.has(name) ? undefined : this.#env.struct(name);
    if (struct) {
      this.#references.set(expr, { kind: 'struct', struct });
      return struct.type;
    }
    const variable = this.#env.variables.get(name);
    if (variable) return this.#error(expr, `'${formatType(variable.type)}' is not a type`);
    const type = this.#env.types.get(name);
    return type && this.#error(expr, `'${formatType(type)}' is not a message type`);
  }

  #comprehension(fold: Comprehension): Type {
    this.check(fold.range);
    const accumulator = this.check(fold.init);
    const outer = this.#scopes;
    this.#scopes = [...outer, new Map([[fold.accumulator, accumulator]])];
    const result = this.#scopes;
    const [first, second] = this.#iterated(fold);
    const variables: [string, Type][] = [[fold.variable, first]];
    if (fold.variable2 !== undefined) variables.push([fold.variable2, second]);
    this.#scopes = [...result, new Map(variables)];
    this.#assert(fold.condition, this.check(fold.condition), BoolType);
    this.#assert(fold.step, this.check(fold.step), accumulator);
    this.#scopes = result;
    const type = this.check(fold.result);
    this.#scopes = outer;
    return this.#known.apply(type);
  }

  /** The types of the iteration variables; of a fold with one, the first. */
  #iterated(fold: Comprehension): [Type, Type] {
    const range = this.#known.apply(this.#types.get(fold.range)!);
    const two = fold.variable2 !== undefined;
    switch (range.kind) {
      case 'list':
        return two ? [IntType, range.element] : [range.element, range.element];
      case 'map':
        return [range.key, range.value];
      case 'dyn':
      case 'error':
      case 'param':
        this.#known.assignable(DynType, range);
        return [DynType, DynType];
      default: {
        const wrong = `expression of type '${formatType(range)}' cannot be range of a comprehension (must be list, map, or dynamic)`;
        const type = this.#error(fold.range, wrong);
        return [type, type];
      }
    }
  }

  #unwrapInitializer(expr: Expr, type: Type, optional: boolean): Type {
    if (!optional) return type;
    const inner = unwrapOptional(type);
    if (!inner && !isDyn(type)) this.#mismatch(expr, optionalType(type), type);
    return inner ?? type;
  }

  /** What the elements of a literal have in common. That they are to be of one type is looked at when all types are known. */
  #join(before: Type | undefined, type: Type): Type {
    if (!before) return type;
    return this.#known.assignable(before, type) ? mostGeneral(before, type) : DynType;
  }

  #assert(expr: Expr, type: Type, wanted: Type): void {
    if (!this.#known.assignable(wanted, type)) this.#mismatch(expr, wanted, type);
  }

  #mismatch(expr: Expr, expected: Type, actual: Type): Type {
    return this.#error(expr, `expected type '${formatType(expected)}' but found '${formatType(actual)}'`);
  }

  #fresh(): Type {
    return typeParam(`_var${this.#variables++}`);
  }

  #error(at: { readonly offset: number }, message: string): Type {
    this.#issues.push({ offset: at.offset, message });
    return ErrorType;
  }
}
