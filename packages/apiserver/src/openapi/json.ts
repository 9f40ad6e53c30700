/** Documents as JSON. */
import type { Pieces } from '@keelson/api/pieces';
import { goJson } from './encoding.ts';
import { Lazy, membersOf } from './lazy.ts';
import type { Json } from './schemas.ts';

const CHUNK_LENGTH = 256 * 1024;
/** Objects further down are written at once. */
const DEPTH = 10;

/** The bytes of a document, in chunks. */
export function* toJson(document: Lazy): Pieces<Buffer[]> {
  const out = new Text();
  yield* write(document, DEPTH, out);
  return out.finish();
}

class Text {
  readonly #chunks: Buffer[] = [];
  #parts: string[] = [];
  #length = 0;

  add(text: string): void {
    this.#parts.push(text);
    this.#length += text.length;
    if (this.#length >= CHUNK_LENGTH) this.finish();
  }

  finish(): Buffer[] {
    if (this.#length > 0) this.#chunks.push(Buffer.from(this.#parts.join('')));
    this.#parts = [];
    this.#length = 0;
    return this.#chunks;
  }
}

const INTEGER = /^\d+$/;

function* write(value: unknown, depth: number, out: Text): Pieces<void> {
  if (!isDivided(value, depth)) return out.add(goJson(value));
  let separator = '{';
  for (const [name, make] of membersOf(value)) {
    const member = make();
    if (member === undefined) continue;
    out.add(`${separator}${goJson(name)}:`);
    separator = ',';
    yield* write(member, depth - 1, out);
    yield;
  }
  out.add(separator === '{' ? '{}' : '}');
}

/** What has integers for names is in no order that JavaScript keeps. */
function isDivided(value: unknown, depth: number): value is Json | Lazy {
  if (value instanceof Lazy) return true;
  if (depth === 0 || typeof value !== 'object' || value === null || Array.isArray(value)) return false;
  const [first = ''] = Object.keys(value);
  return !INTEGER.test(first);
}
