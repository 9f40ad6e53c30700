/** A place in YAML text, and what goes wrong there. */

/** The message is Go's (go.yaml.in/yaml/v2): `yaml: line 3: mapping values are not allowed in this context`. */
export class YamlError extends Error {
  override readonly name = 'YamlError';
  /** Where it is, and what it is without a word of the text: for texts that hold secrets. */
  readonly confidential: string;

  /**
   * @param problem what libyaml and go-yaml say
   * @param place where that is, in truth: both from 1
   * @param kind the problem, where its words quote the text
   */
  constructor(problem: string, place?: Place, kind = problem.replace(/^line \d+: /, '')) {
    super(`yaml: ${problem}`);
    this.confidential = `yaml: ${place ? `line ${place.line}, column ${place.column}: ` : ''}${kind}`;
  }

  /** @param line as it is told; 0 is not told */
  static at(problem: string, line: number, place: Place): YamlError {
    return new YamlError(line === 0 ? problem : `line ${line}: ${problem}`, place);
  }
}

/** Both from 1. */
export interface Place {
  readonly line: number;
  readonly column: number;
}

/** Stands for the end of the text; the text itself can't contain it. */
export const END = '\0';

/** What may not stand in YAML (YAML 1.1, c-printable). */
const UNPRINTABLE = /[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]/u;

export class YamlCursor {
  readonly #text: string;
  index = 0;
  /** From 0. */
  line = 0;
  column = 0;

  /** @throws YamlError for control characters */
  constructor(text: string) {
    if (UNPRINTABLE.test(text)) throw new YamlError('control characters are not allowed');
    this.#text = text;
  }

  /** The character `offset` places ahead. */
  char(offset = 0): string {
    return this.#text[this.index + offset] ?? END;
  }
  get isEnd(): boolean {
    return this.index >= this.#text.length;
  }
  startsWith(text: string): boolean {
    return this.#text.startsWith(text, this.index);
  }
  /** What a sticky expression matches here, and past it; empty if it does not. Not for what may hold line breaks. */
  take(expression: RegExp): string {
    expression.lastIndex = this.index;
    const found = expression.exec(this.#text)?.[0] ?? '';
    this.skip(found.length);
    return found;
  }

  takeOne(): string {
    const c = this.char();
    this.skip();
    return c;
  }

  skip(count = 1): void {
    this.index += count;
    this.column += count;
  }
  /** Past one line break. Returns it as it counts in a scalar: a line feed, but for the separators of Unicode. */
  lineBreak(): string {
    const c = this.char();
    this.index += c === '\r' && this.char(1) === '\n' ? 2 : 1;
    this.line++;
    this.column = 0;
    return c === '\u2028' || c === '\u2029' ? c : '\n';
  }

  /** An error of scanning tells the line where scanning stopped, but for the first: Go takes its zero for unknown. */
  error(problem: string): YamlError {
    const place = { line: this.line + 1, column: this.column + 1 };
    return YamlError.at(problem, this.line === 0 ? 0 : place.line, place);
  }
}

export function isBlank(c: string): boolean {
  return c === ' ' || c === '\t';
}
export function isBreak(c: string): boolean {
  return c === '\n' || c === '\r' || c === '\u0085' || c === '\u2028' || c === '\u2029';
}
/** Blank, break or end. */
export function isGap(c: string): boolean {
  return isBlank(c) || isBreak(c) || c === END;
}
