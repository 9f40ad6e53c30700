/** Go's strconv, as far as flags and their error messages need it. Errors carry strconv's own wording. */

const syntax = (fn: string, text: string) => new Error(`strconv.${fn}: parsing ${quote(text)}: invalid syntax`);
const range = (fn: string, text: string) => new Error(`strconv.${fn}: parsing ${quote(text)}: value out of range`);

const baseZero = /^(?:0[xX](?:_?[0-9a-fA-F])+|0[bB](?:_?[01])+|0[oO]?(?:_?[0-7])+|0|[1-9](?:_?[0-9])*)$/;

/**
 * strconv.ParseInt with base 0: an optional sign, the prefixes 0x, 0b, 0o and 0, and underscores between digits.
 * @param bits width of the integer type the result must fit
 * @throws Error with strconv's text
 */
export function parseInteger(text: string, bits: number): number {
  const [, sign, digits] = /^([+-]?)(.*)$/s.exec(text)!;
  if (!baseZero.test(digits!)) throw syntax('ParseInt', text);
  const plain = digits!.replaceAll('_', '').replace(/^0(?=[0-7])/, '0o');
  const value = sign === '-' ? -BigInt(plain) : BigInt(plain);
  if (BigInt.asIntN(bits, value) !== value) throw range('ParseInt', text);
  return Number(value);
}

/** strconv.ParseInt with base 10. @throws Error with strconv's text */
export function parseDecimal(text: string, bits: number): number {
  if (!/^[+-]?[0-9]+$/.test(text)) throw syntax('ParseInt', text);
  const value = BigInt(text.replace(/^\+/, ''));
  if (BigInt.asIntN(bits, value) !== value) throw range('ParseInt', text);
  return Number(value);
}

/** strconv.ParseUint with base 10. @throws Error with strconv's text */
export function parseUnsigned(text: string, bits: number): number {
  if (!/^[0-9]+$/.test(text)) throw syntax('ParseUint', text);
  const value = BigInt(text);
  if (BigInt.asUintN(bits, value) !== value) throw range('ParseUint', text);
  return Number(value);
}

/** strconv.Atoi. @throws Error with strconv's text */
export function atoi(text: string): number {
  if (!/^[+-]?[0-9]+$/.test(text)) throw syntax('Atoi', text);
  const value = BigInt(text.replace(/^\+/, ''));
  if (BigInt.asIntN(64, value) !== value) throw range('Atoi', text);
  return Number(value);
}

/** strconv.ParseBool. @throws Error with strconv's text */
export function parseBool(text: string): boolean {
  if (['1', 't', 'T', 'TRUE', 'true', 'True'].includes(text)) return true;
  if (['0', 'f', 'F', 'FALSE', 'false', 'False'].includes(text)) return false;
  throw syntax('ParseBool', text);
}

const decimalFloat = /^[+-]?(?:[0-9][0-9_]*\.?[0-9_]*|\.[0-9][0-9_]*)(?:[eE][+-]?[0-9]+)?$/;
const hexFloat = /^([+-]?)0[xX](?=[0-9a-fA-F._]*[0-9a-fA-F])([0-9a-fA-F_]*)\.?([0-9a-fA-F_]*)[pP]([+-]?[0-9]+)$/;

/** strconv.ParseFloat: decimal, hexadecimal (0x1p-2), inf and nan. @throws Error with strconv's text */
export function parseFloat64(text: string, bits: 32 | 64): number {
  const value = floatValue(text);
  if (value === undefined) throw syntax('ParseFloat', text);
  if (Number.isFinite(value) || /^[+-]?(inf|infinity|nan)$/i.test(text)) {
    if (bits === 64) return value;
    const single = Math.fround(value);
    if (Number.isFinite(single) || !Number.isFinite(value)) return single;
  }
  throw range('ParseFloat', text);
}

function floatValue(text: string): number | undefined {
  if (/^[+-]?(inf|infinity)$/i.test(text)) return text.startsWith('-') ? -Infinity : Infinity;
  if (/^nan$/i.test(text)) return Number.NaN;
  if (/__|_$|^[+-]?_|_[.eEpP]|[.eEpP+-]_/.test(text)) return undefined;
  const plain = text.replaceAll('_', '');
  if (decimalFloat.test(plain)) return Number(plain);
  const hex = hexFloat.exec(plain);
  if (hex === null) return undefined;
  const mantissa = Number(BigInt(`0x${hex[2]}${hex[3]}`));
  const value = mantissa * 2 ** (Number(hex[4]) - 4 * hex[3]!.length);
  return hex[1] === '-' ? -value : value;
}

const escapes: Record<string, string> = {
  '\x07': '\\a',
  '\b': '\\b',
  '\f': '\\f',
  '\n': '\\n',
  '\r': '\\r',
  '\t': '\\t',
  '\v': '\\v',
  '"': '\\"',
  '\\': '\\\\',
};

/** strconv.Quote, which is also what Go's %q prints. */
export function quote(text: string): string {
  let out = '"';
  for (const character of text) out += escapes[character] ?? (printable(character) ? character : escaped(character));
  return `${out}"`;
}

const printable = (character: string) => character === ' ' || /^[\p{L}\p{M}\p{N}\p{P}\p{S}]$/u.test(character);

function escaped(character: string): string {
  const code = character.codePointAt(0)!;
  if (code < 0x80) return `\\x${code.toString(16).padStart(2, '0')}`;
  return code < 0x10000 ? `\\u${code.toString(16).padStart(4, '0')}` : `\\U${code.toString(16).padStart(8, '0')}`;
}
