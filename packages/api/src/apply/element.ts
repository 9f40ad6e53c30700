/**
 * Path elements as FieldsV1 writes them: one step from a value into it.
 *   f:name            a member of an object
 *   k:{"name":"a"}    the item of a list that has these keys
 *   v:"a"             a member of a set
 *   i:0               an item of a list by its index
 *   .                 in a set of fields: the parent itself belongs to the set
 * The canonical text identifies an element, so that sets compare text, never values.
 * Spec: sigs.k8s.io/structured-merge-diff/v6/fieldpath (serialize-pe.go, element.go) and value (Compare, ToString).
 */

import { compareStrings, sortedKeys } from '../codec/go-order.ts';
import { quote } from '../field.ts';
import { formatJson, formatV } from '../patch/goformat.ts';
import { isObject } from '../patch/value.ts';

export type Element = string;

export const SELF: Element = '.';

export function fieldElement(name: string): Element {
  return `f:${name}`;
}
/** `value` is a scalar. */
export function valueElement(value: unknown): Element {
  return `v:${formatJson(value)}`;
}
/** `keys` are sorted by name. */
export function keyElement(keys: readonly (readonly [name: string, value: unknown])[]): Element {
  return keyElementOf(keys.map(([name, value]) => keyName(name) + formatJson(value)).join(','));
}
/** From keys that are written already: `"name":"a","port":80`. */
export function keyElementOf(keys: string): Element {
  return `k:{${keys}}`;
}
/** The name of a key, to be followed by its value: `"name":`. */
export function keyName(name: string): string {
  return `${formatJson(name)}:`;
}

/** What an element says, and its canonical text. */
type Parsed = { readonly text: Element } & (
  | { readonly kind: 0; readonly name: string }
  | { readonly kind: 1; readonly keys: readonly (readonly [string, unknown])[] }
  | { readonly kind: 2; readonly value: unknown }
  | { readonly kind: 3; readonly index: number }
  | { readonly kind: 4 }
);

/** Elements of lists are parsed to be ordered, the same few over and over. */
const memo = new Map<Element, Parsed>();
const MEMO_SIZE = 4096;
const MEMO_LENGTH = 256;

function parsed(element: Element): Parsed {
  const known = memo.get(element);
  if (known) return known;
  const result = parse(element);
  if (element.length <= MEMO_LENGTH) {
    if (memo.size >= MEMO_SIZE) memo.clear();
    memo.set(element, result);
  }
  return result;
}

/**
 * An item by one name, as most items of lists are, of letters that JSON writes as they are and that come after the quote: texts of
 * such elements, which are canonical, stand in the order of what they say.
 */
const PLAIN = /^k:\{"[\w./-]+":"[\w.:/@-]*"\}$/;

/** The same, of more letters. */
const NAMED = /^k:\{"([\w./-]+)":"([\w .:/@-]*)"\}$/;

function parse(element: Element): Parsed {
  const named = NAMED.exec(element);
  if (named) return { kind: 1, text: element, keys: [[named[1]!, named[2]!]] };
  if (element[1] !== ':') {
    throw new FieldsError(element.length < 2 ? 'key must be 2 characters long:' : `missing colon: ${element}`);
  }
  const rest = element.slice(2);
  switch (element[0]) {
    case 'f':
      return { kind: 0, text: element, name: rest };
    case 'k': {
      const map = parseJson(rest);
      if (!isObject(map)) throw new FieldsError(`parsing key as path element: ${rest}`);
      const keys = sortedKeys(map).map((name) => [name, map[name]] as const);
      return { kind: 1, text: keyElement(keys), keys };
    }
    case 'v': {
      const value = parseJson(rest);
      return { kind: 2, text: valueElement(value), value };
    }
    case 'i':
      if (!/^[+-]?\d+$/.test(rest)) throw new FieldsError(`strconv.Atoi: parsing ${quote(rest)}: invalid syntax`);
      return { kind: 3, text: `i:${Number(rest)}`, index: Number(rest) };
    default:
      return { kind: 4, text: element };
  }
}
function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new FieldsError(`parsing key as path element: ${text}`);
  }
}

/**
 * The canonical text of an element that came from elsewhere; undefined for kinds of elements that only a later version
 * knows. @throws FieldsError for what is none
 */
export function canonicalElement(element: string): Element | undefined {
  if (element.startsWith('f:') || PLAIN.test(element)) return element;
  const p = parsed(element);
  return p.kind === 4 ? undefined : p.text;
}

/** The order of elements in a set: fields, keys, values, indices, each by content. SELF comes first of all. */
export function compareElements(a: Element, b: Element): number {
  if (a === b) return 0;
  if (a === SELF) return -1;
  if (b === SELF) return 1;
  if (a.startsWith('f:') ? b.startsWith('f:') : PLAIN.test(a) && PLAIN.test(b)) return compareStrings(a, b);
  return compareParsed(parsed(a), parsed(b));
}

/** Items by their elements, which are read once each, in the order of a set. */
export function inOrderOfElements<T extends { readonly 0: Element }>(items: readonly T[]): T[] {
  if (items.every((item) => PLAIN.test(item[0]))) return [...items].sort((a, b) => compareStrings(a[0], b[0]));
  const read = items.map((item) => ({ item, element: parsed(item[0]) }));
  return read.sort((a, b) => compareParsed(a.element, b.element)).map(({ item }) => item);
}

function compareParsed(x: Parsed, y: Parsed): number {
  if (x.kind === 1 && y.kind === 1) return compareKeys(x.keys, y.keys);
  if (x.kind === 2 && y.kind === 2) return compareValues(x.value, y.value);
  if (x.kind === 3 && y.kind === 3) return x.index - y.index;
  return x.kind - y.kind;
}

function compareKeys(a: readonly (readonly [string, unknown])[], b: readonly (readonly [string, unknown])[]): number {
  for (let i = 0; i < a.length && i < b.length; i++) {
    const order = compareStrings(a[i]![0], b[i]![0]) || compareValues(a[i]![1], b[i]![1]);
    if (order !== 0) return order;
  }
  return a.length - b.length;
}

/** Numbers, strings, booleans, lists, objects, null: in that order, and each by its own. */
function compareValues(a: unknown, b: unknown): number {
  if (isNumber(a) && isNumber(b)) return a < b ? -1 : Number(a > b);
  if (typeof a === 'string' && typeof b === 'string') return compareStrings(a, b);
  if (typeof a === 'boolean' && typeof b === 'boolean') return Number(a) - Number(b);
  if (Array.isArray(a) && Array.isArray(b)) return compareLists(a, b);
  if (isObject(a) && isObject(b)) {
    return compareKeys(
      sortedKeys(a).map((k) => [k, a[k]] as const),
      sortedKeys(b).map((k) => [k, b[k]] as const),
    );
  }
  return rank(a) - rank(b);
}
function compareLists(a: readonly unknown[], b: readonly unknown[]): number {
  for (let i = 0; i < a.length && i < b.length; i++) {
    const order = compareValues(a[i], b[i]);
    if (order !== 0) return order;
  }
  return a.length - b.length;
}
function rank(value: unknown): number {
  if (value === null) return 5;
  if (Array.isArray(value)) return 3;
  return isNumber(value) ? 0 : ['string', 'boolean', 'list', 'object'].indexOf(typeof value) + 1;
}
function isNumber(value: unknown): value is number | bigint {
  return typeof value === 'number' || typeof value === 'bigint';
}

/** As conflicts show it: `.spec`, `[name="a"]`, `[="a"]`, `[0]`. */
export function showElement(element: Element): string {
  const p = parsed(element);
  switch (p.kind) {
    case 0:
      return `.${p.name}`;
    case 1:
      return `[${p.keys.map(([name, value]) => `${name}=${showValue(value)}`).join(',')}]`;
    case 2:
      return `[=${showValue(p.value)}]`;
    case 3:
      return `[${p.index}]`;
    default:
      return '{{invalid path element}}';
  }
}
function showValue(value: unknown): string {
  if (value === null) return 'null';
  if (typeof value === 'string') return quote(value);
  if (Array.isArray(value)) return `[${value.map(showValue).join(',')}]`;
  if (isObject(value))
    return sortedKeys(value)
      .map((k) => `${k}=${showValue(value[k])}`)
      .join('');
  return formatV(value);
}

/** A set of fields that is malformed, or a value that does not fit its schema. The message is upstream's. */
export class FieldsError extends Error {
  override readonly name = 'FieldsError';
}
