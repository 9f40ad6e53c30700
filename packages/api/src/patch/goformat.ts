/**
 * Values as Go's fmt prints them. Errors of patches and of apply show the offending value that way, and clients see it.
 * Numbers that are whole are taken for int64 where they fit it, others for float64, as the API server's JSON reader does.
 */

import { sortedKeys } from '../codec/go-order.ts';
import { quote } from '../field.ts';
import { isObject } from './value.ts';

/** What JSON has no form for, as Go's fmt prints it. */
export class GoValue {
  /** `%T` */
  readonly type: string;
  /** `%v` */
  readonly v: string;
  /** `%#v` */
  readonly sharpV: string;

  constructor(type: string, v: string, sharpV: string) {
    this.type = type;
    this.v = v;
    this.sharpV = sharpV;
  }
}

/** `%v`: `map[a:1 b:[x y]]`, `<nil>`. */
export function formatV(value: unknown): string {
  if (value === null || value === undefined) return '<nil>';
  if (typeof value === 'number') return formatNumber(value);
  if (value instanceof GoValue) return value.v;
  if (Array.isArray(value)) return `[${value.map(formatV).join(' ')}]`;
  if (typeof value === 'object')
    return `map[${entries(value)
      .map(([k, v]) => `${k}:${formatV(v)}`)
      .join(' ')}]`;
  return String(value);
}

/** `%s`: like `%v`, but what is no string carries a complaint: `%!s(int64=1)`. */
export function formatS(value: unknown): string {
  if (typeof value === 'string') return value;
  if (value === null || value === undefined) return '%!s(<nil>)';
  if (Array.isArray(value)) return `[${value.map(formatS).join(' ')}]`;
  if (typeof value === 'object')
    return `map[${entries(value)
      .map(([k, v]) => `${k}:${formatS(v)}`)
      .join(' ')}]`;
  return `%!s(${goType(value)}=${formatV(value)})`;
}

/** `%#v`: Go syntax. */
export function formatSharpV(value: unknown): string {
  if (value === null || value === undefined) return 'interface {}(nil)';
  if (typeof value === 'string') return quote(value);
  if (value instanceof GoValue) return value.sharpV;
  if (Array.isArray(value)) return `[]interface {}{${value.map(formatSharpV).join(', ')}}`;
  if (typeof value === 'object') {
    const fields = entries(value).map(([k, v]) => `${quote(k)}:${formatSharpV(v)}`);
    return `map[string]interface {}{${fields.join(', ')}}`;
  }
  return formatV(value);
}

/** `%T` of a decoded JSON value; null has no type: `<nil>`. */
export function goType(value: unknown): string {
  if (value === null || value === undefined) return '<nil>';
  if (Array.isArray(value)) return '[]interface {}';
  if (value instanceof GoValue) return value.type;
  switch (typeof value) {
    case 'object':
      return 'map[string]interface {}';
    case 'number':
      return isInt64(value) ? 'int64' : 'float64';
    case 'bigint':
      return 'int64';
    case 'boolean':
      return 'bool';
    default:
      return 'string';
  }
}

/** JSON as Go's encoder writes it: keys sorted, `<`, `>` and `&` escaped. */
export function formatJson(value: unknown): string {
  if (typeof value === 'string') return formatJsonString(value);
  if (Number.isInteger(value)) return String(value);
  if (typeof value === 'number' || typeof value === 'bigint') return formatV(value);
  if (Array.isArray(value)) return `[${value.map(formatJson).join(',')}]`;
  if (isObject(value)) {
    return `{${sortedKeys(value)
      .map((k) => `${formatJsonString(k)}:${formatJson(value[k])}`)
      .join(',')}}`;
  }
  return String(value ?? null);
}
function formatJsonString(text: string): string {
  if (PLAIN.test(text)) return `"${text}"`;
  return JSON.stringify(text)
    .replace(/[<>&\u2028\u2029]/g, (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`)
    .replace(
      /(?<!\\)((?:\\\\)*)\\([bf])/g,
      (_, slashes: string, c: string) => `${slashes}\\u000${c === 'b' ? '8' : 'c'}`,
    );
}
const PLAIN = /^[\w ./:\-@=+,~%*()[\]{}|]*$/;

const MAX_INT64 = 2 ** 63;

/** Whether Go's reader of JSON takes it for an integer. */
export function isInt64(value: unknown): value is number | bigint {
  return typeof value === 'bigint' || (Number.isInteger(value) && Math.abs(value as number) < MAX_INT64);
}

/** Shortest digits; an exponent below 1e-4 and from 2^63 on, of at least two digits. */
function formatNumber(n: number): string {
  const abs = Math.abs(n);
  const text = (abs !== 0 && abs < 1e-4) || abs >= MAX_INT64 ? n.toExponential() : String(n);
  return text.replace(/e([+-])(\d)$/, 'e$10$2');
}

function entries(object: object): [string, unknown][] {
  const map = object as Record<string, unknown>;
  return sortedKeys(map).map((k) => [k, map[k]]);
}
