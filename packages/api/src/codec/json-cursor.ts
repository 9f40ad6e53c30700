/** A cursor over well-formed JSON text: one value after the other, with numbers as they are written. */

export type TokenKind = 'object' | 'array' | 'string' | 'number' | 'bool' | 'null';

const KINDS: Readonly<Record<string, TokenKind>> = {
  '{': 'object',
  '[': 'array',
  '"': 'string',
  t: 'bool',
  f: 'bool',
  n: 'null',
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
    return KINDS[this.#text[this.#at]!] ?? 'number';
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
      const c = this.#text[this.#at]!;
      if (c === '{' || c === '[') depth++;
      else if (c === '}' || c === ']') depth--;
      if (c === '"' || !PUNCTUATION.has(c)) this.#literal();
      else if (depth > 0) this.#punctuation();
      else this.#close();
    } while (depth > 0);
  }

  /** Calls back for each key, with the cursor at its value, which the callback must read. */
  object(member: (key: string) => void): void {
    this.#punctuation();
    while (this.#text[this.#at] !== '}') {
      const key = this.string();
      this.#punctuation();
      member(key);
      if (this.#text[this.#at] === ',') this.#punctuation();
    }
    this.#close();
  }

  array(element: (index: number) => void): void {
    this.#punctuation();
    for (let index = 0; this.#text[this.#at] !== ']'; index++) {
      element(index);
      if (this.#text[this.#at] === ',') this.#punctuation();
    }
    this.#close();
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
    const { kind } = this;
    if (kind === 'string') return this.string();
    if (kind === 'array') {
      const list: unknown[] = [];
      this.array(() => list.push(this.json()));
      return list;
    }
    if (kind === 'object') {
      const entries: [string, unknown][] = [];
      this.object((key) => entries.push([key, this.json()]));
      return Object.fromEntries(entries);
    }
    const text = this.raw();
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
    if (this.#text[this.#at] === '"') {
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
    while (this.#text[this.#at - 1 - backslashes] === '\\') backslashes++;
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
    while (SPACES.has(this.#text.charCodeAt(this.#at))) this.#at++;
  }
}

/** @param text of an integer. @returns undefined where it is too large */
export function int64(text: string): bigint | undefined {
  if (text.length > MAX_INT64_LENGTH) return undefined;
  const exact = BigInt(text);
  return exact <= INT64_MAX && exact >= -INT64_MAX - 1n ? exact : undefined;
}

const MAX_INT64_LENGTH = String(-INT64_MAX - 1n).length;

const PUNCTUATION = new Set('{}[],:');
const LITERAL = /[-+.\w]+/y;
const SPACES = new Set([0x20, 0x0a, 0x0d, 0x09]);
