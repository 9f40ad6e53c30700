/** Writes JSON objects as protobuf messages, by tables from JSON keys to fields. */
import type { Pieces } from '@keelson/api/pieces';
import { goYaml } from './encoding.ts';
import { type Lazy, membersOf } from './lazy.ts';
import type { Json } from './schemas.ts';

/** How the value of a key is written; in pieces where it can be large. */
export type Write = (value: unknown, out: Writer, field: number) => Pieces<void> | void;
export interface Message {
  readonly fields: Readonly<Record<string, readonly [field: number, write: Write]>>;
  /** Where keys go that begin with `x-`. */
  readonly extensions?: number;
  /** Where all other keys go, as pairs of name and value. */
  readonly others?: readonly [field: number, write: Write];
}

/**
 * Bytes of a message from its end to its beginning: what is inside is there before its length has to be said. So what comes
 * last is written first.
 */
export class Writer {
  #buffer = Buffer.allocUnsafe(4096);
  #start = this.#buffer.length;

  /** Of what is written. */
  get length(): number {
    return this.#buffer.length - this.#start;
  }

  /** @returns where so many bytes go, before what is there */
  #before(size: number): number {
    if (this.#start < size) {
      const larger = Buffer.allocUnsafe(2 * this.#buffer.length + size);
      this.#buffer.copy(larger, larger.length - this.length, this.#start);
      this.#start += larger.length - this.#buffer.length;
      this.#buffer = larger;
    }
    this.#start -= size;
    return this.#start;
  }
  #varint(value: number | bigint): void {
    const bytes: number[] = [];
    let rest = value;
    if (typeof rest === 'bigint' || rest < 0) {
      // Negative numbers are written as those of 64 bits that they are congruent with.
      let wide = BigInt.asUintN(64, BigInt(rest));
      for (; wide > Number.MAX_SAFE_INTEGER; wide >>= 7n) bytes.push(Number(wide & 0x7fn) | 0x80);
      rest = Number(wide);
    }
    for (; rest > 0x7f; rest = Math.floor(rest / 128)) bytes.push((rest % 128) | 0x80);
    bytes.push(rest);
    const at = this.#before(bytes.length);
    this.#buffer.set(bytes, at);
  }
  /** The end of what `length` said before it was written. */
  close(field: number, length: number): void {
    this.#varint(this.length - length);
    this.#varint(field * 8 + 2);
  }
  text(field: number, value: string): void {
    const size = Buffer.byteLength(value);
    const at = this.#before(size);
    this.#buffer.write(value, at);
    this.#varint(size);
    this.#varint(field * 8 + 2);
  }
  bool(field: number, value: boolean): void {
    this.int(field, value ? 1 : 0);
  }
  int(field: number, value: number | bigint): void {
    this.#varint(value);
    this.#varint(field * 8);
  }
  double(field: number, value: number): void {
    const at = this.#before(8);
    this.#buffer.writeDoubleLE(value, at);
    this.#varint(field * 8 + 1);
  }
  bytes(): Buffer {
    return this.#buffer.subarray(this.#start);
  }
}

export const string: Write = (value, out, field) => {
  if (value !== '') out.text(field, value as string);
};
export const bool: Write = (value, out, field) => {
  if (value === true) out.bool(field, true);
};
export const double: Write = (value, out, field) => {
  if (value !== 0) out.double(field, Number(value));
};
export const int: Write = (value, out, field) => {
  if (value !== 0) out.int(field, value as number | bigint);
};
/** A value of any shape, as YAML. */
export const any: Write = (value, out, field) => {
  const { length } = out;
  string(goYaml(value), out, 2);
  out.close(field, length);
};
export const each = (write: Write): Write =>
  function* (values, out, field) {
    for (const value of (values as readonly unknown[]).toReversed()) yield* write(value, out, field) ?? [];
  };
export const eachString: Write = (values, out, field) => {
  for (const value of (values as readonly string[]).toReversed()) out.text(field, value);
};
/** Late, since messages refer to each other in circles. */
export function message(get: () => Message): Write {
  return (value, out, field) => nested(out, field, () => writeMessage(get(), value as Json, out));
}
/** A message that has nothing but the value, in field 1. */
export const wrapped =
  (write: Write, at = 1): Write =>
  (value, out, field) =>
    nested(out, field, () => write(value, out, at));
/** A oneof of the thing itself and a reference to it. */
export const orReference = (write: Write, reference: Message): Write => {
  const writeReference = message(() => reference);
  return (value, out, field) =>
    nested(out, field, () =>
      (value as Json).$ref === undefined ? write(value, out, 1) : writeReference(value, out, 2),
    );
};
/** A message of pairs. */
export const mapOf = (write: Write): Write => message(() => ({ fields: {}, others: [1, write] }));

/** @param fill writes what is in it */
export function* nested(out: Writer, field: number, fill: () => Pieces<void> | void): Pieces<void> {
  const { length } = out;
  yield* fill() ?? [];
  out.close(field, length);
}

function writePair(out: Writer, field: number, name: string, value: unknown, write: Write): Pieces<void> {
  return nested(out, field, function* () {
    yield* write(value, out, 2) ?? [];
    string(name, out, 1);
  });
}

/** Fields in the order of their numbers, as Go writes them; then all else. */
export function* writeMessage({ fields, extensions, others }: Message, value: Json | Lazy, out: Writer): Pieces<void> {
  if (extensions !== undefined || others)
    for (const [name, make] of membersOf(value).toReversed()) {
      if (Object.hasOwn(fields, name)) continue;
      if (extensions !== undefined && name.startsWith('x-')) yield* writePair(out, extensions, name, make(), any);
      else if (others) yield* writePair(out, others[0], name, make(), others[1]);
      yield;
    }
  for (const [name, [field, write]] of inOrder(fields).toReversed()) {
    const member = (value as Json)[name];
    if (member !== undefined) yield* write(member, out, field) ?? [];
  }
}

type Fields = Message['fields'];
const ordered = new WeakMap<Fields, [name: string, field: Fields[string]][]>();

/** By their numbers. */
export function inOrder(fields: Fields): [name: string, field: Fields[string]][] {
  let entries = ordered.get(fields);
  if (!entries) {
    entries = Object.entries(fields).sort(([, [a]], [, [b]]) => a - b);
    ordered.set(fields, entries);
  }
  return entries;
}
