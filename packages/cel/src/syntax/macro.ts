/** Macros: calls that the parser replaces by other expressions (cel-go parser/macro.go). */
import { type Call, type Constant, copy, type Expr, type Ident, OP, walk } from './ast.ts';

/** A macro is misused. */
export class MacroError extends Error {
  override readonly name = 'MacroError';
  /** Where; undefined for the call itself. */
  readonly offset: number | undefined;

  constructor(message: string, at?: Expr) {
    super(message);
    this.offset = at?.offset;
  }
}

export interface Macro {
  readonly name: string;
  /** How many arguments; `*` for any number. */
  readonly args: number | '*';
  /** Called on a target: `target.name(args)`. */
  readonly member: boolean;
  /** Undefined leaves the call as it is. @throws MacroError */
  expand(build: TreeBuilder, args: readonly Expr[], target: Expr | undefined): Expr | undefined;
}

/** The key of a macro in a parser's table. */
export function macroKey(name: string, args: number | '*', member: boolean): string {
  return `${name}:${args}:${member}`;
}

export const ACCUMULATOR = '__result__';

/** Nodes that a macro may repeat: macros of macros would double them again and again. */
const MAX_REPEATED = 20_000;

/** The expression once more. @throws MacroError where it is too large */
export function repeated(expr: Expr): Expr {
  let nodes = 0;
  for (const _ of walk(expr)) if (++nodes > MAX_REPEATED) throw new MacroError('expression is too large', expr);
  return copy(expr);
}

/** Makes nodes that stand where the macro was called. */
export class TreeBuilder {
  readonly #offset: number;

  constructor(offset: number) {
    this.#offset = offset;
  }

  literal(value: Constant): Expr {
    return { kind: 'literal', offset: this.#offset, value };
  }
  ident(name: string): Ident {
    return { kind: 'ident', offset: this.#offset, name };
  }
  accumulator(): Ident {
    return this.ident(ACCUMULATOR);
  }
  call(name: string, ...args: Expr[]): Call {
    return { kind: 'call', offset: this.#offset, name, target: undefined, args };
  }
  memberCall(target: Expr, name: string, ...args: Expr[]): Call {
    return { kind: 'call', offset: this.#offset, name, target, args };
  }
  list(...elements: Expr[]): Expr {
    return { kind: 'list', offset: this.#offset, elements, optional: new Set() };
  }
  map(...entries: (readonly [Expr, Expr])[]): Expr {
    const built = entries.map(([key, value]) => ({ offset: this.#offset, key, value, optional: false }));
    return { kind: 'map', offset: this.#offset, entries: built };
  }
  test(operand: Expr, field: string): Expr {
    return { kind: 'select', offset: this.#offset, operand, field, test: true };
  }
  fold(over: {
    range: Expr;
    variable: string;
    variable2?: string;
    accumulator?: string;
    init: Expr;
    condition?: Expr;
    step: Expr;
    result?: Expr;
  }): Expr {
    const accumulator = over.accumulator ?? ACCUMULATOR;
    return {
      kind: 'comprehension',
      offset: this.#offset,
      range: over.range,
      variable: over.variable,
      variable2: over.variable2,
      accumulator,
      init: over.init,
      condition: over.condition ?? this.literal(true),
      step: over.step,
      result: over.result ?? this.ident(accumulator),
    };
  }
}

/** The name of an iteration variable. @throws MacroError with `message` where it is none */
export function variableName(expr: Expr, message: string): string {
  if (expr.kind !== 'ident') throw new MacroError(message, expr);
  if (expr.name === ACCUMULATOR) throw new MacroError('iteration variable overwrites accumulator variable', expr);
  return expr.name;
}

/** What a quantifier folds with, from its predicate. */
export const QUANTIFIERS = {
  all: (build: TreeBuilder, predicate: Expr) => ({
    init: build.literal(true),
    condition: build.call(OP.notStrictlyFalse, build.accumulator()),
    step: build.call(OP.and, build.accumulator(), predicate),
  }),
  exists: (build: TreeBuilder, predicate: Expr) => ({
    init: build.literal(false),
    condition: build.call(OP.notStrictlyFalse, build.call(OP.not, build.accumulator())),
    step: build.call(OP.or, build.accumulator(), predicate),
  }),
  existsOne: (build: TreeBuilder, predicate: Expr) => ({
    init: build.literal(0n),
    step: build.call(
      OP.conditional,
      predicate,
      build.call(OP.add, build.accumulator(), build.literal(1n)),
      build.accumulator(),
    ),
    result: build.call(OP.equals, build.accumulator(), build.literal(1n)),
  }),
} as const;

function quantifier(name: string, parts: keyof typeof QUANTIFIERS): Macro {
  return {
    name,
    args: 2,
    member: true,
    expand(build, [variable, predicate], range) {
      const named = variableName(variable!, 'argument must be a simple name');
      return build.fold({ range: range!, variable: named, ...QUANTIFIERS[parts](build, predicate!) });
    },
  };
}

function transform(build: TreeBuilder, range: Expr, variable: Expr, filter: Expr | undefined, element: Expr): Expr {
  const named = variableName(variable, 'argument is not an identifier');
  const append = build.call(OP.add, build.accumulator(), build.list(element));
  const step = filter ? build.call(OP.conditional, filter, append, build.accumulator()) : append;
  return build.fold({ range, variable: named, init: build.list(), step });
}

/** The macros that every environment has. */
export const STANDARD_MACROS: readonly Macro[] = [
  {
    name: 'has',
    args: 1,
    member: false,
    expand(build, [operand]) {
      if (operand!.kind !== 'select') throw new MacroError('invalid argument to has() macro', operand);
      return build.test(operand!.operand, operand!.field);
    },
  },
  quantifier('all', 'all'),
  quantifier('exists', 'exists'),
  quantifier('exists_one', 'existsOne'),
  {
    name: 'map',
    args: 2,
    member: true,
    expand: (build, [variable, element], range) => transform(build, range!, variable!, undefined, element!),
  },
  {
    name: 'map',
    args: 3,
    member: true,
    expand: (build, [variable, filter, element], range) => transform(build, range!, variable!, filter, element!),
  },
  {
    name: 'filter',
    args: 2,
    member: true,
    expand: (build, [variable, filter], range) => transform(build, range!, variable!, filter, variable!),
  },
];
