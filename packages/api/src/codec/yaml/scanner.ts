/**
 * YAML text as tokens (YAML 1.1 as libyaml reads it): indentation becomes tokens, and a scalar that a `:` follows is found to
 * have been a key.
 */
import { isBlank, isBreak, isGap, YamlCursor, type YamlError } from './cursor.ts';
import {
  isDocumentIndicator,
  scanBlock,
  scanDoubleQuoted,
  scanPlain,
  scanSingleQuoted,
  skipComment,
} from './scalars.ts';
import { scanAnchor, scanDirective, scanTag } from './tags.ts';

export type TokenType =
  | 'stream end'
  | 'version directive'
  | 'tag directive'
  | 'document start'
  | 'document end'
  | 'block sequence'
  | 'block mapping'
  | 'block end'
  | '['
  | ']'
  | '{'
  | '}'
  | ','
  | '-'
  | '?'
  | ':'
  | 'alias'
  | 'anchor'
  | 'tag'
  | 'scalar';

export interface Token {
  readonly type: TokenType;
  /** From 0, as the two behind it. */
  readonly line: number;
  readonly column: number;
  readonly endLine: number;
  /** A scalar's text, an anchor's name, a tag's or directive's handle. */
  readonly value: string;
  /** What follows the handle; a scalar's is `plain` if it has no quotes and is in no block. */
  readonly suffix: string;
}

/** A token that becomes a key if a `:` follows: within the line and 1024 characters. */
interface SimpleKey {
  readonly token: number;
  readonly index: number;
  readonly line: number;
  readonly column: number;
  /** At the column of a block mapping nothing else can stand. */
  readonly required: boolean;
}

const MAX_DEPTH = 10_000;
const MAX_KEY_LENGTH = 1024;

export class YamlScanner {
  readonly #cursor: YamlCursor;
  readonly #tokens: Token[] = [];
  /** How many tokens have been taken. */
  #taken = 0;
  #ended = false;
  /** The column of the current block; -1 outside of all. */
  #indent = -1;
  readonly #indents: number[] = [];
  #keyAllowed = true;
  /** One for each open flow collection, and one for the blocks. */
  readonly #keys: (SimpleKey | undefined)[] = [undefined];
  /** Below this level there is none: the further out, the sooner a key's token comes. */
  #outermost = 0;

  constructor(text: string) {
    this.#cursor = new YamlCursor(text);
  }

  /** @throws YamlError */
  peek(): Token {
    while (this.#needsMore()) this.#fetch();
    return this.#tokens[0]!;
  }
  take(): Token {
    const token = this.peek();
    this.#tokens.shift();
    this.#taken++;
    return token;
  }

  /** The head may turn out to be a key, before which a token is to be put. */
  #needsMore(): boolean {
    if (this.#tokens.length === 0) return !this.#ended;
    while (this.#outermost < this.#keys.length && !this.#keys[this.#outermost]) this.#outermost++;
    return this.#keys[this.#outermost]?.token === this.#taken && this.#stillPossible(this.#outermost);
  }
  #stillPossible(at: number): boolean {
    const key = this.#keys[at];
    if (!key) return false;
    const { line, index } = this.#cursor;
    if (key.line === line && key.index + MAX_KEY_LENGTH >= index) return true;
    if (key.required) throw this.#noColon();
    this.#keys[at] = undefined;
    return false;
  }
  #noColon(): YamlError {
    return this.#cursor.error("could not find expected ':'");
  }

  get #inFlow(): boolean {
    return this.#keys.length > 1;
  }

  #put(type: TokenType, line: number, column: number, value = '', suffix = ''): void {
    this.#tokens.push({ type, line, column, endLine: this.#cursor.line, value, suffix });
  }
  /** A token of one character. */
  #sign(type: TokenType): void {
    const { line, column } = this.#cursor;
    this.#cursor.skip();
    this.#put(type, line, column);
  }

  /** What comes next may be a key. */
  #saveKey(): void {
    if (!this.#keyAllowed) return;
    const { index, line, column } = this.#cursor;
    const required = !this.#inFlow && this.#indent === column;
    this.#dropKey();
    const token = this.#taken + this.#tokens.length;
    const level = this.#keys.length - 1;
    this.#keys[level] = { token, index, line, column, required };
    this.#outermost = Math.min(this.#outermost, level);
  }
  #dropKey(): void {
    const last = this.#keys.length - 1;
    const key = this.#keys[last];
    if (key?.required) throw this.#noColon();
    this.#keys[last] = undefined;
  }

  /** @param at the token before which the block begins */
  #openBlock(type: 'block sequence' | 'block mapping', column: number, line: number, at = this.#tokens.length): void {
    if (this.#inFlow || this.#indent >= column) return;
    this.#indents.push(this.#indent);
    this.#indent = column;
    if (this.#indents.length > MAX_DEPTH) throw this.#cursor.error(`exceeded max depth of ${MAX_DEPTH}`);
    this.#tokens.splice(at, 0, { type, line, column, endLine: line, value: '', suffix: '' });
  }
  #closeBlocks(column: number): void {
    if (this.#inFlow) return;
    for (; this.#indent > column; this.#indent = this.#indents.pop()!)
      this.#put('block end', this.#cursor.line, this.#cursor.column);
  }

  #fetch(): void {
    const cursor = this.#cursor;
    this.#skipSpace();
    this.#closeBlocks(cursor.column);
    const c = cursor.char();
    const next = cursor.char(1);
    if (cursor.isEnd) this.#streamEnd();
    else if (cursor.column === 0 && c === '%') this.#directive();
    else if (isDocumentIndicator(cursor)) this.#documentIndicator(c === '-' ? 'document start' : 'document end');
    else if (c === '[' || c === '{') this.#flowStart(c);
    else if (c === ']' || c === '}') this.#flowEnd(c);
    else if (c === ',') this.#flowEntry();
    else if (c === '-' && isGap(next)) this.#blockEntry();
    else if (c === '?' && (this.#inFlow || isGap(next))) this.#key();
    else if (c === ':' && (this.#inFlow || isGap(next))) this.#value();
    else if (c === '*' || c === '&') this.#anchor(c === '*' ? 'alias' : 'anchor');
    else if (c === '!') this.#tag();
    else if ((c === '|' || c === '>') && !this.#inFlow) this.#block(c === '|');
    else if (c === "'") this.#scalar(() => scanSingleQuoted(cursor), '');
    else if (c === '"') this.#scalar(() => scanDoubleQuoted(cursor), '');
    else if (this.#startsPlain(c, next)) this.#plain();
    else throw cursor.error('found character that cannot start any token');
  }

  /** Signs begin a plain scalar only where they can't be what they usually are. */
  #startsPlain(c: string, next: string): boolean {
    if (c === '-') return !isBlank(next);
    if (c === '?' || c === ':') return !this.#inFlow && !isGap(next);
    return !isGap(c) && !',[]{}#&*!|>\'"%@`'.includes(c);
  }

  /** Tabs do not indent: they are no space where a key may stand. */
  #skipSpace(): void {
    const cursor = this.#cursor;
    for (;;) {
      if (cursor.column === 0 && cursor.index === 0 && cursor.char() === '\ufeff') cursor.skip();
      cursor.take(this.#inFlow || !this.#keyAllowed ? /[ \t]*/y : / */y);
      skipComment(cursor);
      if (!isBreak(cursor.char())) return;
      cursor.lineBreak();
      if (!this.#inFlow) this.#keyAllowed = true;
    }
  }

  #streamEnd(): void {
    const cursor = this.#cursor;
    if (cursor.column !== 0) {
      cursor.column = 0;
      cursor.line++;
    }
    this.#closeBlocks(-1);
    this.#dropKey();
    this.#ended = true;
    this.#put('stream end', cursor.line, cursor.column);
  }

  #documentIndicator(type: 'document start' | 'document end'): void {
    const { line, column } = this.#cursor;
    this.#closeBlocks(-1);
    this.#dropKey();
    this.#keyAllowed = false;
    this.#cursor.skip(3);
    this.#put(type, line, column);
  }

  #flowStart(sign: '[' | '{'): void {
    this.#saveKey();
    this.#keys.push(undefined);
    if (this.#keys.length > MAX_DEPTH + 1) throw this.#cursor.error(`exceeded max depth of ${MAX_DEPTH}`);
    this.#keyAllowed = true;
    this.#sign(sign);
  }
  #flowEnd(sign: ']' | '}'): void {
    this.#dropKey();
    if (this.#inFlow) this.#keys.pop();
    this.#keyAllowed = false;
    this.#sign(sign);
  }
  #flowEntry(): void {
    this.#dropKey();
    this.#keyAllowed = true;
    this.#sign(',');
  }

  #blockEntry(): void {
    const { column, line } = this.#cursor;
    if (!this.#inFlow) {
      if (!this.#keyAllowed) throw this.#cursor.error('block sequence entries are not allowed in this context');
      this.#openBlock('block sequence', column, line);
    }
    this.#dropKey();
    this.#keyAllowed = true;
    this.#sign('-');
  }
  #key(): void {
    const { column, line } = this.#cursor;
    if (!this.#inFlow) {
      if (!this.#keyAllowed) throw this.#cursor.error('mapping keys are not allowed in this context');
      this.#openBlock('block mapping', column, line);
    }
    this.#dropKey();
    this.#keyAllowed = !this.#inFlow;
    this.#sign('?');
  }
  #value(): void {
    const { column, line } = this.#cursor;
    const last = this.#keys.length - 1;
    if (this.#stillPossible(last)) {
      const key = this.#keys[last]!;
      const at = key.token - this.#taken;
      const { line, column } = key;
      this.#tokens.splice(at, 0, { type: '?', line, column, endLine: line, value: '', suffix: '' });
      this.#openBlock('block mapping', key.column, key.line, at);
      this.#keys[last] = undefined;
      this.#keyAllowed = false;
    } else {
      if (!this.#inFlow) {
        if (!this.#keyAllowed) throw this.#cursor.error('mapping values are not allowed in this context');
        this.#openBlock('block mapping', column, line);
      }
      this.#keyAllowed = !this.#inFlow;
    }
    this.#sign(':');
  }

  #scalar(scan: () => string, style: string): void {
    this.#saveKey();
    this.#keyAllowed = false;
    const { line, column } = this.#cursor;
    this.#put('scalar', line, column, scan(), style);
  }
  #plain(): void {
    let atLineStart = false;
    this.#scalar(() => {
      const plain = scanPlain(this.#cursor, this.#indent + 1, this.#inFlow);
      atLineStart = plain.atLineStart;
      return plain.value;
    }, 'plain');
    if (atLineStart) this.#keyAllowed = true;
  }
  #block(isLiteral: boolean): void {
    this.#dropKey();
    this.#keyAllowed = true;
    const { line, column } = this.#cursor;
    this.#put('scalar', line, column, scanBlock(this.#cursor, isLiteral, this.#indent));
  }

  #anchor(type: 'anchor' | 'alias'): void {
    this.#saveKey();
    this.#keyAllowed = false;
    const { line, column } = this.#cursor;
    this.#put(type, line, column, scanAnchor(this.#cursor));
  }

  #tag(): void {
    this.#saveKey();
    this.#keyAllowed = false;
    const { line, column } = this.#cursor;
    this.#put('tag', line, column, ...scanTag(this.#cursor));
  }

  #directive(): void {
    this.#closeBlocks(-1);
    this.#dropKey();
    this.#keyAllowed = false;
    const { line, column } = this.#cursor;
    const directive = scanDirective(this.#cursor);
    if (directive.name === 'YAML') this.#put('version directive', line, column, directive.version);
    else this.#put('tag directive', line, column, directive.handle, directive.prefix);
  }
}
