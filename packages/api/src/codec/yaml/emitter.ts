/**
 * YAML text as go.yaml.in/yaml/v2 writes it: keys in natural order, lists at the column of their key, long scalars folded
 * after column 80, quotes only where a reader of YAML 1.1 would not see a string.
 */
import { isPieceOver, type Pieces } from '../../pieces.ts';
import { formatFloat } from '../go-float.ts';
import { isPlainWord, resolvePlain } from './resolve.ts';

const WIDTH = 80;
const INDENT = 2;
/** Longer keys are written with a `?`. */
const MAX_SIMPLE_KEY = 128;
const BASE_60 = /^[-+]?[0-9][0-9_]*(?::[0-5]?[0-9])+(?:\.[0-9_]*)?$/;

export class YamlEmitter {
  readonly #chunks: Buffer[] = [];
  #parts: string[] = [];
  #column = 0;

  /** The document, with a line feed at its end. */
  *document(value: unknown): Pieces<Buffer> {
    if (isCollection(value)) yield* this.#block(value, 0);
    else this.#scalar(value, INDENT);
    this.#newline();
    this.#flush();
    return this.#chunks.length === 1 ? this.#chunks[0]! : Buffer.concat(this.#chunks);
  }

  #flush(): void {
    this.#chunks.push(Buffer.from(this.#parts.join('')));
    this.#parts = [];
  }

  #write(text: string): void {
    this.#parts.push(text);
    this.#column += text.length;
  }
  #newline(indent = 0): void {
    this.#parts.push('\n', ' '.repeat(indent));
    this.#column = indent;
  }

  /** A collection with entries, from its first entry on; the cursor is at its column. */
  *#block(value: object, indent: number): Pieces<void> {
    let isFirst = true;
    const isList = Array.isArray(value);
    for (const key of isList ? value.keys() : Object.keys(value).sort(naturalOrder)) {
      if (isPieceOver()) {
        this.#flush();
        yield;
      }
      if (!isFirst) this.#newline(indent);
      isFirst = false;
      if (typeof key === 'number') this.#write('-');
      else {
        this.#key(key, indent);
        this.#write(':');
      }
      const inner = (value as Record<string | number, unknown>)[key];
      if (isCollection(inner)) yield* this.#collection(inner, indent, isList);
      else {
        this.#write(' ');
        this.#scalar(inner, indent + INDENT);
      }
    }
  }

  #key(key: string, indent: number): void {
    if (!hasBreak(key) && (key.length * 3 <= MAX_SIMPLE_KEY || Buffer.byteLength(key) <= MAX_SIMPLE_KEY)) {
      this.#string(key, indent + INDENT, true);
      return;
    }
    this.#write('? ');
    this.#string(key, indent + INDENT, false);
    this.#newline(indent);
  }

  /** Behind `-` or `:`. @returns what there is to do for it */
  #collection(value: object, indent: number, inList: boolean): Pieces<void> {
    if (inList) {
      this.#write(' ');
      return this.#block(value, indent + INDENT);
    }
    const column = Array.isArray(value) ? indent : indent + INDENT;
    this.#newline(column);
    return this.#block(value, column);
  }

  #scalar(value: unknown, indent: number): void {
    if (typeof value === 'string') this.#string(value, indent, false);
    else if (Array.isArray(value)) this.#write('[]');
    else if (value === null || value === undefined) this.#write('null');
    else if (typeof value === 'object') this.#write('{}');
    else this.#write(typeof value === 'number' && !isInt64(value) ? formatFloat(value) : String(value));
  }

  /** @param indent of continuation lines. @param isKey a key stays on its line */
  #string(text: string, indent: number, isKey: boolean): void {
    if (isPlainWord(text)) {
      this.#write(text);
      return;
    }
    const traits = traitsOf(text);
    const looksString = resolvePlain(text).type === 'str' && !BASE_60.test(text);
    if (text.includes('\n') && traits.blockAllowed && !isKey) this.#literal(text, indent);
    else if (!looksString || text.includes('\n') || !traits.singleAllowed) this.#doubleQuoted(text, indent, isKey);
    else if (traits.plainAllowed) this.#folded(text, indent, isKey, text.length);
    else {
      this.#write("'");
      this.#folded(text.replaceAll("'", "''"), indent, isKey, text.length - 1, 1);
      this.#write("'");
    }
  }

  /** Words, broken at single spaces. @param end where in the text no more breaks are made. @param from … and none before */
  #folded(text: string, indent: number, isKey: boolean, end: number, from = 0): void {
    if (isKey || this.#column + text.length <= WIDTH) {
      this.#write(text);
      return;
    }
    let written = 0;
    for (let i = text.indexOf(' ', from); i >= 0 && i < end; i = text.indexOf(' ', i + 1)) {
      if (text[i - 1] === ' ' || text[i + 1] === ' ' || this.#column + i - written <= WIDTH) continue;
      this.#write(text.slice(written, i));
      this.#newline(indent);
      written = i + 1;
    }
    this.#write(text.slice(written));
  }

  #doubleQuoted(text: string, indent: number, isKey: boolean): void {
    this.#write('"');
    let line = '';
    let spaces = false;
    let i = 0;
    for (const c of text) {
      const isSpace = c === ' ';
      if (isSpace && !isKey && !spaces && this.#column + line.length > WIDTH && i > 0 && i < text.length - 1) {
        this.#write(line);
        this.#newline(indent);
        line = text[i + 1] === ' ' ? '\\' : '';
      } else line += isSpace ? ' ' : escaped(c);
      spaces = isSpace;
      i += c.length;
    }
    this.#write(`${line}"`);
  }

  #literal(text: string, indent: number): void {
    const leads = /^[ \n\r\u0085\u2028\u2029]/.test(text) ? String(INDENT) : '';
    const ends = text.endsWith('\n') ? (text === '\n' || text.endsWith('\n\n') ? '+' : '') : '-';
    this.#write(`|${leads}${ends}`);
    const lines = (text.endsWith('\n') ? text.slice(0, -1) : text).split('\n');
    for (const line of lines) {
      this.#newline(line === '' ? 0 : indent);
      this.#write(line);
    }
  }
}

/** Whether Go takes the number for an integer: an int64 or a uint64. */
function isInt64(value: number): boolean {
  return Number.isInteger(value) && value >= -(2 ** 63) && value < 2 ** 64;
}

function isCollection(value: unknown): value is object {
  if (typeof value !== 'object' || value === null) return false;
  return Array.isArray(value) ? value.length > 0 : Object.keys(value).length > 0;
}

function hasBreak(text: string): boolean {
  return /[\n\r\u0085\u2028\u2029]/.test(text);
}

interface Traits {
  readonly plainAllowed: boolean;
  readonly singleAllowed: boolean;
  readonly blockAllowed: boolean;
}

/** Go's emitter takes no character beyond the basic plane for printable. */
const PRINTABLE = /^[\n\x20-\x7e\xa0-\ud7ff\ue000-\ufefe\uff00-\ufffd]*$/;
const BREAK = '[\\n\\r\\u0085\\u2028\\u2029]';
const BREAK_SPACE = new RegExp(`${BREAK} `);
const SPACE_BREAK = new RegExp(` ${BREAK}`);
const EDGE = new RegExp(`^(?: |${BREAK})|(?: |${BREAK})$`);
/** Signs that mean something at the start, before a blank, or after one. */
const INDICATORS = /^(?:---|\.\.\.|[#,[\]{}&*!|>'"%@`]|[?:-](?:[ \t]|$))|.:(?:[ \t]|$)|[ \t\n\r\u0085\u2028\u2029]#/s;

function traitsOf(text: string): Traits {
  const printable = PRINTABLE.test(text) && !SPACE_BREAK.test(text);
  const breakSpace = BREAK_SPACE.test(text);
  return {
    plainAllowed: printable && !hasBreak(text) && !EDGE.test(text) && !INDICATORS.test(text),
    singleAllowed: printable && !breakSpace,
    blockAllowed: printable && !text.endsWith(' '),
  };
}

const NAMED_ESCAPES: Readonly<Record<string, string>> = {
  '\0': '\\0',
  '\x07': '\\a',
  '\b': '\\b',
  '\t': '\\t',
  '\n': '\\n',
  '\v': '\\v',
  '\f': '\\f',
  '\r': '\\r',
  '\x1b': '\\e',
  '"': '\\"',
  '\\': '\\\\',
  '\u0085': '\\N',
  '\u2028': '\\L',
  '\u2029': '\\P',
};

function escaped(c: string): string {
  const named = NAMED_ESCAPES[c];
  if (named !== undefined) return named;
  if (PRINTABLE.test(c)) return c;
  const code = c.codePointAt(0)!;
  const hex = code.toString(16).toUpperCase();
  if (code <= 0xff) return `\\x${hex.padStart(2, '0')}`;
  return code <= 0xffff ? `\\u${hex.padStart(4, '0')}` : `\\U${hex.padStart(8, '0')}`;
}

/** Letters by code, after all else; digits as numbers: `a2` before `a10`. */
function naturalOrder(a: string, b: string): number {
  let at = 0;
  while (at < a.length && a.charCodeAt(at) === b.charCodeAt(at)) at++;
  if (at === a.length || at === b.length) return a.length - b.length;
  if (isWithinPair(a, at) || isWithinPair(b, at)) at--;
  const l = characterAt(a, at);
  const r = characterAt(b, at);
  const isLetterL = isLetter(l);
  const isLetterR = isLetter(r);
  if (isLetterL && isLetterR) return l < r ? -1 : 1;
  if (isLetterL || isLetterR) return isLetterR ? -1 : 1;
  // Zeros within a number count, those before it do not.
  const within = (l === '0' || r === '0') && endsWithNumber(a, at) ? '1' : '0';
  const numberL = digitsAt(a, at);
  const numberR = digitsAt(b, at);
  const valueL = Number(within + numberL);
  const valueR = Number(within + numberR);
  if (valueL !== valueR) return valueL - valueR;
  if (numberL.length !== numberR.length) return numberL.length - numberR.length;
  return l < r ? -1 : 1;
}

function characterAt(text: string, at: number): string {
  if (text.charCodeAt(at) < 0xd800) return text[at]!;
  return String.fromCodePoint(text.codePointAt(at)!);
}

/** Whether the character before goes on here. */
function isWithinPair(text: string, at: number): boolean {
  return at > 0 && text.charCodeAt(at - 1) >= 0xd800 && text.codePointAt(at - 1)! > 0xffff;
}

function isLetter(c: string): boolean {
  return c < '\u0080' ? (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') : /\p{L}/u.test(c);
}

function isDigit(c = ''): boolean {
  return c >= '0' && c <= '9';
}

/** Whether the text before is a number other than 0, or ends with one. */
function endsWithNumber(text: string, end: number): boolean {
  let at = end;
  while (text[at - 1] === '0') at--;
  return isDigit(text[at - 1]);
}

function digitsAt(text: string, from: number): string {
  let end = from;
  while (isDigit(text[end])) end++;
  return text.slice(from, end);
}
