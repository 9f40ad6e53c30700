/**
 * Field paths and field errors: what validation speaks in.
 * The messages are those of k8s.io/apimachinery/pkg/util/validation/field.
 */
import { plainText } from './codec/stringify.ts';
import type { StatusCause } from './errors.ts';

/** An immutable path into an object: `spec.containers[0].env[NAME]`. */
export class Path {
  readonly #text: string;

  private constructor(text: string) {
    this.#text = text;
  }

  /** `Path.of('spec', 'containers')` → `spec.containers` */
  static of(...names: string[]): Path {
    return new Path(names.join('.'));
  }
  /** The root: its children carry no leading dot. By itself it is shown as `[]`. */
  static readonly root = new Path('');

  child(...names: string[]): Path {
    const rest = names.join('.');
    return new Path(this.#text === '' ? rest : `${this.#text}.${rest}`);
  }
  index(i: number): Path {
    return new Path(`${this.#text}[${i}]`);
  }
  key(k: string): Path {
    return new Path(`${this.#text}[${k}]`);
  }
  toString(): string {
    return this.#text === '' ? '[]' : this.#text;
  }
}

export type FieldErrorType =
  | 'FieldValueNotFound'
  | 'FieldValueRequired'
  | 'FieldValueDuplicate'
  | 'FieldValueInvalid'
  | 'FieldValueNotSupported'
  | 'FieldValueForbidden'
  | 'FieldValueTooLong'
  | 'FieldValueTooShort'
  | 'FieldValueTooFew'
  | 'FieldValueTooMany'
  | 'InternalError'
  | 'FieldValueTypeInvalid';

const TITLES: Record<FieldErrorType, string> = {
  FieldValueNotFound: 'Not found',
  FieldValueRequired: 'Required value',
  FieldValueDuplicate: 'Duplicate value',
  FieldValueInvalid: 'Invalid value',
  FieldValueNotSupported: 'Unsupported value',
  FieldValueForbidden: 'Forbidden',
  FieldValueTooLong: 'Too long',
  FieldValueTooShort: 'Too short',
  FieldValueTooFew: 'Too few',
  FieldValueTooMany: 'Too many',
  InternalError: 'Internal error',
  FieldValueTypeInvalid: 'Invalid value',
};

/** Types whose message shows no value. */
const WITHOUT_VALUE = new Set<FieldErrorType>([
  'FieldValueRequired',
  'FieldValueForbidden',
  'FieldValueTooLong',
  'FieldValueTooShort',
  'InternalError',
]);

export class FieldError {
  readonly type: FieldErrorType;
  readonly field: string;
  readonly value: unknown;
  readonly detail: string;
  #body: string | undefined;

  constructor(type: FieldErrorType, field: Path | string, value: unknown, detail: string) {
    this.type = type;
    this.field = field.toString();
    this.value = value;
    this.detail = detail;
  }

  /** Without the field: the cause's message. */
  body(): string {
    this.#body ??= this.#describe();
    return this.#body;
  }
  #describe(): string {
    const title = TITLES[this.type];
    const head =
      WITHOUT_VALUE.has(this.type) || this.value === OMIT_VALUE ? title : `${title}: ${showValue(this.value)}`;
    return this.detail === '' ? head : `${head}: ${this.detail}`;
  }
  toString(): string {
    return `${this.field}: ${this.body()}`;
  }
  toCause(): StatusCause {
    return { reason: this.type, message: this.body(), field: this.field };
  }
}

export type ErrorList = FieldError[];

/** A value as Go prints it in a field error: strings quoted, numbers and booleans plain, the rest as JSON; nil is null. */
function showValue(value: unknown): string {
  if (value === undefined || value === null) return 'null';
  if (typeof value === 'string') return quote(value);
  if (typeof value === 'number' || typeof value === 'boolean' || typeof value === 'bigint') return String(value);
  if (value instanceof GoValue) return value.text;
  return goJSON(value);
}

/**
 * JSON as Go's encoding/json writes it: what HTML would read is escaped.
 * @param indent blanks of indentation for each level; 0 writes one line
 */
export function goJSON(value: unknown, indent = 0): string {
  return plainText(value, indent).replace(
    /[<>&\u2028\u2029]/g,
    (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}

/** Stands for a value that the message leaves out. */
export const OMIT_VALUE = Symbol('omitted');

/** A value that Go prints in a way of its own (a type with String(), a struct by %#v). */
export class GoValue {
  readonly text: string;
  constructor(text: string) {
    this.text = text;
  }
}

/** A string whose Go type has a name (`v1.PullPolicy`), which Go shows as JSON. */
export function named(value: string): GoValue {
  return new GoValue(goJSON(value));
}

/** A string whose Go type is `string`, which Go shows by %q. */
export function plain(value: string): GoValue {
  return new GoValue(quote(value));
}

/** What is quoted as it is. */
const PLAIN = /^[ !#-[\]-~]*$/;

/** Go's %q: a double-quoted string with Go's escapes. U+DC80 to U+DCFF stand for bytes that are no UTF-8. */
export function quote(s: string): string {
  if (PLAIN.test(s)) return `"${s}"`;
  let out = '"';
  for (const ch of s) {
    const code = ch.codePointAt(0)!;
    if (ch === '"' || ch === '\\') out += `\\${ch}`;
    else if (ch === '\n') out += '\\n';
    else if (ch === '\t') out += '\\t';
    else if (ch === '\r') out += '\\r';
    else if (code === 7) out += '\\a';
    else if (code === 8) out += '\\b';
    else if (code === 12) out += '\\f';
    else if (code === 11) out += '\\v';
    else if (code >= 0xdc80 && code <= 0xdcff) out += `\\x${(code - 0xdc00).toString(16)}`;
    else if (code < 0x20 || code === 0x7f) out += `\\x${code.toString(16).padStart(2, '0')}`;
    else if (UNPRINTABLE.test(ch))
      out += code > 0xffff ? `\\U${code.toString(16).padStart(8, '0')}` : `\\u${code.toString(16).padStart(4, '0')}`;
    else out += ch;
  }
  return `${out}"`;
}
const UNPRINTABLE = /[\p{C}[\p{Z}--[ ]]]/v;

/** Names something that is not there. */
export function notFound(field: Path, value: unknown): FieldError {
  return new FieldError('FieldValueNotFound', field, value, '');
}
/** There has to be a value, and there is none. */
export function required(field: Path, detail = ''): FieldError {
  return new FieldError('FieldValueRequired', field, '', detail);
}
/** Another item of the list is the same, or has the same key. */
export function duplicate(field: Path, value: unknown): FieldError {
  return new FieldError('FieldValueDuplicate', field, value, '');
}
/** @param value shown as Go prints it */
export function invalid(field: Path, value: unknown, detail: string): FieldError {
  return new FieldError('FieldValueInvalid', field, value, detail);
}
/** The value is of another type than the schema says. @param value shown as Go prints it */
export function typeInvalid(field: Path, value: unknown, detail: string): FieldError {
  return new FieldError('FieldValueTypeInvalid', field, value, detail);
}
/**
 * `supported: "A", "B"`, in the order given (upstream sorts them where it has a set).
 * @param value a string is taken for one of a named type, as most enumerations are: see {@link plain}
 */
export function notSupported(field: Path, value: unknown, supported: readonly string[]): FieldError {
  const shown = typeof value === 'string' ? named(value) : value;
  const detail = supported.length ? `supported values: ${supported.map(quote).join(', ')}` : '';
  return new FieldError('FieldValueNotSupported', field, shown, detail);
}
/** There must be no value, or no other than there was. The value is not shown. */
export function forbidden(field: Path, detail: string): FieldError {
  return new FieldError('FieldValueForbidden', field, '', detail);
}
/** The value is not shown. A negative maximum leaves the detail out. */
export function tooLong(field: Path, max: number): FieldError {
  return new FieldError(
    'FieldValueTooLong',
    field,
    '',
    max >= 0 ? `may not be more than ${max} ${max === 1 ? 'byte' : 'bytes'}` : 'value is too long',
  );
}
/** A negative maximum leaves the number out. */
export function tooMany(field: Path, actual: number, max: number): FieldError {
  const detail = max >= 0 ? `must have at most ${max} ${max === 1 ? 'item' : 'items'}` : 'has too many items';
  return new FieldError('FieldValueTooMany', field, actual, detail);
}
/** What was to be checked could not be: the fault is the server's. */
export function internal(field: Path, cause: string): FieldError {
  return new FieldError('InternalError', field, undefined, cause);
}
