/** Header fields of HTTP/2 as bytes (HPACK, RFC 7541). What is written is never shortened; all that may come is read. */
import { ERROR, ProtocolError } from './frames.ts';
import { decodeHuffman } from './huffman.ts';

export type Field = readonly [name: string, value: string];

/** Appendix A; the first one has the number 1. */
const STATIC: readonly Field[] = (
  ':authority|:method GET|:method POST|:path /|:path /index.html|:scheme http|:scheme https|:status 200|:status 204|:status 206|' +
  ':status 304|:status 400|:status 404|:status 500|accept-charset|accept-encoding gzip, deflate|accept-language|accept-ranges|accept|' +
  'access-control-allow-origin|age|allow|authorization|cache-control|content-disposition|content-encoding|content-language|' +
  'content-length|content-location|content-range|content-type|cookie|date|etag|expect|expires|from|host|if-match|if-modified-since|' +
  'if-none-match|if-range|if-unmodified-since|last-modified|link|location|max-forwards|proxy-authenticate|proxy-authorization|range|' +
  'referer|refresh|retry-after|server|set-cookie|strict-transport-security|transfer-encoding|user-agent|vary|via|www-authenticate'
)
  .split('|')
  .map((field) => {
    const space = field.indexOf(' ');
    return space < 0 ? [field, ''] : [field.slice(0, space), field.slice(space + 1)];
  });

const numberOfName = new Map(STATIC.map(([name], i) => [name, i + 1] as const).reverse());
const numberOfField = new Map(STATIC.map(([name, value], i) => [`${name} ${value}`, i + 1] as const));

/** What is being written; a block is copied out of it. */
let scratch = Buffer.allocUnsafeSlow(4096);

/** Fields that leave no trace in the reader's table, so that they may be made once and sent often. @param fields pseudo headers first */
export function encodeFields(fields: Iterable<Field>): Buffer {
  let at = 0;
  for (const [name, value] of fields) {
    const most = name.length + value.length + MOST_BESIDE;
    if (at + most > scratch.length) scratch = Buffer.concat([scratch, Buffer.allocUnsafeSlow(scratch.length + most)]);
    const whole = value.length <= MAX_STATIC_VALUE ? numberOfField.get(`${name} ${value}`) : undefined;
    if (whole !== undefined) at = writeInteger(whole, 127, 0x80, at);
    else at = writeText(value, writeName(name, at));
  }
  return Buffer.from(scratch.subarray(0, at));
}

/** The longest value in the table: `gzip, deflate`. */
const MAX_STATIC_VALUE = 13;
/** The first byte of a literal, and the lengths of its name and value. */
const MOST_BESIDE = 13;

function writeName(name: string, at: number): number {
  const known = numberOfName.get(name);
  return known === undefined ? writeText(name, writeInteger(0, 15, 0, at)) : writeInteger(known, 15, 0, at);
}

function writeText(text: string, at: number): number {
  const start = writeInteger(text.length, 127, 0, at);
  return start + scratch.write(text, start, 'latin1');
}

/** @param mask of the prefix's bits (5.1). @param flags the bits before them. @returns where the next byte goes */
function writeInteger(value: number, mask: number, flags: number, at: number): number {
  if (value < mask) {
    scratch[at] = flags | value;
    return at + 1;
  }
  scratch[at++] = flags | mask;
  let rest = value - mask;
  for (; rest >= 128; rest >>>= 7) scratch[at++] = (rest & 127) | 128;
  scratch[at] = rest;
  return at + 1;
}

/** What a field adds to the size of a table beyond its characters (4.1). */
const OVERHEAD = 32;

/** The fields of a block. */
export interface FieldList {
  readonly fields: Field[];
  /** There were more than may come. */
  readonly isCut: boolean;
}

/** Reads the blocks of one connection, each of them and in their order: what one says of a field the next ones may refer to. */
export class FieldReader {
  readonly #maxTableBytes: number;
  #tableBytes: number;
  /** The newest one first. */
  readonly #table: Field[] = [];
  #bytes = 0;

  /** @param maxTableBytes as SETTINGS_HEADER_TABLE_SIZE says; 4,096 where it says nothing */
  constructor(maxTableBytes = 4096) {
    this.#maxTableBytes = maxTableBytes;
    this.#tableBytes = maxTableBytes;
  }

  /**
   * @param maxBytes of all fields ({@link sizeOf}): those behind are read for the table's sake, and not given
   * @throws ProtocolError where it is no block of header fields, or one of twice as much: the connection is of no use then
   */
  read(block: Buffer, maxBytes = Number.POSITIVE_INFINITY): FieldList {
    const fields: Field[] = [];
    let bytes = 0;
    for (const cursor = new Cursor(block); !cursor.isAtEnd; ) {
      const first = cursor.peek();
      if ((first & 0xe0) === 0x20) {
        this.#resize(cursor.integer(0x1f), bytes);
        continue;
      }
      const field = this.#next(cursor, first);
      bytes += sizeOf(field);
      if (bytes <= maxBytes) fields.push(field);
      else if (bytes > 2 * maxBytes) throw new ProtocolError(ERROR.enhanceYourCalm, 'far too many header fields');
    }
    return { fields, isCut: bytes > maxBytes };
  }

  #next(cursor: Cursor, first: number): Field {
    if (first & 0x80) return this.#field(cursor.integer(0x7f));
    if (first & 0x40) return this.#remember(this.#literal(cursor, 0x3f));
    return this.#literal(cursor, 0x0f);
  }

  #literal(cursor: Cursor, mask: number): Field {
    const number = cursor.integer(mask);
    return [number === 0 ? cursor.text() : this.#field(number)[0], cursor.text()];
  }

  #field(number: number): Field {
    const field = number > STATIC.length ? this.#table[number - STATIC.length - 1] : STATIC[number - 1];
    if (!field)
      throw new ProtocolError(ERROR.compression, `a header field of the number ${number}, which there is not`);
    return field;
  }

  #remember(field: Field): Field {
    this.#table.unshift(field);
    this.#bytes += sizeOf(field);
    this.#shrink();
    return field;
  }

  #resize(bytes: number, bytesBefore: number): void {
    if (bytesBefore > 0) throw new ProtocolError(ERROR.compression, 'a table of header fields resized amid a block');
    if (bytes > this.#maxTableBytes)
      throw new ProtocolError(ERROR.compression, `a table of header fields of ${bytes} bytes, which is too much`);
    this.#tableBytes = bytes;
    this.#shrink();
  }

  #shrink(): void {
    while (this.#bytes > this.#tableBytes) this.#bytes -= sizeOf(this.#table.pop()!);
  }
}

/** How much it counts in a table, or in a list of fields (RFC 9113, 10.5.1). */
export const sizeOf = ([name, value]: Field): number => name.length + value.length + OVERHEAD;

/** Where one is in a block. */
class Cursor {
  readonly #block: Buffer;
  #at = 0;

  constructor(block: Buffer) {
    this.#block = block;
  }

  get isAtEnd(): boolean {
    return this.#at >= this.#block.length;
  }

  peek(): number {
    const byte = this.#block[this.#at];
    if (byte === undefined) throw new ProtocolError(ERROR.compression, 'a block of header fields that ends amid one');
    return byte;
  }

  integer(mask: number): number {
    let value = this.#byte() & mask;
    if (value < mask) return value;
    for (let scale = 1, byte = 0x80; byte & 0x80; scale *= 128) {
      byte = this.#byte();
      value += (byte & 0x7f) * scale;
      if (value > MAX_INTEGER)
        throw new ProtocolError(ERROR.compression, 'a number in header fields that is too large');
    }
    return value;
  }

  text(): string {
    const isShortened = (this.peek() & 0x80) !== 0;
    const length = this.integer(0x7f);
    const bytes = this.#block.subarray(this.#at, this.#at + length);
    if (bytes.length < length)
      throw new ProtocolError(ERROR.compression, 'a block of header fields that ends amid one');
    this.#at += length;
    return isShortened ? decodeHuffman(bytes) : bytes.toString('latin1');
  }

  #byte(): number {
    const byte = this.peek();
    this.#at++;
    return byte;
  }
}

/** Beyond all that a block can hold. */
const MAX_INTEGER = 2 ** 24;
