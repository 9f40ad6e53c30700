/** Reading answers as they arrive: one object, a list item by item, a watch line by line. No list is ever one string. */
import { ConnectionError } from './transport.ts';

/** More than any object that a server stores. */
const MAX_OBJECT_BYTES = 64 * 1024 * 1024;

/** @throws ConnectionError when the text breaks off, is no JSON, or larger than any object */
export async function readObject(body: AsyncIterable<Uint8Array>): Promise<unknown> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of body) {
    chunks.push(chunk);
    size += chunk.byteLength;
    if (size > MAX_OBJECT_BYTES) throw new ConnectionError('broken', 'the answer is too large');
  }
  return parse(chunks);
}

/** Splits a watch's bytes at line ends and yields each line decoded. */
export async function* readLines(body: AsyncIterable<Uint8Array>): AsyncGenerator<unknown> {
  let parts: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of body) {
    let start = 0;
    for (let end = chunk.indexOf(10); end >= 0; end = chunk.indexOf(10, start)) {
      parts.push(chunk.subarray(start, end));
      start = end + 1;
      const line = parts;
      parts = [];
      size = 0;
      yield parse(line);
    }
    if (start === chunk.byteLength) continue;
    parts.push(start === 0 ? chunk : chunk.subarray(start));
    size += chunk.byteLength - start;
    if (size > MAX_OBJECT_BYTES) throw new ConnectionError('broken', 'a watch event is too large');
  }
}

/** A list, its items apart. */
export interface ReadList {
  /** What stands around the items: kind, apiVersion, metadata. */
  readonly shell: Readonly<Record<string, unknown>>;
  readonly items: unknown[];
}

/** @throws ConnectionError when the text breaks off or is no JSON */
export async function readList(body: AsyncIterable<Uint8Array>): Promise<ReadList> {
  const splitter = new ListSplitter();
  for await (const chunk of body) splitter.push(chunk);
  return splitter.end();
}

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COMMA = 0x2c;
const ITEMS = '"items"';

/**
 * Finds the elements of the top-level array `items` while bytes arrive, and decodes each as soon as it is complete. Only
 * strings and brackets are understood; everything else is left to JSON.parse.
 */
export class ListSplitter {
  readonly #items: unknown[] = [];
  readonly #shell: Uint8Array[] = [];
  /** Bytes of the element under way. */
  #item: Uint8Array[] = [];
  #where: 'shell' | 'between' | 'item' = 'shell';
  #depth = 0;
  #inString = false;
  /** Bytes of a string still to be skipped because of a backslash at the end of the last chunk. */
  #skip = 0;
  /** The last string at depth 1, kept as far as it could be `"items"`. */
  #word = '';

  push(chunk: Uint8Array): void {
    const length = chunk.byteLength;
    let start = 0;
    let i = 0;
    while (i < length) {
      if (this.#inString) {
        const from = i;
        i += this.#skip;
        this.#skip = 0;
        while (i < length && chunk[i] !== QUOTE) i += chunk[i] === BACKSLASH ? 2 : 1;
        if (i < length) {
          this.#inString = false;
          i += 1;
        } else this.#skip = i - length;
        if (this.#depth === 1) this.#remember(chunk, from, Math.min(i, length));
        continue;
      }
      switch (chunk[i]) {
        case QUOTE:
          this.#inString = true;
          if (this.#depth === 1) this.#word = '"';
          break;
        case 0x5b: // [
        case 0x7b: // {
          if (this.#where === 'between') {
            this.#where = 'item';
            start = i;
          }
          this.#depth += 1;
          if (this.#depth === 2 && chunk[i] === 0x5b && this.#where === 'shell' && this.#word === ITEMS) {
            this.#shell.push(chunk.subarray(start, i + 1));
            this.#where = 'between';
          }
          break;
        case 0x5d: // ]
        case 0x7d: // }
          this.#depth -= 1;
          if (this.#where === 'item' && this.#depth === 2) {
            this.#item.push(chunk.subarray(start, i + 1));
            this.#items.push(parse(this.#item));
            this.#item = [];
            this.#where = 'between';
          } else if (this.#where === 'between' && this.#depth === 1) {
            this.#where = 'shell';
            start = i;
          }
          break;
        case COMMA:
          if (this.#depth === 1) this.#word = '';
          break;
      }
      i += 1;
    }
    if (this.#where === 'between') return;
    (this.#where === 'item' ? this.#item : this.#shell).push(start === 0 ? chunk : chunk.subarray(start));
  }

  /** @throws ConnectionError */
  end(): ReadList {
    return { shell: parse(this.#shell) as Record<string, unknown>, items: this.#items };
  }

  #remember(chunk: Uint8Array, from: number, to: number): void {
    if (this.#word.length + to - from > ITEMS.length) this.#word = ' ';
    else this.#word += Buffer.from(chunk.subarray(from, to)).toString('latin1');
  }
}

function parse(parts: readonly Uint8Array[]): unknown {
  const [first] = parts;
  const bytes =
    parts.length === 1 ? Buffer.from(first!.buffer, first!.byteOffset, first!.byteLength) : Buffer.concat(parts);
  try {
    return JSON.parse(bytes.toString('utf8'));
  } catch (error) {
    throw new ConnectionError('broken', `the answer is no JSON: ${(error as Error).message}`, error);
  }
}
