/**
 * JSON text as bytes, before anything is known of its types: what Go's scanner says of malformed text, and a quick survey
 * that tells whether JSON.parse sees all that Go would see.
 */

/** Go's limit on arrays and objects within each other. */
export const MAX_DEPTH = 10_000;

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const SPACE = 0x20;

export interface Survey {
  /** How many object keys there are, duplicates counted. */
  readonly keys: number;
  readonly depth: number;
  /** True where JSON.parse loses what Go sees: numbers with a fraction or an exponent, escaped surrogates. */
  readonly lossy: boolean;
}

/** One pass over text that may be malformed; the numbers mean nothing if it is. */
export function survey(bytes: Uint8Array): Survey {
  let keys = 0;
  let depth = 0;
  let deepest = 0;
  let lossy = false;
  const length = bytes.length;
  for (let i = 0; i < length; i++) {
    const c = bytes[i]!;
    if (c === QUOTE) {
      for (i++; i < length; i++) {
        const d = bytes[i]!;
        if (d === QUOTE) break;
        if (d !== BACKSLASH) continue;
        i++;
        // \ud… or \uD…
        if (bytes[i] === 0x75 && (bytes[i + 1]! | SPACE) === 0x64) lossy = true;
      }
    } else if (c === 0x3a) keys++;
    else if (c === 0x7b || c === 0x5b) {
      if (++depth > deepest) deepest = depth;
    } else if (c === 0x7d || c === 0x5d) depth--;
    // `.`, or an `e` that is not within true and false
    else if (c === 0x2e || ((c | SPACE) === 0x65 && isDigit(bytes[i - 1]!))) lossy = true;
  }
  return { keys, depth: deepest, lossy };
}

/**
 * What Go's scanner (encoding/json) says is wrong with the text: `invalid character 'x' looking for beginning of value`,
 * `unexpected end of JSON input`, `exceeded max depth`. Undefined for well-formed text.
 */
export function syntaxError(text: Uint8Array): string | undefined {
  return new Scanner(text).run();
}

type State = 'value' | 'value or ]' | 'key' | 'key or }' | 'colon' | 'after value';

class Scanner {
  readonly #bytes: Uint8Array;
  #at = 0;
  /** For each open array or object whether it is an object. */
  readonly #open: boolean[] = [];

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  run(): string | undefined {
    let state: State = 'value';
    for (;;) {
      while (isSpace(this.#bytes[this.#at]!)) this.#at++;
      if (this.#at >= this.#bytes.length)
        return state === 'after value' && this.#open.length === 0 ? undefined : 'unexpected end of JSON input';
      const c = this.#bytes[this.#at]!;
      if (c === 0x5d && state === 'value or ]') state = 'after value';
      if (c === 0x7d && state === 'key or }') state = 'after value';
      switch (state) {
        case 'value':
        case 'value or ]': {
          if (c === 0x7b || c === 0x5b) {
            if (this.#open.length === MAX_DEPTH) return this.#bad('exceeded max depth');
            this.#open.push(c === 0x7b);
            this.#at++;
            state = c === 0x7b ? 'key or }' : 'value or ]';
            break;
          }
          const problem = this.#literal(c);
          if (problem) return problem;
          state = 'after value';
          break;
        }
        case 'key':
        case 'key or }': {
          if (c !== QUOTE) return this.#bad('looking for beginning of object key string');
          const problem = this.#string();
          if (problem) return problem;
          state = 'colon';
          break;
        }
        case 'colon':
          if (c !== 0x3a) return this.#bad('after object key');
          this.#at++;
          state = 'value';
          break;
        case 'after value': {
          const inObject = this.#open.at(-1);
          if (inObject === undefined) return this.#bad('after top-level value');
          this.#at++;
          if (c === 0x2c) state = inObject ? 'key' : 'value';
          else if (c === (inObject ? 0x7d : 0x5d)) this.#open.pop();
          else {
            this.#at--;
            return this.#bad(inObject ? 'after object key:value pair' : 'after array element');
          }
        }
      }
    }
  }

  /** At the end of the text Go's scanner takes a space. */
  #peek(): number {
    return this.#bytes[this.#at] ?? SPACE;
  }
  #bad(where: string): string {
    return `invalid character ${quoteChar(this.#peek())} ${where}`;
  }

  #literal(c: number): string | undefined {
    if (c === QUOTE) return this.#string();
    if (c === 0x2d || isDigit(c)) return this.#number();
    const word = { t: 'true', f: 'false', n: 'null' }[String.fromCharCode(c)];
    if (word === undefined) return this.#bad('looking for beginning of value');
    for (const expected of word) {
      if (this.#peek() !== expected.charCodeAt(0)) return this.#bad(`in literal ${word} (expecting '${expected}')`);
      this.#at++;
    }
    return undefined;
  }

  #string(): string | undefined {
    for (this.#at++; this.#at < this.#bytes.length; this.#at++) {
      const c = this.#bytes[this.#at]!;
      if (c === QUOTE) {
        this.#at++;
        return undefined;
      }
      if (c < SPACE) return this.#bad('in string literal');
      if (c !== BACKSLASH) continue;
      this.#at++;
      const escaped = this.#peek();
      if (escaped === 0x75) {
        for (let digit = 0; digit < 4; digit++) {
          this.#at++;
          if (!isHex(this.#peek())) return this.#bad('in \\u hexadecimal character escape');
        }
      } else if (!'bfnrt\\/"'.includes(String.fromCharCode(escaped))) return this.#bad('in string escape code');
    }
    return 'unexpected end of JSON input';
  }

  #number(): string | undefined {
    if (this.#peek() === 0x2d) this.#at++;
    if (!isDigit(this.#peek())) return this.#bad('in numeric literal');
    if (this.#peek() === 0x30) this.#at++;
    else this.#digits();
    if (this.#peek() === 0x2e) {
      this.#at++;
      if (!isDigit(this.#peek())) return this.#bad('after decimal point in numeric literal');
      this.#digits();
    }
    if ((this.#peek() | SPACE) === 0x65) {
      this.#at++;
      if (this.#peek() === 0x2b || this.#peek() === 0x2d) this.#at++;
      if (!isDigit(this.#peek())) return this.#bad('in exponent of numeric literal');
      this.#digits();
    }
    return undefined;
  }
  #digits(): void {
    while (isDigit(this.#peek())) this.#at++;
  }
}

function isSpace(c: number): boolean {
  return c === SPACE || c === 0x0a || c === 0x0d || c === 0x09;
}
function isDigit(c: number): boolean {
  return c >= 0x30 && c <= 0x39;
}
function isHex(c: number): boolean {
  return isDigit(c) || ((c | SPACE) >= 0x61 && (c | SPACE) <= 0x66);
}

const NAMED: Readonly<Record<number, string>> = {
  7: '\\a',
  8: '\\b',
  9: '\\t',
  10: '\\n',
  11: '\\v',
  12: '\\f',
  13: '\\r',
  39: "\\'",
  92: '\\\\',
};

/** A byte as Go quotes it, taken for a code point. */
function quoteChar(byte: number): string {
  const named = NAMED[byte];
  if (named !== undefined) return `'${named}'`;
  const hex = byte.toString(16).padStart(2, '0');
  if (byte < SPACE || byte === 0x7f) return `'\\x${hex}'`;
  if ((byte > 0x7f && byte <= 0xa0) || byte === 0xad) return `'\\u00${hex}'`;
  return `'${String.fromCharCode(byte)}'`;
}
