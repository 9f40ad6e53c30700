/**
 * JSON paths as definitions of custom resources use them: `.spec.items[*].name`, `.status.conditions[?(@.type=="Ready")].status`
 * (client-go/util/jsonpath, where missing keys are allowed). Not RFC 9535: names follow a dot, a path starts anywhere.
 */
import { isObject } from '@keelson/api/patch/value';

/** The values that a path leads to in an object, in order. @throws JsonPathError where an index leads nowhere */
export type JsonPath = (value: unknown) => unknown[];

export class JsonPathError extends Error {
  override readonly name = 'JsonPathError';
}

type Step = (values: readonly unknown[]) => unknown[];

/** @throws JsonPathError for text that is no path */
export function parseJsonPath(text: string): JsonPath {
  const parser = new Parser(text);
  const steps = parser.path();
  parser.end();
  return (value) => run(steps, [value]);
}

function run(steps: readonly Step[], values: readonly unknown[]): unknown[] {
  let found = [...values];
  for (const step of steps) found = step(found);
  return found;
}

const field =
  (name: string): Step =>
  (values) =>
    values.flatMap((value) => (isObject(value) && Object.hasOwn(value, name) ? [value[name]] : []));

const members = (value: unknown): unknown[] =>
  Array.isArray(value)
    ? value
    : isObject(value)
      ? Object.keys(value)
          .sort()
          .map((key) => value[key])
      : [];

const wildcard: Step = (values) => values.flatMap(members);

const recursive: Step = (values) => values.flatMap((value) => [value, ...recursive(members(value).filter(isNested))]);
const isNested = (value: unknown) => typeof value === 'object' && value !== null;

const elements = (value: unknown): readonly unknown[] => {
  if (Array.isArray(value)) return value;
  throw new JsonPathError('is not array or slice');
};

const slice =
  (from: number | undefined, to: number | undefined, step: number, isIndex: boolean): Step =>
  (values) =>
    values.flatMap((value) => {
      if (value === undefined || value === null) return [];
      const list = elements(value);
      const bound = (n: number | undefined, fallback: number) =>
        n === undefined ? fallback : n < 0 ? n + list.length : n;
      const start = bound(from, 0);
      const end = isIndex ? start + 1 : bound(to, list.length);
      if (isIndex && (start < 0 || start >= list.length))
        throw new JsonPathError(`array index out of bounds: index ${start}, length ${list.length}`);
      const picked = list.slice(start, Math.min(end, list.length));
      return picked.filter((_, i) => i % step === 0);
    });

const filter =
  (test: (element: unknown) => boolean): Step =>
  (values) =>
    values.flatMap((value) => (Array.isArray(value) || isObject(value) ? members(value).filter(test) : []));

const union =
  (paths: readonly (readonly Step[])[]): Step =>
  (values) =>
    paths.flatMap((steps) => run(steps, values));

const nowhere: Step = () => {
  throw new JsonPathError('unrecognized identifier');
};

type Comparison = '==' | '!=' | '<' | '<=' | '>' | '>=';
const COMPARISONS: readonly Comparison[] = ['==', '!=', '<=', '>=', '<', '>'];

function compare(left: unknown, operator: Comparison, right: unknown): boolean {
  if (operator === '==') return left === right;
  if (operator === '!=') return left !== right;
  if (typeof left !== typeof right || (typeof left !== 'number' && typeof left !== 'string')) return false;
  const [a, b] = [left, right as typeof left];
  if (operator === '<') return a < b;
  if (operator === '<=') return a <= b;
  return operator === '>' ? a > b : a >= b;
}

const NAME = /^[^.[\]{}()\s,'"=!<>?@:*$\\]+/;

class Parser {
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  path(): Step[] {
    const steps: Step[] = [];
    if (this.#takes('$') || this.#takes('@')) steps.push((values) => [...values]);
    for (;;) {
      if (this.#takes('..')) {
        steps.push(recursive);
        if (!this.#peeks('[')) steps.push(this.#name());
      } else if (this.#takes('.')) {
        if (!this.#peeks('[')) steps.push(this.#name());
      } else if (this.#takes('[')) steps.push(this.#bracket());
      else return steps;
    }
  }

  get isAtEnd(): boolean {
    return this.#at === this.#text.length;
  }

  end(): void {
    if (!this.isAtEnd) throw this.#error();
  }

  #name(): Step {
    if (this.#takes('*')) return wildcard;
    let name = '';
    for (;;) {
      const [plain = ''] = NAME.exec(this.#text.slice(this.#at)) ?? [];
      name += plain;
      this.#at += plain.length;
      // `\.` is a dot of the name.
      if (!this.#takes('\\')) break;
      name += this.#text[this.#at++] ?? '';
    }
    if (name === '') throw this.#error();
    return field(name);
  }

  #bracket(): Step {
    if (this.#takes('?(')) {
      const test = this.#test();
      this.#expect(')]');
      return filter(test);
    }
    const items: Step[][] = [];
    do items.push(this.#item());
    while (this.#takes(','));
    this.#expect(']');
    return union(items);
  }

  #item(): Step[] {
    this.#blanks();
    if (this.#takes('*')) return [wildcard];
    // A key in quotes is a path: a dot of its own is written `\\.` there, too.
    const [quoted, key = ''] = /^'([^']*)'/.exec(this.#text.slice(this.#at)) ?? [];
    if (quoted !== undefined) {
      this.#at += quoted.length;
      const within = new Parser(`.${key}`);
      const steps = within.path();
      return within.isAtEnd ? steps : [nowhere];
    }
    const name = this.#quoted();
    if (name !== undefined) return [field(name)];
    const [text] = /^-?\d*(?::-?\d*)?(?::\d*)?/.exec(this.#text.slice(this.#at))!;
    if (text === '') throw this.#error();
    this.#at += text.length;
    const [from, to, step] = text.split(':').map((n) => (n === '' ? undefined : Number(n)));
    this.#blanks();
    return [slice(from, to, step ?? 1, !text.includes(':'))];
  }

  #test(): (element: unknown) => boolean {
    this.#blanks();
    const left = this.#operand();
    this.#blanks();
    const operator = COMPARISONS.find((sign) => this.#takes(sign));
    if (!operator) return (element) => left(element).length > 0;
    this.#blanks();
    const right = this.#operand();
    this.#blanks();
    return (element) => {
      const [a, b] = [left(element), right(element)];
      return a.length === 1 && b.length === 1 && compare(a[0], operator, b[0]);
    };
  }

  #operand(): JsonPath {
    const quoted = this.#quoted();
    if (quoted !== undefined) return () => [quoted];
    const [literal] = /^(?:-?\d+(?:\.\d+)?|true|false)/.exec(this.#text.slice(this.#at)) ?? [];
    if (literal !== undefined) {
      this.#at += literal.length;
      return () => [JSON.parse(literal) as unknown];
    }
    const steps = this.path();
    if (steps.length === 0) throw this.#error();
    return (element) => run(steps, [element]);
  }

  #quoted(): string | undefined {
    const quote = this.#text[this.#at];
    if (quote !== '"' && quote !== "'") return undefined;
    let text = '';
    for (this.#at++; this.#text[this.#at] !== quote; this.#at++) {
      if (this.#text[this.#at] === '\\') this.#at++;
      if (this.#at >= this.#text.length) throw this.#error();
      text += this.#text[this.#at];
    }
    this.#at++;
    return text;
  }

  #blanks(): void {
    while (this.#text[this.#at] === ' ') this.#at++;
  }
  #peeks(what: string): boolean {
    return this.#text.startsWith(what, this.#at);
  }
  #takes(what: string): boolean {
    if (!this.#peeks(what)) return false;
    this.#at += what.length;
    return true;
  }
  #expect(what: string): void {
    if (!this.#takes(what)) throw this.#error();
  }
  #error(): JsonPathError {
    return new JsonPathError(`unrecognized character in ${this.#text} at ${this.#at}`);
  }
}
