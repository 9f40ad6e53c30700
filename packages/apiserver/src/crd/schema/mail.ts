/** One address of RFC 5322, as Go's mail.ParseAddress takes it: `a@b`, `A B <a@b>`, `a@b (A B)`, a group of one. */
import { parseIPSloppy } from '@keelson/api/ip';

export function isMailAddress(text: string): boolean {
  try {
    const reader = new AddressReader(text);
    const count = reader.address(true);
    return count === 1 && reader.atEnd();
  } catch (error) {
    if (error === NO_ADDRESS) return false;
    throw error;
  }
}

const NO_ADDRESS = { noAddress: true } as const;
const DOT_ATOM = /[^\s()<>[\]:;@\\,"\p{Cc}]+/uy;
const QUOTED = /"((?:[^"\\\p{Cc}]|\t|\\(?:[^\p{Cc}]|\t))*)"/uy;
const LITERAL = /\[([^[\]\\\s\p{Cc}]*)\]/uy;

class AddressReader {
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  /** @returns how many addresses */
  address(groupsToo: boolean): number {
    this.#space();
    const start = this.#at;
    if (this.#attempt(() => this.#spec())) {
      this.#space();
      if (this.#peek() === '(') this.#comment();
      return 1;
    }
    this.#at = start;
    if (this.#peek() !== '<') this.#phrase();
    this.#space();
    if (groupsToo && this.#take(':')) return this.#group();
    this.#expect('<');
    this.#spec();
    this.#expect('>');
    return 1;
  }

  /** Whether nothing but comments is left. */
  atEnd(): boolean {
    this.#comments();
    return this.#at === this.#text.length;
  }

  #group(): number {
    let count = 0;
    this.#space();
    while (!this.#take(';')) {
      if (count > 0) this.#expect(',');
      this.#space();
      count += this.address(false);
      this.#comments();
    }
    this.#comments();
    return count;
  }

  /** `local@domain`, the one an atom or quoted, the other an atom or an address in brackets. */
  #spec(): void {
    this.#space();
    if (this.#peek() === '"') {
      if (this.#match(QUOTED)[1] === '') throw NO_ADDRESS;
    } else this.#dotAtom();
    this.#expect('@');
    this.#space();
    if (this.#peek() !== '[') this.#dotAtom();
    else if (!parseIPSloppy(this.#match(LITERAL)[1]!)) throw NO_ADDRESS;
  }

  #dotAtom(): void {
    const [atom] = this.#match(DOT_ATOM);
    if (atom.startsWith('.') || atom.endsWith('.') || atom.includes('..')) throw NO_ADDRESS;
  }

  /** Words, quoted or not; dots are let pass. */
  #phrase(): void {
    let words = 0;
    while (true) {
      if (words > 0) this.#comments();
      this.#space();
      const start = this.#at;
      if (!this.#attempt(() => this.#match(this.#peek() === '"' ? QUOTED : DOT_ATOM))) {
        this.#at = start;
        break;
      }
      words++;
    }
    if (words === 0) throw NO_ADDRESS;
  }

  #comments(): void {
    this.#space();
    while (this.#peek() === '(') {
      this.#comment();
      this.#space();
    }
  }

  #comment(): void {
    let depth = 0;
    do {
      const c = this.#text[this.#at++];
      if (c === undefined) throw NO_ADDRESS;
      if (c === '\\') this.#at++;
      else if (c === '(') depth++;
      else if (c === ')') depth--;
    } while (depth > 0);
  }

  #space(): void {
    while (this.#peek() === ' ' || this.#peek() === '\t') this.#at++;
  }
  #peek(): string | undefined {
    return this.#text[this.#at];
  }
  #take(c: string): boolean {
    if (this.#peek() !== c) return false;
    this.#at++;
    return true;
  }
  #expect(c: string): void {
    if (!this.#take(c)) throw NO_ADDRESS;
  }
  #match(pattern: RegExp): RegExpExecArray {
    pattern.lastIndex = this.#at;
    const match = pattern.exec(this.#text);
    if (!match) throw NO_ADDRESS;
    this.#at = pattern.lastIndex;
    return match;
  }
  #attempt(read: () => void): boolean {
    try {
      read();
      return true;
    } catch (error) {
      if (error === NO_ADDRESS) return false;
      throw error;
    }
  }
}
