/** DER, in the words of Go's encoding/asn1 for what is wrong with it. */

export interface DerElement {
  readonly tag: number;
  /** What the element holds. */
  readonly body: Buffer;
  /** The element itself, with its header. */
  readonly raw: Buffer;
}

interface Header {
  readonly class: number;
  readonly tag: number;
  readonly compound: boolean;
  readonly length: number;
  /** Where the body begins. */
  readonly at: number;
}

/** What is expected: a universal tag, and the name of the Go type that would hold it. */
export interface Expected {
  readonly tag: number;
  readonly compound: boolean;
  readonly type: string;
}

export const INTEGER = { tag: 2, compound: false, type: 'int' };
const BIT_STRING = { tag: 3, compound: false, type: 'BitString' };
const OBJECT_IDENTIFIER = { tag: 6, compound: false, type: 'ObjectIdentifier' };
export const sequence = (type: string): Expected => ({ tag: 16, compound: true, type });

const NO_PARAMETERS =
  '{optional:false explicit:false application:false private:false defaultValue:<nil> tag:<nil> stringType:0 timeType:0 set:false omitEmpty:false}';

/** Reads the elements of a sequence one after another. Every method throws an Error for what is no DER. */
export class DerReader {
  readonly #der: Buffer;
  #at = 0;

  constructor(der: Buffer) {
    this.#der = der;
  }

  get done(): boolean {
    return this.#at === this.#der.length;
  }

  read(expected: Expected): DerElement {
    const header = this.#header();
    if (header.class !== 0 || header.tag !== expected.tag || header.compound !== expected.compound)
      throw new Error(
        `asn1: structure error: tags don't match (${expected.tag} vs {class:${header.class} tag:${header.tag} length:${header.length} isCompound:${header.compound}}) ${NO_PARAMETERS} ${expected.type} @${header.at}`,
      );
    return this.#element(header);
  }

  readAny(): DerElement {
    return this.#element(this.#header());
  }

  sequence(type: string): DerReader {
    return new DerReader(this.read(sequence(type)).body);
  }

  /** `1.2.840.113549` */
  objectIdentifier(): string {
    const { body } = this.read(OBJECT_IDENTIFIER);
    if (body.length === 0) throw new Error('asn1: syntax error: zero length OBJECT IDENTIFIER');
    const arcs: number[] = [];
    for (let at = 0; at < body.length; ) {
      const { value, next } = base128(body, at);
      if (arcs.length === 0) arcs.push(...(value < 80 ? [Math.floor(value / 40), value % 40] : [2, value - 80]));
      else arcs.push(value);
      at = next;
    }
    return arcs.join('.');
  }

  /** The bits as bytes; how many of the last are unused is not told. */
  bitString(): Buffer {
    const { body } = this.read(BIT_STRING);
    if (body.length === 0) throw new Error('asn1: syntax error: zero length BIT STRING');
    const padding = body[0]!;
    if (padding > 7 || (body.length === 1 && padding > 0) || (body.at(-1)! & ((1 << padding) - 1)) !== 0)
      throw new Error('asn1: syntax error: invalid padding bits in BIT STRING');
    return body.subarray(1);
  }

  integer(): number {
    const { body } = this.read(INTEGER);
    if (body.length === 0) throw new Error('asn1: structure error: empty integer');
    const [first, second = 0] = body;
    const padded = (first === 0 && second < 0x80) || (first === 0xff && second >= 0x80);
    if (body.length > 1 && padded) throw new Error('asn1: structure error: integer not minimally-encoded');
    if (body.length > 6) throw new Error('asn1: structure error: integer too large');
    return body.readIntBE(0, body.length);
  }

  #element({ tag, length, at }: Header): DerElement {
    const end = at + length;
    if (end > this.#der.length) throw new Error('asn1: syntax error: data truncated');
    const raw = this.#der.subarray(this.#at, end);
    this.#at = end;
    return { tag, body: this.#der.subarray(at, end), raw };
  }

  #header(): Header {
    if (this.done) throw new Error('asn1: syntax error: sequence truncated');
    const first = this.#byte(this.#at);
    let at = this.#at + 1;
    let tag = first & 0x1f;
    if (tag === 0x1f) {
      const long = base128(this.#der, at);
      if (long.value < 0x1f) throw new Error('asn1: syntax error: non-minimal tag');
      tag = long.value;
      at = long.next;
    }
    const { length, next } = this.#length(at);
    return { class: first >> 6, tag, compound: (first & 0x20) !== 0, length, at: next };
  }

  #length(at: number): { length: number; next: number } {
    const first = this.#byte(at);
    let next = at + 1;
    if (first < 0x80) return { length: first, next };
    const count = first & 0x7f;
    if (count === 0) throw new Error('asn1: syntax error: indefinite length found (not DER)');
    let length = 0;
    for (let i = 0; i < count; i++) {
      const byte = this.#byte(next++);
      if (length >= 1 << 23) throw new Error('asn1: structure error: length too large');
      length = length * 256 + byte;
      if (length === 0) throw new Error('asn1: structure error: superfluous leading zeros in length');
    }
    if (length < 0x80) throw new Error('asn1: structure error: non-minimal length');
    return { length, next };
  }

  #byte(at: number): number {
    const byte = this.#der[at];
    if (byte === undefined) throw new Error('asn1: syntax error: truncated tag or length');
    return byte;
  }
}

function base128(der: Buffer, start: number): { value: number; next: number } {
  let value = 0;
  for (let at = start; at < der.length; at++) {
    if (at - start === 5) throw new Error('asn1: structure error: base 128 integer too large');
    const byte = der[at]!;
    if (at === start && byte === 0x80) throw new Error('asn1: syntax error: integer is not minimally encoded');
    value = value * 128 + (byte & 0x7f);
    if (byte < 0x80) return { value, next: at + 1 };
  }
  throw new Error('asn1: syntax error: truncated base 128 integer');
}
