/** CEL over the claims of a token and over the user that they become (k8s.io/apiserver/pkg/authentication/cel). */
import {
  BoolType,
  BudgetExceeded,
  DYN,
  type Environment,
  EvaluationError,
  environment,
  isList,
  type ListValue,
  listOf,
  type MapValue,
  mapOf,
  object,
  type Program,
  STRING,
  sameType,
  unescapeName,
  type Value,
} from '@keelson/cel';
import { OP, walk } from '@keelson/cel/syntax/ast';
import { parse } from '@keelson/cel/syntax/parser';
import { compileExpression } from '../../admission/cel/expression.ts';
import type { UserInfo } from '../../registry/strategy.ts';

const CLAIMS = environment({ variables: { claims: mapOf(STRING, DYN) } });
const USER = environment({
  variables: {
    user: object('kubernetes.UserInfo', {
      username: STRING,
      uid: STRING,
      groups: listOf(STRING),
      extra: mapOf(STRING, listOf(STRING)),
    }),
  },
});

export interface AuthenticationExpression {
  readonly text: string;
  readonly program: Program | undefined;
  readonly problem: { readonly type: string; readonly detail: string } | undefined;
}

/** @param isCondition it must be true or false; else its value is looked at when there is one */
export function compileClaims(text: string, isCondition = false): AuthenticationExpression {
  return compile(CLAIMS, text, isCondition);
}

export function compileUser(text: string): AuthenticationExpression {
  return compile(USER, text, true);
}

function compile(env: Environment, text: string, isCondition: boolean): AuthenticationExpression {
  const { type, program, problem } = compileExpression(env, text, []);
  if (isCondition && type && !sameType(type, BoolType))
    return { text, program: undefined, problem: { type: 'invalid', detail: 'must evaluate to bool' } };
  return { text, program, problem };
}

/** Whether an expression names `claims.NAME`. */
export function usesClaim(text: string, name: string): boolean {
  const parsed = parse(text, CLAIMS.macros);
  if (parsed.issues) return false;
  for (const expr of walk(parsed.expr)) {
    if (expr.kind === 'select' && isClaims(expr.operand) && expr.field === name) return true;
    if (expr.kind !== 'call' || expr.name !== OP.optionalSelect) continue;
    const [operand, field] = expr.args;
    if (operand && isClaims(operand) && field?.kind === 'literal' && field.value === name) return true;
  }
  return false;
}

function isClaims(expr: { readonly kind: string; readonly name?: string }): boolean {
  return expr.kind === 'ident' && expr.name === 'claims';
}

/** @param activation from `claimsOf` or `userOf`. @throws Error where the expression has no value */
export function evaluate(
  { text, program }: AuthenticationExpression,
  activation: Readonly<Record<string, Value>>,
): Value {
  try {
    return program!.evaluate(activation).value;
  } catch (error) {
    if (!(error instanceof EvaluationError || error instanceof BudgetExceeded)) throw error;
    throw new Error(`expression '${text}' resulted in error: ${error.message}`);
  }
}

/** @throws Error for what is neither a string, a list of strings, nor null. What is empty is left out. */
export function stringsOf(value: Value): string[] {
  const strings = typeof value === 'string' ? [value] : value === null ? [] : isList(value) ? [...value] : undefined;
  if (!strings?.every((each) => typeof each === 'string'))
    throw new Error('expression must return a string or a list of strings');
  return strings.filter((each) => each !== '');
}

/** What expressions over claims see. */
export function claimsOf(claims: Readonly<Record<string, unknown>>): Readonly<Record<string, Value>> {
  return { claims: new Claims(claims) };
}

/** What expressions over a user see. */
export function userOf({ name, uid, groups, extra }: UserInfo): Readonly<Record<string, Value>> {
  return { user: new Claims({ username: name, uid, groups, extra }) };
}

/** JSON as Go reads it when nothing is known of it: all numbers are doubles. */
function jsonValue(json: unknown): Value {
  if (Array.isArray(json)) return new Items(json);
  if (typeof json === 'object' && json !== null) return new Claims(json as Readonly<Record<string, unknown>>);
  return json as string | number | boolean | null;
}

/** An object whose names may be written as they are, or escaped: `claims.foo__dot__bar`. */
class Claims implements MapValue {
  readonly map = true;
  readonly #fields: Readonly<Record<string, unknown>>;

  constructor(fields: Readonly<Record<string, unknown>>) {
    this.#fields = fields;
  }
  get size(): number {
    return Object.keys(this.#fields).length;
  }
  keys(): string[] {
    return Object.keys(this.#fields);
  }
  find(key: Value): Value | undefined {
    if (typeof key !== 'string') return undefined;
    const name = unescapeName(key) ?? key;
    return Object.hasOwn(this.#fields, name) ? jsonValue(this.#fields[name]) : undefined;
  }
}

class Items implements ListValue {
  readonly list = true;
  readonly #items: readonly unknown[];

  constructor(items: readonly unknown[]) {
    this.#items = items;
  }
  get size(): number {
    return this.#items.length;
  }
  get(index: number): Value {
    return jsonValue(this.#items[index]);
  }
  *[Symbol.iterator](): Iterator<Value> {
    for (const item of this.#items) yield jsonValue(item);
  }
}
