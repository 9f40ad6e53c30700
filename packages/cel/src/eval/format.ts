/** `'%s has %d'.format([name, n])` (cel-go ext/formatting.go). */
import { quote } from '@keelson/api/field';
import { type Type, typeName } from '../types/type.ts';
import { toText } from './convert.ts';
import { EvaluationError, failure } from './errors.ts';
import { checkText, work } from './limits.ts';
import { Duration, Timestamp } from './time.ts';
import { isList, isMap, type ListValue, type MapValue, TypeValue, typeOf, Uint, type Value } from './values.ts';

/** One `%` of a format. */
export interface Clause {
  readonly verb: 's' | 'd' | 'f' | 'e' | 'b' | 'x' | 'X' | 'o';
  readonly precision: number;
}

/** What a verb takes; other types are refused in these words. */
const ACCEPTED: Readonly<Record<string, readonly [kinds: readonly Type['kind'][], message: string]>> = {
  s: [
    ['list', 'map', 'int', 'uint', 'double', 'bool', 'string', 'timestamp', 'bytes', 'duration', 'type', 'null'],
    'string clause can only be used on strings, bools, bytes, ints, doubles, maps, lists, types, durations, and timestamps',
  ],
  d: [['int', 'uint'], 'decimal clause can only be used on integers'],
  f: [['double', 'string'], 'fixed-point clause can only be used on doubles'],
  e: [['double', 'string'], 'scientific clause can only be used on doubles'],
  b: [['int', 'uint', 'bool'], 'only integers and bools can be formatted as binary'],
  x: [['int', 'uint', 'string', 'bytes'], 'only integers, byte buffers, and strings can be formatted as hex'],
  o: [['int', 'uint'], 'octal clause can only be used on integers'],
};

/** Undefined where a verb takes values of a type, else why not. */
export function refusal({ verb }: Clause, type: Type): string | undefined {
  const [kinds, message] = ACCEPTED[verb.toLowerCase()]!;
  return kinds.includes(type.kind) ? undefined : `${message}, was given ${typeName(type)}`;
}

/** The texts and the clauses of a format, one after the other. @throws EvaluationError with what is wrong with it */
export function* parseFormat(format: string, args: number): Generator<string | Clause, void> {
  let [at, used] = [0, 0];
  while (at < format.length) {
    const next = format.indexOf('%', at);
    if (next < 0) {
      yield format.slice(at);
      return;
    }
    if (next > at) yield format.slice(at, next);
    if (format[next + 1] === '%') {
      yield '%';
      at = next + 2;
      continue;
    }
    if (used >= args) throw failure(`index ${used} out of range`);
    if (next + 1 >= format.length) throw failure('unexpected end of string');
    used++;
    const clause = parseClause(format.slice(next + 1));
    yield clause;
    at = next + 1 + clause.length;
  }
}

const PROBLEM = 'could not parse formatting clause: ';

function parseClause(text: string): Clause & { length: number } {
  const dot = /^\.(\d*)/.exec(text);
  const verb = text[dot ? dot[0].length : 0];
  if (dot && verb === undefined) {
    throw failure(`${PROBLEM}error while parsing precision: could not find end of precision specifier`);
  }
  if (dot && dot[1] === '') {
    const wrong = 'error while converting precision to integer: strconv.Atoi: parsing "": invalid syntax';
    throw failure(`${PROBLEM}error while parsing precision: ${wrong}`);
  }
  if (!'sdfebxXo'.includes(verb!)) throw failure(`${PROBLEM}unrecognized formatting clause "${verb}"`);
  return {
    verb: verb as Clause['verb'],
    precision: Math.min(dot ? Number(dot[1]) : 6, 100),
    length: (dot ? dot[0].length : 0) + 1,
  };
}

/** @throws EvaluationError */
export function formatString(format: string, args: ListValue): string {
  let used = 0;
  let length = 0;
  const texts: string[] = [];
  for (const part of parseFormat(format, args.size)) {
    const text = typeof part === 'string' ? part : formatClause(part, args.get(used++));
    length = checkText(length + text.length);
    texts.push(text);
  }
  return texts.join('');
}

const NOT_FINITE = new Set(['NaN', 'Infinity', '-Infinity']);

function formatClause(clause: Clause, value: Value): string {
  const refused = refusal(clause, typeOf(value));
  const isWord = typeof value === 'string' && (clause.verb === 'f' || clause.verb === 'e');
  const wrongWord = isWord && !NOT_FINITE.has(value);
  if (refused !== undefined || wrongWord) {
    const [, message] = ACCEPTED[clause.verb.toLowerCase()]!;
    throw failure(`error during formatting: ${refused ?? `${message}, was given string`}`);
  }
  switch (clause.verb) {
    case 's':
      return shown(value);
    case 'd':
      return toText(value);
    case 'f':
      return localized(Number(value), (n) => grouped(toFixed(n, clause.precision)));
    case 'e':
      return localized(Number(value), scientific).padStart(clause.precision);
    case 'b':
      return typeof value === 'boolean' ? String(Number(value)) : integer(value).toString(2);
    case 'o':
      return integer(value).toString(8);
    default: {
      const isText = typeof value === 'string' || value instanceof Uint8Array;
      const hex = isText ? Buffer.from(value as string).toString('hex') : integer(value).toString(16);
      return clause.verb === 'X' ? hex.toUpperCase() : hex;
    }
  }
}

function integer(value: Value): bigint {
  return value instanceof Uint ? value.value : (value as bigint);
}

/** As the locale en_US prints numbers: with signs for what is not finite. */
function localized(value: number, print: (value: number) => string): string {
  if (Number.isNaN(value)) return 'NaN';
  if (!Number.isFinite(value)) return value > 0 ? '∞' : '-∞';
  return print(value);
}

/** Halves are rounded to even, as Go does. */
function toFixed(value: number, precision: number): string {
  const scale = 10 ** precision;
  const scaled = Math.abs(value) * scale;
  const isHalf = scaled % 1 === 0.5 && scaled / scale === Math.abs(value);
  if (!isHalf || Math.floor(scaled) % 2 !== 0) return value.toFixed(precision);
  return ((Math.sign(value) * Math.floor(scaled)) / scale).toFixed(precision);
}

function grouped(text: string): string {
  const [whole, fraction] = text.split('.') as [string, string?];
  const groups = whole.replace(/\B(?=(\d{3})+$)/g, ',');
  return fraction === undefined ? groups : `${groups}.${fraction}`;
}

const SUPERSCRIPTS = '⁰¹²³⁴⁵⁶⁷⁸⁹';

/** Always with six digits: the precision of the clause is taken for the width of its text. */
function scientific(value: number): string {
  const [mantissa, exponent] = value.toExponential(6).split('e') as [string, string];
  const digits = exponent.slice(1).padStart(2, '0');
  const raised = [...digits].map((digit) => SUPERSCRIPTS[Number(digit)]).join('');
  return `${mantissa}×10${exponent.startsWith('-') ? '⁻' : ''}${raised}`;
}

/** @throws EvaluationError for bytes that are no text */
function shown(value: Value): string {
  try {
    return show(value);
  } catch (error) {
    if (!(error instanceof EvaluationError && value instanceof Uint8Array)) throw error;
    throw failure(`error during formatting: could not convert argument ${quote(error.message)} to string`);
  }
}

function show(value: Value): string {
  if (value === null) return 'null';
  if (isList(value)) return showList(value);
  if (isMap(value)) return showMap(value);
  return toText(value);
}

/** Steps that showing an element takes. */
const STEPS = 20;

function showList(list: ListValue): string {
  work(list.size * STEPS);
  return `[${[...list].map(showWithin).join(', ')}]`;
}

function showMap(map: MapValue): string {
  work(map.size * STEPS);
  const entries = [...map.keys()].map((key) => [showKey(key), showWithin(map.find(key)!)] as const);
  entries.sort(([a], [b]) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
  return `{${entries.map(([key, value]) => `${key}:${value}`).join(', ')}}`;
}

function showKey(key: Value): string {
  if (typeof key === 'string') return quote(key);
  if (typeof key === 'boolean' || typeof key === 'bigint' || key instanceof Uint) return toText(key);
  throw failure(`error during formatting: no formatting function for map key of type ${typeName(typeOf(key))}`);
}

function showWithin(value: Value): string {
  if (typeof value === 'string') {
    work(value.length * STEPS);
    return quote(value);
  }
  if (value instanceof Uint8Array) return `b${quote(Buffer.from(value).toString())}`;
  if (value instanceof Timestamp) return `timestamp(${quote(String(value))})`;
  if (value instanceof Duration) return `duration(${quote(String(value))})`;
  if (typeof value === 'number') {
    if (Number.isFinite(value)) return value.toFixed(6);
    return quote(Number.isNaN(value) ? 'NaN' : value > 0 ? '+Inf' : '-Inf');
  }
  if (value === null || isList(value) || isMap(value) || value instanceof TypeValue) return show(value);
  if (typeof value === 'boolean' || typeof value === 'bigint' || value instanceof Uint) return toText(value);
  throw failure(`error during formatting: no formatting function for ${typeName(typeOf(value))}`);
}
