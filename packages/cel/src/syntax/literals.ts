/** The values of literals as they are written. */
import { Uint } from '../eval/values.ts';

/** What is wrong with a literal, in upstream's words. */
export class LiteralError extends Error {
  override readonly name = 'LiteralError';
}

const SIMPLE: Readonly<Record<string, string>> = { a: '\x07', b: '\b', f: '\f', n: '\n', r: '\r', t: '\t', v: '\v' };
const ESCAPES = /\\(?:([0-3][0-7]{2})|[xX]([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|([\s\S]))/g;

/** @throws LiteralError where it does not fit 64 bits */
export function parseInt64(text: string): bigint {
  const value = text.startsWith('-') ? -BigInt(text.slice(1)) : BigInt(text);
  if (BigInt.asIntN(64, value) !== value) throw new LiteralError('invalid int literal');
  return value;
}

/** `12u` @throws LiteralError */
export function parseUint64(text: string): Uint {
  const value = BigInt(text.slice(0, -1));
  if (BigInt.asUintN(64, value) !== value) throw new LiteralError('invalid uint literal');
  return new Uint(value);
}

/** @throws LiteralError */
export function parseDouble(text: string): number {
  const value = Number(text);
  if (!Number.isFinite(value)) throw new LiteralError('invalid double literal');
  return value;
}

/** The content of a string literal with its quotes and prefix. @throws LiteralError */
export function unquote(literal: string): string {
  return decode(literal, (code) => {
    if (code > 0x10ffff || (code >= 0xd800 && code < 0xe000)) throw new LiteralError('invalid unicode code point');
    return String.fromCodePoint(code);
  });
}

/** The content of a bytes literal; octal and hexadecimal escapes are bytes. @throws LiteralError */
export function unquoteBytes(literal: string): Uint8Array {
  const parts: Uint8Array[] = [];
  const text = literal.slice(1);
  const { body, raw } = strip(text);
  if (raw) return Buffer.from(body);
  let last = 0;
  for (const match of body.matchAll(ESCAPES)) {
    const [whole, octal, hex, short, long, simple] = match;
    if (short !== undefined || long !== undefined) throw new LiteralError('unable to unescape string');
    parts.push(Buffer.from(body.slice(last, match.index)));
    if (octal !== undefined) parts.push(Uint8Array.of(Number.parseInt(octal, 8)));
    else if (hex !== undefined) parts.push(Uint8Array.of(Number.parseInt(hex, 16)));
    else parts.push(Buffer.from(SIMPLE[simple!] ?? simple!));
    last = match.index + whole.length;
  }
  parts.push(Buffer.from(body.slice(last)));
  return Buffer.concat(parts);
}

function decode(literal: string, character: (code: number) => string): string {
  const { body, raw } = strip(literal);
  if (raw || !body.includes('\\')) return body;
  return body.replace(ESCAPES, (_, octal, hex, short, long, simple) => {
    if (simple !== undefined) return SIMPLE[simple] ?? simple;
    return character(octal !== undefined ? Number.parseInt(octal, 8) : Number.parseInt(hex ?? short ?? long, 16));
  });
}

function strip(literal: string): { body: string; raw: boolean } {
  const text = literal.replaceAll('\r\n', '\n').replaceAll('\r', '\n');
  const raw = text.startsWith('r') || text.startsWith('R');
  const quoted = raw ? text.slice(1) : text;
  const quotes = quoted.length >= 6 && (quoted.startsWith('"""') || quoted.startsWith("'''")) ? 3 : 1;
  return { body: quoted.slice(quotes, -quotes), raw };
}
