/** Reads protobuf, with the errors of Go's generated code (gogo/protobuf). */
import { DecodeError } from '../exact.ts';
import { BYTES, END_GROUP, FIXED32, FIXED64, GROUP, VARINT } from './writer.ts';

const UNEXPECTED_EOF = 'unexpected EOF';
const OVERFLOW = 'proto: integer overflow';
const NEGATIVE_LENGTH = 'proto: negative length found during unmarshaling';
/** Below this a loop beats the native decoder. */
const SHORT = 10;

export interface ProtoField {
  /** Go's name, for errors. */
  readonly name: string;
  readonly wireType: number;
  read(): void;
}

export class ProtoReader {
  readonly #buffer: Buffer;
  #at: number;
  #end: number;
  /** The halves of the last varint. */
  #low = 0;
  #high = 0;

  constructor(buffer: Buffer) {
    this.#buffer = buffer;
    this.#at = 0;
    this.#end = buffer.length;
  }

  get done(): boolean {
    return this.#at >= this.#end;
  }

  /** @returns field number × 8 + wire type, whatever they are */
  anyTag(): number {
    this.#varint();
    return ((this.#low >>> 3) | (this.#high << 29)) * 8 + (this.#low & 7);
  }
  /** The same, checked. @param message what is being read, for errors */
  tag(message: string): number {
    this.#varint();
    const wireType = this.#low & 7;
    const field = (this.#low >>> 3) | (this.#high << 29);
    if (wireType === END_GROUP) throw new DecodeError(`proto: ${message}: wiretype end group for non-group`);
    if (field <= 0)
      throw new DecodeError(`proto: ${message}: illegal tag ${field} (wire type ${this.#high * 2 ** 32 + this.#low})`);
    return field * 8 + wireType;
  }

  bool(): boolean {
    this.#varint();
    return (this.#low | this.#high) !== 0;
  }
  /** Without a sign; a bigint beyond the safe integers. */
  uint64(): number | bigint {
    const value = this.int64();
    return value < 0 ? BigInt.asUintN(64, BigInt(value)) : value;
  }
  int32(): number {
    this.#varint();
    return this.#low | 0;
  }
  /** A bigint beyond the safe integers. */
  int64(): number | bigint {
    this.#varint();
    const value = (this.#high | 0) * 2 ** 32 + this.#low;
    if (Number.isSafeInteger(value)) return value;
    return BigInt.asIntN(64, (BigInt(this.#high >>> 0) << 32n) | BigInt(this.#low));
  }
  /** Without a sign; a bigint beyond the safe integers. */
  fixed64(): number | bigint {
    if (this.#at + 8 > this.#end) throw new DecodeError(UNEXPECTED_EOF);
    this.#at += 8;
    const value = this.#buffer.readBigUInt64LE(this.#at - 8);
    return value <= Number.MAX_SAFE_INTEGER ? Number(value) : value;
  }
  double(): number {
    if (this.#at + 8 > this.#end) throw new DecodeError(UNEXPECTED_EOF);
    this.#at += 8;
    return this.#buffer.readDoubleLE(this.#at - 8);
  }

  /** A view of the next length-delimited field. */
  bytes(): Buffer {
    const end = this.#lengthEnd();
    const from = this.#at;
    this.#at = end;
    return this.#buffer.subarray(from, end);
  }
  string(): string {
    const end = this.#lengthEnd();
    const from = this.#at;
    this.#at = end;
    if (end - from < SHORT) {
      let text = '';
      let at = from;
      for (; at < end; at++) {
        const c = this.#buffer[at]!;
        if (c >= 0x80) break;
        text += String.fromCharCode(c);
      }
      if (at === end) return text;
    }
    return this.#buffer.toString('utf8', from, end);
  }
  /** Confines the reader to the next length-delimited field. @returns what {@link leave} is to be told */
  enter(): number {
    const inner = this.#lengthEnd();
    const outer = this.#end;
    this.#end = inner;
    return outer;
  }
  /** Goes on behind the field. */
  leave(outer: number): void {
    this.#at = this.#end;
    this.#end = outer;
  }
  /** Calls back with the reader confined to the next length-delimited field. */
  within<T>(read: () => T): T {
    const end = this.enter();
    const value = read();
    this.leave(end);
    return value;
  }

  /**
   * Calls back for each field of a message of a few fixed fields, up to the reader's end. Others are skipped.
   * @throws DecodeError for a wire type that is not the field's
   */
  fields(message: string, known: Readonly<Record<number, ProtoField>>): void {
    while (!this.done) {
      const tag = this.tag(message);
      const field = known[Math.floor(tag / 8)];
      if (!field) this.skip(tag & 7);
      else if ((tag & 7) !== field.wireType)
        throw new DecodeError(`proto: wrong wireType = ${tag & 7} for field ${field.name}`);
      else field.read();
    }
  }

  skip(wireType: number): void {
    let depth = 0;
    let type = wireType;
    for (;;) {
      switch (type) {
        case VARINT:
          this.#varint();
          break;
        case FIXED64:
          this.#at += 8;
          break;
        case BYTES:
          this.#at = this.#lengthEnd();
          break;
        case GROUP:
          depth++;
          break;
        case END_GROUP:
          if (depth === 0) throw new DecodeError('proto: unexpected end of group');
          depth--;
          break;
        case FIXED32:
          this.#at += 4;
          break;
        default:
          throw new DecodeError(`proto: illegal wireType ${type}`);
      }
      if (this.#at > this.#end) throw new DecodeError(UNEXPECTED_EOF);
      if (depth === 0) return;
      this.#varint();
      type = this.#low & 7;
    }
  }

  #lengthEnd(): number {
    this.#varint();
    if (this.#high >>> 31 === 1) throw new DecodeError(NEGATIVE_LENGTH);
    const end = this.#at + this.#high * 2 ** 32 + this.#low;
    if (end > this.#end) throw new DecodeError(UNEXPECTED_EOF);
    return end;
  }

  #varint(): void {
    let low = 0;
    let high = 0;
    for (let shift = 0; ; shift += 7) {
      if (shift >= 64) throw new DecodeError(OVERFLOW);
      if (this.#at >= this.#end) throw new DecodeError(UNEXPECTED_EOF);
      const byte = this.#buffer[this.#at++]!;
      const bits = byte & 0x7f;
      if (shift < 28) low |= bits << shift;
      else if (shift === 28) {
        low |= bits << 28;
        high |= bits >>> 4;
      } else high |= bits << (shift - 32);
      if (byte < 0x80) break;
    }
    this.#low = low >>> 0;
    this.#high = high;
  }
}
