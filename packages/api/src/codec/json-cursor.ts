/** A cursor over well-formed JSON text: one value after the other, with numbers as they are written. */
import { type JsonObject, put } from '../patch/value.ts';
import { atOnce, isPieceOver, type Pieces } from '../pieces.ts';

export type TokenKind = 'object' | 'array' | 'string' | 'number' | 'bool' | 'null';

const OBJECT = 0x7b;
const OBJECT_END = 0x7d;
const LIST = 0x5b;
const LIST_END = 0x5d;
const COMMA = 0x2c;
const COLON = 0x3a;
const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const SPACE = 0x20;

const KINDS: Readonly<Record<number, TokenKind>> = {
  [OBJECT]: 'object',
  [LIST]: 'array',
  [QUOTE]: 'string',
  116: 'bool',
  102: 'bool',
  110: 'null',
};
const INT64_MAX = 2n ** 63n - 1n;

export class JsonCursor {
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
    this.#space();
  }

  /** What the next value is. */
  get kind(): TokenKind {
    return KINDS[this.#text.charCodeAt(this.#at)] ?? 'number';
  }

  /** The text of the next value, and past it. */
  raw(): string {
    const from = this.#at;
    this.skip();
    return this.#text.slice(from, this.#end);
  }
  #end = 0;

  skip(): void {
    let depth = 0;
    do {
      const c = this.#text.charCodeAt(this.#at);
      if (c === OBJECT || c === LIST) depth++;
      else if (c === OBJECT_END || c === LIST_END) depth--;
      else if (c !== COMMA && c !== COLON) {
        this.#literal();
        continue;
      }
      if (depth > 0) this.#punctuation();
      else this.#close();
    } while (depth > 0);
  }

  /** Into an object or a list. */
  open(): void {
    this.#punctuation();
  }

  /** The key of the object's next member, with the cursor at its value; undefined where it has no more, and past it. */
  member(): string | undefined {
    if (!this.#hasMore(OBJECT_END)) return undefined;
    const key = this.string();
    this.#punctuation();
    return key;
  }

  /** Whether the list has another item, with the cursor at it; past the list where not. */
  item(): boolean {
    return this.#hasMore(LIST_END);
  }

  #hasMore(end: number): boolean {
    if (this.#text.charCodeAt(this.#at) === COMMA) this.#punctuation();
    if (this.#text.charCodeAt(this.#at) !== end) return true;
    this.#close();
    return false;
  }

  /** The next value, which is a string. Half of a surrogate pair becomes U+FFFD. */
  string(): string {
    const from = this.#at;
    this.#literal();
    const token = this.#text.slice(from, this.#end);
    return token.includes('\\') ? (JSON.parse(token) as string).toWellFormed() : token.slice(1, -1);
  }

  /** The next value, whatever it is. */
  json(): unknown {
    return atOnce(this.reading());
  }

  /** The same in pieces. @param read reads the next value where that is a scalar */
  *reading(read: (cursor: JsonCursor) => unknown = JsonCursor.scalar): Pieces<unknown> {
    switch (this.kind) {
      case 'array': {
        const list: unknown[] = [];
        this.open();
        while (this.item()) {
          if (isPieceOver()) yield;
          list.push(this.#isScalar ? read(this) : yield* this.reading(read));
        }
        return list;
      }
      case 'object': {
        const object: JsonObject = {};
        this.open();
        for (let key = this.member(); key !== undefined; key = this.member()) {
          if (isPieceOver()) yield;
          put(object, key, this.#isScalar ? read(this) : yield* this.reading(read));
        }
        return object;
      }
      default:
        return read(this);
    }
  }

  get #isScalar(): boolean {
    const c = this.#text.charCodeAt(this.#at);
    return c !== OBJECT && c !== LIST;
  }

  /** The next value of a cursor, which is a string, a number, a boolean or null. */
  static scalar(cursor: JsonCursor): unknown {
    const { kind } = cursor;
    if (kind === 'string') return cursor.string();
    const text = cursor.raw();
    return kind === 'number' ? (JsonCursor.number(text) ?? 0) : (JSON.parse(text) as unknown);
  }

  /** An int64 where the text is one, else a float; undefined where it is too large. An unsafe integer is a bigint. */
  static number(text: string): number | bigint | undefined {
    const value = Number(text);
    if (/^-?\d+$/.test(text) && !Number.isSafeInteger(value)) {
      const exact = int64(text);
      if (exact !== undefined) return exact;
    }
    return Number.isFinite(value) ? value : undefined;
  }

  #literal(): void {
    if (this.#text.charCodeAt(this.#at) === QUOTE) {
      do {
        this.#at = this.#text.indexOf('"', this.#at + 1);
      } while (this.#isEscaped());
      this.#at++;
    } else {
      LITERAL.lastIndex = this.#at;
      LITERAL.exec(this.#text);
      this.#at = LITERAL.lastIndex;
    }
    this.#end = this.#at;
    this.#space();
  }
  /** Whether the quote at the cursor is part of the string. */
  #isEscaped(): boolean {
    let backslashes = 0;
    while (this.#text.charCodeAt(this.#at - 1 - backslashes) === BACKSLASH) backslashes++;
    return backslashes % 2 === 1;
  }
  #punctuation(): void {
    this.#at++;
    this.#space();
  }
  #close(): void {
    this.#at++;
    this.#end = this.#at;
    this.#space();
  }
  #space(): void {
    while (this.#text.charCodeAt(this.#at) <= SPACE) this.#at++;
  }
}

/** @param text of an integer. @returns undefined where it is too large */
export function int64(text: string): bigint | undefined {
  if (text.length > MAX_INT64_LENGTH) return undefined;
  const exact = BigInt(text);
  return exact <= INT64_MAX && exact >= -INT64_MAX - 1n ? exact : undefined;
}

const MAX_INT64_LENGTH = String(-INT64_MAX - 1n).length;

const LITERAL = /[-+.\w]+/y;

/** What JSON says; an int64 beyond the safe integers is a bigint. @throws SyntaxError */
export function parseKeepingIntegers(text: string): unknown {
  const value: unknown = JSON.parse(text);
  return hasLargeNumber(text) ? new JsonCursor(text).json() : value;
}

/** Of 16 digits in a row one is a sixteenth character: a quarter of what it takes to look at each. */
function hasLargeNumber(text: string): boolean {
  for (let at = 15; at < text.length; at += 16) {
    if (!isDigit(text, at)) continue;
    let first = at;
    let last = at;
    while (isDigit(text, first - 1)) first--;
    while (isDigit(text, last + 1)) last++;
    if (last - first >= 15) return LARGE_NUMBER.test(text);
  }
  return false;
}
const LARGE_NUMBER = /[:,[]-?\d{16}/;

function isDigit(text: string, at: number): boolean {
  const code = text.charCodeAt(at);
  return code >= 0x30 && code <= 0x39;
}
