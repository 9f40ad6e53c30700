/** Base64 as Go reads it (encoding/base64, StdEncoding): line breaks are skipped, padding is required. */

const LF = 10;
const CR = 13;
const PAD = 0x3d;

export class Base64Error extends Error {
  override readonly name = 'Base64Error';
  constructor(offset: number) {
    super(`illegal base64 data at input byte ${offset}`);
  }
}

/** Whether the text is what Go writes: no line breaks, padded, no stray bits. */
export function isCanonicalBase64(text: string): boolean {
  return text.length % 4 === 0 && Buffer.from(text, 'base64').toString('base64') === text;
}

/** @throws Base64Error with the offset that Go names */
export function decodeBase64(text: string): Buffer {
  const bytes = Buffer.from(text, 'utf8');
  check(bytes);
  return Buffer.from(text, 'base64');
}

function check(bytes: Buffer): void {
  let digits = 0;
  let at = 0;
  for (; at < bytes.length; at++) {
    const c = bytes[at]!;
    if (c === LF || c === CR) continue;
    if (c === PAD) break;
    if (!isDigit(c)) throw new Base64Error(at);
    digits = (digits + 1) % 4;
  }
  if (at === bytes.length) {
    if (digits > 0) throw new Base64Error(at - digits);
    return;
  }
  if (digits < 2) throw new Base64Error(at);
  at++;
  if (digits === 2) {
    at = skipBreaks(bytes, at);
    if (at === bytes.length) throw new Base64Error(at);
    if (bytes[at] !== PAD) throw new Base64Error(at - 1);
    at++;
  }
  at = skipBreaks(bytes, at);
  if (at < bytes.length) throw new Base64Error(at);
}

function skipBreaks(bytes: Buffer, from: number): number {
  let at = from;
  while (bytes[at] === LF || bytes[at] === CR) at++;
  return at;
}

function isDigit(c: number): boolean {
  return (c >= 0x41 && c <= 0x5a) || (c >= 0x61 && c <= 0x7a) || (c >= 0x30 && c <= 0x39) || c === 0x2b || c === 0x2f;
}
