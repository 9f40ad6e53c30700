/** Scalars in YAML text: plain, quoted, and in blocks (YAML 1.1, chapter 9, as libyaml reads it). */
import { isBlank, isBreak, isGap, type YamlCursor } from './cursor.ts';

/** Whether `---` or `...` stands here, which ends every scalar. */
export function isDocumentIndicator(cursor: YamlCursor): boolean {
  return cursor.column === 0 && (cursor.startsWith('---') || cursor.startsWith('...')) && isGap(cursor.char(3));
}

/** Characters that mean nothing, in plain scalars and within quotes. */
const WORD = /[^\s\u0085\0:,?[\]{}]+/y;
const QUOTED_WORD = /[^\s\u0085\0'"\\]+/y;

/** Line breaks within a flow scalar: one is a space, of more the first is dropped. */
class Folding {
  #first = '';
  #rest = '';
  #blanks = '';

  get isMultiline(): boolean {
    return this.#first !== '';
  }
  blank(c: string): void {
    if (!this.isMultiline) this.#blanks += c;
  }
  lineBreak(text: string): void {
    if (this.isMultiline) this.#rest += text;
    else this.#first = text;
  }
  /** What the white space so far amounts to; then it is forgotten. */
  take(): string {
    let out = this.#blanks;
    if (this.isMultiline) {
      if (this.#first !== '\n') out = this.#first + this.#rest;
      else out = this.#rest === '' ? ' ' : this.#rest;
    }
    this.#first = '';
    this.#rest = '';
    this.#blanks = '';
    return out;
  }
}

/**
 * @param indent the least column of continuation lines
 * @returns the value, and whether it ended at the start of a line
 */
export function scanPlain(
  cursor: YamlCursor,
  indent: number,
  inFlow: boolean,
): { value: string; atLineStart: boolean } {
  let value = '';
  const folding = new Folding();
  for (;;) {
    if (isDocumentIndicator(cursor) || cursor.char() === '#') break;
    let isFirst = true;
    while (!isGap(cursor.char()) && !endsPlain(cursor, inFlow)) {
      if (isFirst) value += folding.take();
      isFirst = false;
      value += cursor.take(WORD) || cursor.takeOne();
    }
    if (!isBlank(cursor.char()) && !isBreak(cursor.char())) break;
    while (isBlank(cursor.char()) || isBreak(cursor.char())) {
      if (isBreak(cursor.char())) {
        folding.lineBreak(cursor.lineBreak());
        continue;
      }
      if (folding.isMultiline && cursor.column < indent && cursor.char() === '\t')
        throw cursor.error('found a tab character that violates indentation');
      folding.blank(cursor.char());
      cursor.skip();
    }
    if (!inFlow && cursor.column < indent) break;
  }
  return { value, atLineStart: folding.isMultiline };
}

function endsPlain(cursor: YamlCursor, inFlow: boolean): boolean {
  const c = cursor.char();
  return (c === ':' && isGap(cursor.char(1))) || (inFlow && ',?[]{}'.includes(c));
}

export function scanSingleQuoted(cursor: YamlCursor): string {
  return scanQuoted(cursor, (c) => {
    if (c !== "'") return undefined;
    if (cursor.char(1) !== "'") return 'end';
    cursor.skip(2);
    return { text: "'" };
  });
}

export function scanDoubleQuoted(cursor: YamlCursor): string {
  return scanQuoted(cursor, (c) => {
    if (c === '"') return 'end';
    if (c !== '\\') return undefined;
    cursor.skip();
    if (isBreak(cursor.char())) {
      cursor.lineBreak();
      return 'continued';
    }
    return { text: scanEscape(cursor) };
  });
}

/** What a character within quotes means if it does not mean itself. It is then consumed already, but for the end. */
type Special = 'end' | 'continued' | { readonly text: string } | undefined;

function scanQuoted(cursor: YamlCursor, special: (c: string) => Special): string {
  let value = '';
  cursor.skip();
  for (;;) {
    if (isDocumentIndicator(cursor)) throw cursor.error('found unexpected document indicator');
    if (cursor.isEnd) throw cursor.error('found unexpected end of stream');
    let continued = false;
    while (!continued && !isGap(cursor.char())) {
      const found = special(cursor.char());
      if (found === 'end') {
        cursor.skip();
        return value;
      }
      if (found === 'continued') continued = true;
      else if (found) value += found.text;
      else value += cursor.take(QUOTED_WORD) || cursor.takeOne();
    }
    value += scanSpaceInQuotes(cursor, continued);
  }
}

/** @param continued after an escaped line break: blanks at the start of the line do not count */
function scanSpaceInQuotes(cursor: YamlCursor, continued: boolean): string {
  const folding = new Folding();
  let breaks = '';
  while (isBlank(cursor.char()) || isBreak(cursor.char())) {
    if (isBreak(cursor.char())) {
      const text = cursor.lineBreak();
      if (continued) breaks += text;
      else folding.lineBreak(text);
    } else {
      if (!continued) folding.blank(cursor.char());
      cursor.skip();
    }
  }
  return continued ? breaks : folding.take();
}

const ESCAPES: Readonly<Record<string, string>> = {
  '0': '\0',
  a: '\x07',
  b: '\b',
  t: '\t',
  '\t': '\t',
  n: '\n',
  v: '\v',
  f: '\f',
  r: '\r',
  e: '\x1b',
  ' ': ' ',
  '"': '"',
  "'": "'",
  '\\': '\\',
  N: '\u0085',
  _: '\u00a0',
  L: '\u2028',
  P: '\u2029',
};
const CODE_LENGTHS: Readonly<Record<string, number>> = { x: 2, u: 4, U: 8 };

function scanEscape(cursor: YamlCursor): string {
  const c = cursor.char();
  const simple = ESCAPES[c];
  const length = CODE_LENGTHS[c];
  if (simple === undefined && length === undefined) {
    throw cursor.error('found unknown escape character');
  }
  cursor.skip();
  if (length === undefined) return simple!;
  const digits = Array.from({ length }, (_, i) => cursor.char(i)).join('');
  if (!/^[0-9a-fA-F]+$/.test(digits)) throw cursor.error('did not find expected hexdecimal number');
  const code = Number.parseInt(digits, 16);
  if ((code >= 0xd800 && code <= 0xdfff) || code > 0x10ffff)
    throw cursor.error('found invalid Unicode character escape code');
  cursor.skip(length);
  return String.fromCodePoint(code);
}

/**
 * A literal (`|`) or folded (`>`) scalar.
 * @param parent the column of the block that it stands in, -1 at the top
 */
export function scanBlock(cursor: YamlCursor, isLiteral: boolean, parent: number): string {
  cursor.skip();
  const header = cursor.take(/[+-]\d?|\d[+-]?/y);
  const digit = /\d/.exec(header)?.[0];
  if (digit === '0') throw cursor.error('found an indentation indicator equal to 0');
  cursor.take(/[ \t]*/y);
  skipComment(cursor);
  if (!isBreak(cursor.char()) && !cursor.isEnd) throw cursor.error('did not find expected comment or line break');
  if (isBreak(cursor.char())) cursor.lineBreak();

  const given = digit === undefined ? 0 : Math.max(parent, 0) + Number(digit);
  const start = scanIndentation(cursor, given, parent);
  const { indent } = start;
  let trailing = start.breaks;
  let value = '';
  let lineBreak = '';
  let wasBlank = false;
  while (cursor.column === indent && !cursor.isEnd) {
    const isBlankNow = isBlank(cursor.char());
    const folds = !isLiteral && lineBreak === '\n' && !wasBlank && !isBlankNow;
    if (!folds) value += lineBreak;
    else if (trailing === '') value += ' ';
    value += trailing;
    wasBlank = isBlankNow;
    value += cursor.take(/[^\n\r\u0085\u2028\u2029]*/y);
    lineBreak = cursor.isEnd ? '' : cursor.lineBreak();
    trailing = scanIndentation(cursor, indent, parent).breaks;
  }
  if (!header.includes('-')) value += lineBreak;
  return header.includes('+') ? value + trailing : value;
}

export function skipComment(cursor: YamlCursor): void {
  if (cursor.char() === '#') cursor.take(/[^\n\r\u0085\u2028\u2029]*/y);
}

/**
 * Empty lines and the white space before the next line of a block.
 * @param known the block's column; 0 to find it out: that of the deepest line so far
 */
function scanIndentation(cursor: YamlCursor, known: number, parent: number): { breaks: string; indent: number } {
  let breaks = '';
  let deepest = 0;
  for (;;) {
    while ((known === 0 || cursor.column < known) && cursor.char() === ' ') cursor.skip();
    deepest = Math.max(deepest, cursor.column);
    if ((known === 0 || cursor.column < known) && cursor.char() === '\t')
      throw cursor.error('found a tab character where an indentation space is expected');
    if (!isBreak(cursor.char())) break;
    breaks += cursor.lineBreak();
  }
  return { breaks, indent: known === 0 ? Math.max(deepest, parent + 1, 1) : known };
}
