/** Writes JSON objects as protobuf messages, by tables from JSON keys to fields. */
import { goYaml } from './encoding.ts';
import type { Json } from './schemas.ts';

/** How the value of a key is written. */
export type Write = (value: unknown, out: Writer, field: number) => void;
export interface Message {
  readonly fields: Readonly<Record<string, readonly [field: number, write: Write]>>;
  /** Where keys go that begin with `x-`. */
  readonly extensions?: number;
  /** Where all other keys go, as pairs of name and value. */
  readonly others?: readonly [field: number, write: Write];
}

export class Writer {
  readonly #parts: Buffer[] = [];
  #length = 0;

  #add(part: Buffer): void {
    this.#parts.push(part);
    this.#length += part.length;
  }
  varint(value: number | bigint): void {
    const bytes: number[] = [];
    let rest = value;
    // Negative numbers are written as those of 64 bits that they are congruent with.
    if (typeof rest === 'bigint' || rest < 0)
      for (rest = BigInt.asUintN(64, BigInt(rest)); rest > Number.MAX_SAFE_INTEGER; rest >>= 7n)
        bytes.push(Number(rest & 0x7fn) | 0x80);
    let low = Number(rest);
    for (; low > 0x7f; low = Math.floor(low / 128)) bytes.push((low % 128) | 0x80);
    bytes.push(low);
    this.#add(Buffer.from(bytes));
  }
  bytes(field: number, value: Buffer): void {
    this.varint(field * 8 + 2);
    this.varint(value.length);
    this.#add(value);
  }
  bool(field: number, value: boolean): void {
    this.varint(field * 8);
    this.varint(value ? 1 : 0);
  }
  int(field: number, value: number | bigint): void {
    this.varint(field * 8);
    this.varint(value);
  }
  double(field: number, value: number): void {
    this.varint(field * 8 + 1);
    const bytes = Buffer.alloc(8);
    bytes.writeDoubleLE(value);
    this.#add(bytes);
  }
  finish(): Buffer {
    return Buffer.concat(this.#parts, this.#length);
  }
}

export const string: Write = (value, out, field) => {
  if (value !== '') out.bytes(field, Buffer.from(value as string));
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
export const any: Write = (value, out, field) => nested(out, field, (inner) => string(goYaml(value), inner, 2));
export const each =
  (write: Write): Write =>
  (values, out, field) => {
    for (const value of values as unknown[]) write(value, out, field);
  };
export const eachString: Write = (values, out, field) => {
  for (const value of values as string[]) out.bytes(field, Buffer.from(value));
};
/** What a `Write` made by `message` writes, for {@link writeInTurns}. */
const messages = new WeakMap<Write, () => Message>();

/** Late, since messages refer to each other in circles. */
export function message(get: () => Message): Write {
  const write: Write = (value, out, field) => nested(out, field, (inner) => writeMessage(get(), value as Json, inner));
  messages.set(write, get);
  return write;
}
/** A message that has nothing but the value, in field 1. */
export const wrapped =
  (write: Write, at = 1): Write =>
  (value, out, field) =>
    nested(out, field, (inner) => write(value, inner, at));
/** A oneof of the thing itself and a reference to it. */
export const orReference =
  (write: Write, reference: Message): Write =>
  (value, out, field) =>
    nested(out, field, (inner) => {
      if ((value as Json).$ref === undefined) write(value, inner, 1);
      else message(() => reference)(value, inner, 2);
    });
/** A message of pairs. */
export const mapOf = (write: Write): Write => message(() => ({ fields: {}, others: [1, write] }));

export function nested(out: Writer, field: number, fill: (inner: Writer) => void): void {
  const inner = new Writer();
  fill(inner);
  out.bytes(field, inner.finish());
}

function writePair(out: Writer, field: number, name: string, value: unknown, write: Write): void {
  nested(out, field, (pair) => {
    string(name, pair, 1);
    write(value, pair, 2);
  });
}

/** Fields in the order of their numbers, as Go writes them. */
function writeMessage({ fields, extensions, others }: Message, value: Json, out: Writer): void {
  const known = Object.entries(fields).sort(([, [a]], [, [b]]) => a - b);
  for (const [key, [field, write]] of known) {
    if (value[key] !== undefined) write(value[key], out, field);
  }
  for (const [key, entry] of Object.entries(value)) {
    if (Object.hasOwn(fields, key)) continue;
    if (extensions !== undefined && key.startsWith('x-')) writePair(out, extensions, key, entry, any);
    else if (others) writePair(out, others[0], key, entry, others[1]);
  }
}

/** Pairs that are written without letting other work run. */
const BATCH = 50;

/** As `writeMessage`, in turns of the event loop down to the given depth of messages. */
export async function writeInTurns(
  { fields, others }: Message,
  value: Json,
  out: Writer,
  depth: number,
): Promise<void> {
  for (const [key, [field, write]] of Object.entries(fields).sort(([, [a]], [, [b]]) => a - b)) {
    if (value[key] === undefined) continue;
    const get = depth > 0 ? messages.get(write) : undefined;
    if (!get) write(value[key], out, field);
    else {
      const inner = new Writer();
      await writeInTurns(get(), value[key] as Json, inner, depth - 1);
      out.bytes(field, inner.finish());
    }
  }
  if (!others) return;
  for (const [i, [name, entry]] of Object.entries(value).entries()) {
    if (Object.hasOwn(fields, name)) continue;
    if (i % BATCH === BATCH - 1) await new Promise(setImmediate);
    writePair(out, others[0], name, entry, others[1]);
  }
}
