/**
 * Header blocks of SPDY/3.1: number of pairs, then names and values with their lengths, all through one zlib stream for
 * each direction of a connection (draft-mbelshe-httpbis-spdy-00, 2.6.10).
 */
import zlib from 'node:zlib';
import { DICTIONARY } from './dictionary.ts';

/** Names in lower case. */
export type SpdyHeaders = Readonly<Record<string, string>>;

const MAX_BLOCK_BYTES = 64 * 1024;

/** Blocks must be packed one after the other, in the order in which they are sent. */
export class HeaderPacker {
  readonly #deflate = zlib.createDeflate({ dictionary: DICTIONARY, level: 9 });
  #out: Buffer[] = [];

  constructor() {
    this.#deflate.on('data', (chunk: Buffer) => this.#out.push(chunk));
  }

  pack(headers: SpdyHeaders): Promise<Buffer> {
    this.#deflate.write(encodeBlock(headers));
    return new Promise((resolve) => {
      this.#deflate.flush(zlib.constants.Z_SYNC_FLUSH, () => {
        const block = Buffer.concat(this.#out);
        this.#out = [];
        resolve(block);
      });
    });
  }

  close(): void {
    this.#deflate.close();
  }
}

/** Blocks must be unpacked one after the other, in the order in which they come. */
export class HeaderUnpacker {
  readonly #inflate = zlib.createInflate({ dictionary: DICTIONARY });
  #out: Buffer[] = [];
  #size = 0;
  #failed: (error: Error) => void = () => {};

  constructor() {
    this.#inflate.on('error', (error) => this.#failed(error));
    this.#inflate.on('data', (chunk: Buffer) => {
      this.#size += chunk.length;
      if (this.#size <= MAX_BLOCK_BYTES) this.#out.push(chunk);
    });
  }

  /** @throws Error for what is no header block */
  async unpack(block: Buffer): Promise<SpdyHeaders> {
    await new Promise<void>((resolve, reject) => {
      this.#failed = reject;
      this.#inflate.write(block, (error) => (error ? reject(error) : resolve()));
    });
    if (this.#size > MAX_BLOCK_BYTES) throw new Error('header block is too large');
    const bytes = Buffer.concat(this.#out);
    this.#out = [];
    this.#size = 0;
    return decodeBlock(bytes);
  }

  close(): void {
    this.#inflate.destroy();
  }
}

function encodeBlock(headers: SpdyHeaders): Buffer {
  const pairs = Object.entries(headers);
  const parts = [uint32(pairs.length)];
  for (const text of pairs.flat()) {
    const bytes = Buffer.from(text);
    parts.push(uint32(bytes.length), bytes);
  }
  return Buffer.concat(parts);
}

function decodeBlock(bytes: Buffer): SpdyHeaders {
  let at = 0;
  const count = number();
  const headers: Record<string, string> = Object.create(null);
  for (let i = 0; i < count; i++) headers[text().toLowerCase()] = text();
  return headers;

  function number(): number {
    if (at + 4 > bytes.length) throw new Error('header block is cut off');
    at += 4;
    return bytes.readUInt32BE(at - 4);
  }
  function text(): string {
    const length = number();
    if (at + length > bytes.length) throw new Error('header block is cut off');
    at += length;
    return bytes.toString('utf8', at - length, at);
  }
}

function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}
