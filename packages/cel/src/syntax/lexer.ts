/** Text to tokens (the lexical rules of the CEL language definition). */
import type { Issue } from './source.ts';

export type TokenType =
  | 'IDENTIFIER'
  | 'ESC_IDENTIFIER'
  | 'NUM_INT'
  | 'NUM_UINT'
  | 'NUM_FLOAT'
  | 'STRING'
  | 'BYTES'
  | 'EOF'
  | `'${string}'`;

export interface Token {
  /** A class of tokens, or the operator or keyword itself in quotes. */
  readonly type: TokenType;
  readonly text: string;
  readonly offset: number;
}

const SPACE = /(?:[\t \r\n\f]+|\/\/[^\n]*)+/y;
const ESCAPE = String.raw`\\(?:[abfnrtv"'\\?\x60]|[0-3][0-7][0-7]|[xX][0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|U[0-9a-fA-F]{8})`;
const STRING = [
  `"""(?:${ESCAPE}|[^\\\\])*?"""`,
  `'''(?:${ESCAPE}|[^\\\\])*?'''`,
  `"(?:${ESCAPE}|[^\\\\"\\n\\r])*"`,
  `'(?:${ESCAPE}|[^\\\\'\\n\\r])*'`,
  `[rR]"""[\\s\\S]*?"""`,
  "[rR]'''[\\s\\S]*?'''",
  '[rR]"[^"\\n\\r]*"',
  "[rR]'[^'\\n\\r]*'",
].join('|');
/** In the order in which one that matches as much as another wins. */
const RULES: readonly (readonly [TokenType | 'OPERATOR', RegExp])[] = [
  ['OPERATOR', /==|!=|<=|>=|&&|\|\||[<>[\]{}().,\-!?:+*/%]/y],
  ['NUM_FLOAT', /[0-9]+\.[0-9]+(?:[eE][+-]?[0-9]+)?|[0-9]+[eE][+-]?[0-9]+|\.[0-9]+(?:[eE][+-]?[0-9]+)?/y],
  ['NUM_UINT', /(?:0x[0-9a-fA-F]+|[0-9]+)[uU]/y],
  ['NUM_INT', /0x[0-9a-fA-F]+|[0-9]+/y],
  ['STRING', new RegExp(STRING, 'y')],
  ['BYTES', new RegExp(`[bB](?:${STRING})`, 'y')],
  ['IDENTIFIER', /[A-Za-z_][A-Za-z0-9_]*/y],
  ['ESC_IDENTIFIER', /`[A-Za-z0-9_.\-/ ]+`/y],
];
const KEYWORDS = new Set(['in', 'true', 'false', 'null']);

/** A part of a text that is no token. */
export interface Skipped {
  readonly offset: number;
  readonly length: number;
}

/** Tokens up to EOF. What is no token is reported and skipped. */
export function tokenize(text: string): { tokens: Token[]; issues: Issue[]; skipped: Skipped[] } {
  const tokens: Token[] = [];
  const issues: Issue[] = [];
  const skipped: Skipped[] = [];
  let offset = 0;
  while (true) {
    SPACE.lastIndex = offset;
    if (SPACE.test(text)) offset = SPACE.lastIndex;
    if (offset >= text.length) break;
    const token = longest(text, offset);
    if (token) {
      tokens.push(token);
      offset += token.text.length;
      continue;
    }
    const wrong = unrecognized(text, offset);
    issues.push({ offset, message: `Syntax error: token recognition error at: '${wrong}'` });
    skipped.push({ offset, length: wrong.length });
    offset += wrong.length;
  }
  tokens.push({ type: 'EOF', text: '<EOF>', offset: text.length });
  return { tokens, issues, skipped };
}

function longest(text: string, offset: number): Token | undefined {
  let best: Token | undefined;
  for (const [type, rule] of RULES) {
    rule.lastIndex = offset;
    if (!rule.test(text)) continue;
    const matched = text.slice(offset, rule.lastIndex);
    if (best && best.text.length >= matched.length) continue;
    const literal = type === 'OPERATOR' || KEYWORDS.has(matched);
    best = { type: literal ? `'${matched}'` : (type as TokenType), text: matched, offset };
  }
  return best;
}

const STRING_START = /[bB]?(?:[rR](?:"""[\s\S]*|'''[\s\S]*|"[^"\n\r]*|'[^'\n\r]*)|"""|'''|"|')/y;
const ESCAPED = new RegExp(ESCAPE, 'y');
const PARTLY_ESCAPED = /\\(?:[xX][0-9a-fA-F]?|u[0-9a-fA-F]{0,3}|U[0-9a-fA-F]{0,7}|[0-3][0-7]?)?/y;

/** Of operators of two characters and of names in backquotes: what they begin with. */
const BEGUN = /[&|=]|`[A-Za-z0-9_.\-/ ]*/y;

/** The text that a token that does not end, or does not begin, takes with it: up to and with the character that does not fit. */
function unrecognized(text: string, offset: number): string {
  const character = (at: number) => String.fromCodePoint(text.codePointAt(at)!);
  STRING_START.lastIndex = offset;
  const start = STRING_START.exec(text)?.[0];
  if (start === undefined) {
    const first = character(offset);
    BEGUN.lastIndex = offset;
    if (!BEGUN.test(text)) return first;
    const wrong = BEGUN.lastIndex;
    return text.slice(offset, wrong) + (wrong < text.length ? character(wrong) : '');
  }
  let end = offset + start.length;
  const raw = /^[bB]?[rR]/.test(start);
  const triple = /("""|''')$/.test(start);
  while (!raw && end < text.length) {
    ESCAPED.lastIndex = end;
    if (ESCAPED.test(text)) end = ESCAPED.lastIndex;
    else if (text[end] === '\\') {
      PARTLY_ESCAPED.lastIndex = end;
      PARTLY_ESCAPED.test(text);
      const wrong = PARTLY_ESCAPED.lastIndex;
      return text.slice(offset, wrong + (text[wrong] === undefined ? 0 : character(wrong).length));
    } else if (!triple && (text[end] === '\n' || text[end] === '\r')) break;
    else end += character(end).length;
  }
  return text.slice(offset, Math.min(end + (end < text.length ? 1 : 0), text.length));
}
