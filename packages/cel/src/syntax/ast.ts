/** The tree of a parsed expression. A node is its own identity: types and references are kept beside, by node. */
import type { Uint } from '../eval/values.ts';

/** A literal. Ints are bigint, doubles number. */
export type Constant = boolean | string | bigint | number | null | Uint | Uint8Array;

interface Node {
  /** Where problems of the node are shown: an operator's own place, an operand's start. UTF-16 units. */
  readonly offset: number;
}

export interface Literal extends Node {
  readonly kind: 'literal';
  readonly value: Constant;
}

/** `name`, or `.name` for one of no container. */
export interface Ident extends Node {
  readonly kind: 'ident';
  readonly name: string;
}

/** `operand.field`, or `has(operand.field)` where `test` is set. */
export interface Select extends Node {
  readonly kind: 'select';
  readonly operand: Expr;
  readonly field: string;
  readonly test: boolean;
}

/** `function(args)` or `target.function(args)`; operators are functions with the names in `OPERATORS`. */
export interface Call extends Node {
  readonly kind: 'call';
  readonly name: string;
  readonly target: Expr | undefined;
  readonly args: readonly Expr[];
}

export interface ListExpr extends Node {
  readonly kind: 'list';
  readonly elements: readonly Expr[];
  /** Indices of elements written `?x`. */
  readonly optional: ReadonlySet<number>;
}

export interface MapEntry extends Node {
  readonly key: Expr;
  readonly value: Expr;
  readonly optional: boolean;
}

export interface MapExpr extends Node {
  readonly kind: 'map';
  readonly entries: readonly MapEntry[];
}

export interface FieldInit extends Node {
  readonly name: string;
  readonly value: Expr;
  readonly optional: boolean;
}

/** `Name{field: value}` */
export interface StructExpr extends Node {
  readonly kind: 'struct';
  readonly name: string;
  readonly fields: readonly FieldInit[];
}

/** A fold over a list or a map, which the macros become. With `variable2` the first variable is the index or the key. */
export interface Comprehension extends Node {
  readonly kind: 'comprehension';
  readonly range: Expr;
  readonly variable: string;
  readonly variable2: string | undefined;
  readonly accumulator: string;
  readonly init: Expr;
  readonly condition: Expr;
  readonly step: Expr;
  readonly result: Expr;
}

export type Expr = Literal | Ident | Select | Call | ListExpr | MapExpr | StructExpr | Comprehension;

/** Operators as functions. */
export const OP = {
  conditional: '_?_:_',
  and: '_&&_',
  or: '_||_',
  not: '!_',
  negate: '-_',
  equals: '_==_',
  notEquals: '_!=_',
  less: '_<_',
  lessEquals: '_<=_',
  greater: '_>_',
  greaterEquals: '_>=_',
  add: '_+_',
  subtract: '_-_',
  multiply: '_*_',
  divide: '_/_',
  modulo: '_%_',
  in: '@in',
  index: '_[_]',
  optionalIndex: '_[?_]',
  optionalSelect: '_?._',
  notStrictlyFalse: '@not_strictly_false',
} as const;

/** Binary operators by their token, with how tightly they bind. */
export const BINARY: ReadonlyMap<string, { readonly name: string; readonly precedence: number }> = new Map([
  ['<', { name: OP.less, precedence: 1 }],
  ['<=', { name: OP.lessEquals, precedence: 1 }],
  ['>=', { name: OP.greaterEquals, precedence: 1 }],
  ['>', { name: OP.greater, precedence: 1 }],
  ['==', { name: OP.equals, precedence: 1 }],
  ['!=', { name: OP.notEquals, precedence: 1 }],
  ['in', { name: OP.in, precedence: 1 }],
  ['+', { name: OP.add, precedence: 2 }],
  ['-', { name: OP.subtract, precedence: 2 }],
  ['*', { name: OP.multiply, precedence: 3 }],
  ['/', { name: OP.divide, precedence: 3 }],
  ['%', { name: OP.modulo, precedence: 3 }],
]);

/** `a.b.c` where the expression is nothing but names, else undefined. */
export function qualifiedName(expr: Expr): string | undefined {
  if (expr.kind === 'ident') return expr.name;
  if (expr.kind !== 'select' || expr.test) return undefined;
  const operand = qualifiedName(expr.operand);
  return operand === undefined ? undefined : `${operand}.${expr.field}`;
}

/** The same tree of new nodes: a macro that needs an operand twice. */
export function copy(expr: Expr): Expr {
  switch (expr.kind) {
    case 'literal':
    case 'ident':
      return { ...expr };
    case 'select':
      return { ...expr, operand: copy(expr.operand) };
    case 'call':
      return { ...expr, target: expr.target && copy(expr.target), args: expr.args.map(copy) };
    case 'list':
      return { ...expr, elements: expr.elements.map(copy) };
    case 'map':
      return { ...expr, entries: expr.entries.map((e) => ({ ...e, key: copy(e.key), value: copy(e.value) })) };
    case 'struct':
      return { ...expr, fields: expr.fields.map((f) => ({ ...f, value: copy(f.value) })) };
    case 'comprehension':
      return {
        ...expr,
        range: copy(expr.range),
        init: copy(expr.init),
        condition: copy(expr.condition),
        step: copy(expr.step),
        result: copy(expr.result),
      };
  }
}

/** The expressions directly within an expression. */
export function children(expr: Expr): readonly Expr[] {
  switch (expr.kind) {
    case 'literal':
    case 'ident':
      return [];
    case 'select':
      return [expr.operand];
    case 'call':
      return expr.target ? [expr.target, ...expr.args] : expr.args;
    case 'list':
      return expr.elements;
    case 'map':
      return expr.entries.flatMap((entry) => [entry.key, entry.value]);
    case 'struct':
      return expr.fields.map((field) => field.value);
    case 'comprehension':
      return [expr.range, expr.init, expr.condition, expr.step, expr.result];
  }
}

/** An expression and all within it, from the outside in. */
export function* walk(expr: Expr): Generator<Expr> {
  yield expr;
  for (const child of children(expr)) yield* walk(child);
}
