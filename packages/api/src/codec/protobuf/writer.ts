/** Writes protobuf from its end to its beginning, so that the length of a message is known when it is written. */

export const VARINT = 0;
export const FIXED64 = 1;
export const BYTES = 2;
export const GROUP = 3;
export const END_GROUP = 4;
export const FIXED32 = 5;

const INITIAL_SIZE = 8 * 1024;
/** A writer that has grown beyond does not stay so large. */
const MAX_KEPT_SIZE = 64 * 1024;
/** Texts up to this length are written faster here than by a call out of JavaScript, if they are ASCII. */
const SHORT_TEXT = 24;

/** Bytes that {@link ProtoWriter.varint} takes. */
export function varintSize(value: number): number {
  let size = 1;
  for (let rest = value; rest >= 128; rest = Math.floor(rest / 128)) size++;
  return size;
}

export class ProtoWriter {
  #buffer: Buffer = Buffer.allocUnsafe(INITIAL_SIZE);
  /** Where the written part begins. */
  #at = INITIAL_SIZE;

  /** How much has been written. */
  get length(): number {
    return this.#buffer.length - this.#at;
  }

  /** A copy of what has been written; the writer is empty again. */
  finish(): Buffer {
    const bytes = Buffer.from(this.#buffer.subarray(this.#at));
    this.reset();
    return bytes;
  }

  /** Forgets what has been written. */
  reset(): void {
    if (this.#buffer.length > MAX_KEPT_SIZE) this.#buffer = Buffer.allocUnsafe(INITIAL_SIZE);
    this.#at = this.#buffer.length;
  }

  tag(field: number, wireType: number): void {
    this.varint(field * 8 + wireType);
  }

  /** Non-negative and safe. */
  varint(value: number): void {
    this.#reserve(10);
    this.#at -= varintSize(value);
    let at = this.#at;
    let rest = value;
    for (; rest >= 128; rest = Math.floor(rest / 128)) this.#buffer[at++] = (rest % 128) | 0x80;
    this.#buffer[at] = rest;
  }

  /** Negative numbers take ten bytes, an int32 too. */
  integer(value: number | bigint): void {
    if (typeof value === 'number' && value >= 0) {
      this.varint(value);
      return;
    }
    const bytes: number[] = [];
    let rest = BigInt.asUintN(64, BigInt(value));
    for (; rest >= 128n; rest >>= 7n) bytes.push(Number(rest & 0x7fn) | 0x80);
    bytes.push(Number(rest));
    this.raw(Buffer.from(bytes));
  }

  fixed64(value: number | bigint): void {
    this.#reserve(8);
    this.#at -= 8;
    this.#buffer.writeBigUInt64LE(BigInt(value), this.#at);
  }

  double(value: number): void {
    this.#reserve(8);
    this.#at -= 8;
    this.#buffer.writeDoubleLE(value, this.#at);
  }

  raw(bytes: Uint8Array): void {
    this.#reserve(bytes.length);
    this.#at -= bytes.length;
    this.#buffer.set(bytes, this.#at);
  }

  /** The text with its length before it. */
  string(text: string): void {
    if (text.length <= SHORT_TEXT && this.#ascii(text)) return;
    const size = Buffer.byteLength(text);
    this.#reserve(size);
    this.#at -= size;
    this.#buffer.write(text, this.#at, size, 'utf8');
    this.varint(size);
  }

  /** @returns false for any other text, of which nothing is written */
  #ascii(text: string): boolean {
    const { length } = text;
    this.#reserve(length + 1);
    const buffer = this.#buffer;
    let at = this.#at;
    for (let i = length - 1; i >= 0; i--) {
      const code = text.charCodeAt(i);
      if (code >= 128) return false;
      buffer[--at] = code;
    }
    buffer[--at] = length;
    this.#at = at;
    return true;
  }

  #reserve(size: number): void {
    if (this.#at >= size) return;
    const length = this.length;
    const larger = Buffer.allocUnsafe(Math.max(this.#buffer.length * 2, length + size));
    this.#buffer.copy(larger, larger.length - length, this.#at);
    this.#at = larger.length - length;
    this.#buffer = larger;
  }
}
