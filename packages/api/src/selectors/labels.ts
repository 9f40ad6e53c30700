/**
 * Label selectors: the query form (`app=web,tier in (a,b),!old`) and the LabelSelector object
 * (k8s.io/apimachinery/pkg/labels/selector.go).
 */
import * as field from '../field.ts';
import type { LabelSelector as LabelSelectorObject } from '../generated/types/meta/v1.ts';
import { isQualifiedName, isValidLabelValue } from '../validation/names.ts';

export type LabelOperator = 'in' | 'notin' | '=' | '==' | '!=' | 'gt' | 'lt' | 'exists' | '!';

export interface LabelRequirement {
  readonly key: string;
  readonly operator: LabelOperator;
  /** Sorted. */
  readonly values: readonly string[];
}

type Labels = Readonly<Record<string, string>>;

/** Requirements that must all hold. */
export class LabelSelector {
  readonly requirements: readonly LabelRequirement[];
  readonly #matchesNothing: boolean;

  constructor(requirements: readonly LabelRequirement[], matchesNothing = false) {
    this.requirements = requirements;
    this.#matchesNothing = matchesNothing;
  }

  /** True when it matches everything. */
  get empty(): boolean {
    return this.requirements.length === 0 && !this.#matchesNothing;
  }

  matches(labels: Labels): boolean {
    return !this.#matchesNothing && this.requirements.every((r) => holds(r, labels));
  }

  /** In the query form; empty for everything and for nothing. */
  toString(): string {
    return this.requirements.map(format).join(',');
  }
}

export const NOTHING = new LabelSelector([], true);
export const EVERYTHING = new LabelSelector([]);

function holds({ key, operator, values }: LabelRequirement, labels: Labels): boolean {
  const value = Object.hasOwn(labels, key) ? labels[key] : undefined;
  switch (operator) {
    case 'in':
    case '=':
    case '==':
      return value !== undefined && values.includes(value);
    case 'notin':
    case '!=':
      return value === undefined || !values.includes(value);
    case 'exists':
      return value !== undefined;
    case '!':
      return value === undefined;
    case 'gt':
    case 'lt': {
      if (value === undefined || !isInt64(value)) return false;
      const [mine, wanted] = [BigInt(value), BigInt(values[0]!)];
      return operator === 'gt' ? mine > wanted : mine < wanted;
    }
  }
}

function isInt64(text: string): boolean {
  return /^[+-]?\d+$/.test(text) && BigInt.asIntN(64, BigInt(text)) === BigInt(text);
}
const SIGNS: Readonly<Record<string, string>> = { '=': '=', '==': '==', '!=': '!=', gt: '>', lt: '<' };

function format({ key, operator, values }: LabelRequirement): string {
  if (operator === 'exists') return key;
  if (operator === '!') return `!${key}`;
  if (operator === 'in' || operator === 'notin') return `${key} ${operator} (${values.join(',')})`;
  return `${key}${SIGNS[operator]}${values[0]}`;
}

/** @throws Error with upstream's words, which clients see behind a 400 */
export function parseLabelSelector(text: string): LabelSelector {
  if (text === '') return EVERYTHING;
  const requirements = new Parser(tokenize(text)).selector();
  return new LabelSelector(requirements.sort((a, b) => (a.key < b.key ? -1 : a.key > b.key ? 1 : 0)));
}

const OBJECT_OPERATORS: Readonly<Record<string, LabelOperator>> = {
  In: 'in',
  NotIn: 'notin',
  Exists: 'exists',
  DoesNotExist: '!',
};

/**
 * A selector object: absent matches nothing, an empty one everything (meta/v1 LabelSelectorAsSelector).
 * @throws Error for operators and values that are not valid
 */
export function selectorOfObject(selector: LabelSelectorObject | undefined | null): LabelSelector {
  if (!selector) return NOTHING;
  const requirements = Object.entries(selector.matchLabels ?? {}).map(([k, v]) => requirement(k, '=', [v]));
  for (const { key, operator, values } of selector.matchExpressions ?? []) {
    const known = OBJECT_OPERATORS[operator];
    if (!known) throw new Error(`${field.quote(operator)} is not a valid label selector operator`);
    requirements.push(requirement(key, known, values ?? []));
  }
  return new LabelSelector(requirements.sort((a, b) => (a.key < b.key ? -1 : a.key > b.key ? 1 : 0)));
}

/** Labels that must be there as they are (meta/v1 SetAsSelector). Absent or empty matches everything. */
export function selectorOfLabels(labels: Labels | undefined | null): LabelSelector {
  return new LabelSelector(
    Object.entries(labels ?? {}).map(([key, value]) => ({ key, operator: '=', values: [value] })),
  );
}

/** @throws Error for a key, operator or values that do not go together */
export function requirement(key: string, operator: LabelOperator, given: readonly string[]): LabelRequirement {
  const path = field.Path.of('values');
  const errors: field.ErrorList = [];
  const keyProblems = isQualifiedName(key);
  if (keyProblems.length > 0) errors.push(field.invalid(field.Path.of('key'), key, keyProblems.join('; ')));
  if ((operator === 'in' || operator === 'notin') && given.length === 0) {
    errors.push(field.invalid(path, null, "for 'in', 'notin' operators, values set can't be empty"));
  }
  if ((operator === 'exists' || operator === '!') && given.length > 0) {
    errors.push(field.invalid(path, given, 'values set must be empty for exists and does not exist'));
  }
  if (operator === 'gt' || operator === 'lt') {
    if (given.length !== 1) {
      errors.push(field.invalid(path, given, "for 'Gt', 'Lt' operators, exactly one value is required"));
    }
    for (const [i, value] of given.entries()) {
      if (!isInt64(value)) {
        errors.push(field.invalid(path.index(i), value, "for 'Gt', 'Lt' operators, the value must be an integer"));
      }
    }
  }
  for (const [i, value] of given.entries()) {
    const problems = isValidLabelValue(value);
    if (problems.length > 0) errors.push(field.invalid(path.index(i).key(key), value, problems.join('; ')));
  }
  if (errors.length === 1) throw new Error(errors[0]!.toString());
  if (errors.length > 1) throw new Error(`[${errors.join(', ')}]`);
  return { key, operator, values: [...given].sort() };
}

interface Token {
  readonly type: 'word' | 'sign' | 'end';
  readonly text: string;
}

/** Longest signs first; a lone `!` is one too. Everything else up to a sign or white space is a word. */
const TOKEN = /\s*(?:(==|!=|[=!(),<>])|([^\s=!(),<>]+))/y;

function tokenize(text: string): Token[] {
  const tokens: Token[] = [];
  TOKEN.lastIndex = 0;
  for (let match = TOKEN.exec(text); match; match = TOKEN.exec(text)) {
    tokens.push(match[1] !== undefined ? { type: 'sign', text: match[1] } : { type: 'word', text: match[2]! });
  }
  tokens.push({ type: 'end', text: '' });
  return tokens;
}

const BINARY: Readonly<Record<string, LabelOperator>> = {
  in: 'in',
  notin: 'notin',
  '=': '=',
  '==': '==',
  '!=': '!=',
  '>': 'gt',
  '<': 'lt',
};

class Parser {
  readonly #tokens: readonly Token[];
  #at = 0;

  constructor(tokens: readonly Token[]) {
    this.#tokens = tokens;
  }

  selector(): LabelRequirement[] {
    const requirements: LabelRequirement[] = [];
    if (this.#peek().type === 'end') return requirements;
    if (!this.#startsRequirement()) throw expected(this.#peek(), "!, identifier, or 'end of string'");
    for (;;) {
      try {
        requirements.push(this.#requirement());
      } catch (error) {
        throw new Error(`unable to parse requirement: ${(error as Error).message}`);
      }
      const next = this.#take();
      if (next.type === 'end') return requirements;
      if (next.text !== ',' || next.type !== 'sign') throw expected(next, "',' or 'end of string'");
      if (!this.#startsRequirement()) throw expected(this.#peek(), "identifier after ','");
    }
  }

  #requirement(): LabelRequirement {
    const negated = this.#peek().type === 'sign';
    if (negated) this.#take();
    const { type, text: key } = this.#take();
    if (type !== 'word') throw expected({ type, text: key }, 'identifier');
    const problems = isQualifiedName(key);
    if (problems.length > 0) throw new Error(field.invalid(NO_PATH, key, problems.join('; ')).toString());
    if (negated || this.#peek().type === 'end' || this.#isSign(',')) {
      return requirement(key, negated ? '!' : 'exists', []);
    }
    const sign = this.#take();
    const operator = BINARY[sign.text];
    if (!operator) throw expected(sign, 'in, notin, =, ==, !=, gt, lt');
    const isSet = operator === 'in' || operator === 'notin';
    return requirement(key, operator, isSet ? [...new Set(this.#values())].sort() : [this.#value()]);
  }

  #value(): string {
    if (this.#peek().type === 'end' || this.#isSign(',')) return '';
    const token = this.#take();
    if (token.type !== 'word') throw expected(token, 'identifier');
    return token.text;
  }

  /** `(a,b)`; what is left out between commas is the empty value. */
  #values(): string[] {
    const open = this.#take();
    if (open.type !== 'sign' || open.text !== '(') throw new Error(`found '${open.text}' expected: '('`);
    if (this.#isSign(')')) {
      this.#take();
      return [''];
    }
    if (this.#peek().type !== 'word' && !this.#isSign(',')) throw expected(this.#peek(), "',', ')' or identifier");
    const values: string[] = [];
    for (;;) {
      const token = this.#take();
      if (token.type === 'word') {
        values.push(token.text);
        if (this.#isSign(')')) break;
        if (!this.#isSign(',')) throw expected(this.#peek(), "',' or ')'");
      } else if (token.type === 'sign' && token.text === ',') {
        if (values.length === 0 || this.#isSign(',')) values.push('');
        if (this.#isSign(')')) {
          values.push('');
          break;
        }
      } else throw expected(token, "',', or identifier");
    }
    this.#take();
    return values;
  }

  #startsRequirement(): boolean {
    return this.#peek().type === 'word' || this.#isSign('!');
  }
  #isSign(text: string): boolean {
    const token = this.#peek();
    return token.type === 'sign' && token.text === text;
  }
  #peek(): Token {
    return this.#tokens[this.#at]!;
  }
  #take(): Token {
    const token = this.#peek();
    if (token.type !== 'end') this.#at++;
    return token;
  }
}

/** How Go prints the path that this error has none of. */
const NO_PATH = field.Path.of('<nil>');

function expected(found: Token, what: string): Error {
  return new Error(`found '${found.text}', expected: ${what}`);
}
