import { compareStrings } from './go-order.ts';

/** JSON text; a bigint is written as the integer that it is, and keys that are integers stand where Go has them. */
export function stringify(value: unknown, indent = 0): string {
  const text = plainText(value, indent);
  return (indent > 0 ? INDENTED_INTEGER_KEY : INTEGER_KEY).test(text) ? ordered(value, indent, '\n') : text;
}

/** JavaScript puts such keys before all others, in the order of numbers. A quote within a string follows a backslash. */
const INTEGER_KEY = /\{"(?:0|[1-9]\d*)":/;
const INDENTED_INTEGER_KEY = /\{\s*"(?:0|[1-9]\d*)":/;
const INTEGER = /^(?:0|[1-9]\d*)$/;

/** JSON text whose keys stand as JavaScript has them. */
export function plainText(value: unknown, indent: number): string {
  try {
    return JSON.stringify(value, null, indent);
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    return JSON.stringify(value, (_, v: unknown) => (typeof v === 'bigint' ? rawJson(String(v)) : v), indent);
  }
}

/** Maps with integers among their keys are written in Go's order. @param line a line feed with the indentation so far */
function ordered(value: unknown, indent: number, line: string): string {
  if (typeof value !== 'object' || value === null)
    return typeof value === 'bigint' ? String(value) : JSON.stringify(value);
  const inner = line + ' '.repeat(indent);
  const [separator, colon] = indent > 0 ? [`,${inner}`, ': '] : [',', ':'];
  const enclose = (open: string, parts: string[], close: string): string => {
    if (parts.length === 0) return open + close;
    return indent > 0 ? open + inner + parts.join(separator) + line + close : open + parts.join(separator) + close;
  };
  if (Array.isArray(value))
    return enclose(
      '[',
      value.map((v) => (v === undefined ? 'null' : ordered(v, indent, inner))),
      ']',
    );
  const map = value as Record<string, unknown>;
  const keys = Object.keys(map).filter((key) => map[key] !== undefined);
  if (keys[0] !== undefined && INTEGER.test(keys[0])) keys.sort(compareStrings);
  return enclose(
    '{',
    keys.map((key) => JSON.stringify(key) + colon + ordered(map[key], indent, inner)),
    '}',
  );
}

/** Until TypeScript's library knows it. */
export const { rawJSON: rawJson } = JSON as unknown as { rawJSON(text: string): unknown };
