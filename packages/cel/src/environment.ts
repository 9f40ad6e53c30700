/** What expressions may name. */
import type { Value } from './eval/values.ts';
import { type FunctionDeclaration, mergeFunctions } from './functions.ts';
import { type Macro, macroKey } from './syntax/macro.ts';
import type { Declared } from './types/declared.ts';
import type { StructType, Type } from './types/type.ts';

/** A struct type that expressions may construct: `Object.spec{replicas: 1}`. */
export interface Constructible {
  readonly type: StructType;
  /** The value of a struct with these fields. @throws EvaluationError */
  construct(fields: ReadonlyMap<string, Value>): Value;
}

export interface Declarations {
  readonly variables?: Readonly<Record<string, Declared>>;
  readonly functions?: readonly FunctionDeclaration[];
  readonly macros?: readonly Macro[];
  /** Types by their names, as values of expressions: `int`, `google.protobuf.Timestamp`. */
  readonly types?: Readonly<Record<string, Type>>;
  /** The struct types of a name, for families of types that have no end. */
  readonly resolveType?: (name: string) => Constructible | undefined;
}

/** Immutable; `extend` gives another. */
export class Environment {
  readonly variables: ReadonlyMap<string, Declared>;
  readonly functions: ReadonlyMap<string, FunctionDeclaration>;
  readonly macros: ReadonlyMap<string, Macro>;
  readonly types: ReadonlyMap<string, Type>;
  readonly #resolvers: readonly ((name: string) => Constructible | undefined)[];

  private constructor(from: Environment | undefined, added: Declarations) {
    this.variables = new Map([...(from?.variables ?? []), ...Object.entries(added.variables ?? {})]);
    this.functions = added.functions
      ? mergeFunctions(from?.functions ?? new Map(), added.functions)
      : (from?.functions ?? new Map());
    this.macros = added.macros
      ? new Map([...(from?.macros ?? []), ...added.macros.map((m) => [macroKey(m.name, m.args, m.member), m] as const)])
      : (from?.macros ?? new Map());
    this.types = new Map([...(from?.types ?? []), ...Object.entries(added.types ?? {})]);
    this.#resolvers = [...(from ? from.#resolvers : []), ...(added.resolveType ? [added.resolveType] : [])];
  }

  /** An environment with nothing but what is declared: no operators, no macros. */
  static of(...declarations: readonly Declarations[]): Environment {
    return declarations.reduce<Environment>((env, added) => env.extend(added), new Environment(undefined, {}));
  }

  extend(...declarations: readonly Declarations[]): Environment {
    return declarations.reduce<Environment>((env, added) => new Environment(env, added), this);
  }

  /** The struct type of a name, or undefined. */
  struct(name: string): Constructible | undefined {
    for (const resolve of this.#resolvers) {
      const found = resolve(name);
      if (found) return found;
    }
    return undefined;
  }
}
