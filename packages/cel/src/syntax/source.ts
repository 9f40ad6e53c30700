/** The text of an expression, places in it, and how problems are shown (cel-go common/error.go). */

/** A place in the text: lines count from 1, columns from 0, in code points. */
export interface Location {
  readonly line: number;
  readonly column: number;
}

/** Something is wrong with an expression, at an offset of its text, in UTF-16 units; -1 where it is of no place. */
export interface Issue {
  readonly offset: number;
  readonly message: string;
}

const MAX_ISSUES = 100;
const MAX_SNIPPET = 16384;
const NO_LOCATION: Location = { line: -1, column: -1 };

/** The location of an offset in UTF-16 units. */
export function locate(text: string, offset: number): Location {
  if (text === '') return { line: 1, column: -1 };
  if (offset < 0) return NO_LOCATION;
  const before = text.slice(0, offset);
  const start = before.lastIndexOf('\n') + 1;
  return { line: before.split('\n').length, column: codePoints(before.slice(start)) };
}

/** How many code points a text has. */
export function codePoints(text: string): number {
  let count = text.length;
  for (let i = 0; i < text.length - 1; i++) {
    const unit = text.charCodeAt(i);
    if (unit >= 0xd800 && unit < 0xdc00 && (text.charCodeAt(i + 1) & 0xfc00) === 0xdc00) {
      count--;
      i++;
    }
  }
  return count;
}

/** What was found wrong with a text. `message` is what clients see, each issue with its line and a caret below it. */
export class Issues {
  readonly list: readonly Issue[];
  readonly #text: string;

  constructor(text: string, issues: readonly Issue[]) {
    this.#text = text;
    this.list = issues;
  }

  get message(): string {
    const located = this.list
      .slice(0, MAX_ISSUES)
      .map((issue) => ({ message: issue.message, at: locate(this.#text, issue.offset) }));
    located.sort((a, b) => a.at.line - b.at.line || a.at.column - b.at.column);
    const lines = located.map(({ message, at }) => display(this.#text, message, at));
    const more = this.list.length - located.length;
    return [...lines, ...(more > 0 ? [`${more} more errors were truncated`] : [])].join('\n');
  }
}

function display(text: string, message: string, { line, column }: Location): string {
  const head = `ERROR: <input>:${line}:${column + 1}: ${message}`;
  const snippet = text === '' ? undefined : text.split('\n')[line - 1];
  if (snippet === undefined || Buffer.byteLength(snippet) > MAX_SNIPPET) return head;
  const shown = snippet.replaceAll('\t', ' ');
  const characters = [...shown];
  const wide = (i: number) => (characters[i]?.codePointAt(0) ?? 0) > 0x7f;
  const dots = characters.slice(0, Math.max(column, 0)).map((_, i) => (wide(i) ? '．' : '.'));
  return `${head}\n | ${shown}\n | ${dots.join('')}${wide(column) ? '＾' : '^'}`;
}
