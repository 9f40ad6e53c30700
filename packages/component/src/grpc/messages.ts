/**
 * Messages of protobuf (version 3), read and written by their descriptors as these lie there: a library that first makes code of
 * them, as protobufjs does, takes longer for it than a start has for all that it says and is told.
 */

import { ProtoReader } from '@keelson/api/codec/protobuf/reader';
import { BYTES, FIXED64, ProtoWriter, VARINT } from '@keelson/api/codec/protobuf/writer';
import { put } from '@keelson/api/patch/value';

/** As protobufjs writes descriptors in JSON: of a package, a service, a message or an enum. */
export interface Descriptor {
  readonly nested?: Readonly<Record<string, Descriptor>>;
  readonly methods?: Readonly<Record<string, MethodDescriptor>>;
  readonly fields?: Readonly<Record<string, FieldDescriptor>>;
  readonly oneofs?: Readonly<Record<string, { readonly oneof: readonly string[] }>>;
  readonly values?: Readonly<Record<string, number>>;
}

export interface MethodDescriptor {
  readonly requestType: string;
  readonly responseType: string;
  readonly requestStream?: boolean;
  readonly responseStream?: boolean;
}

interface FieldDescriptor {
  readonly id: number;
  readonly type: string;
  readonly rule?: string;
  /** Of a map. */
  readonly keyType?: string;
  readonly options?: object;
}

/**
 * What was decoded has all its fields but those of which a message has one at most (`oneof`): absent messages are `null`, enums the
 * names of their values, integers of 64 bits numbers, bytes parts of what was read. What is to be encoded may lack any field, or
 * have `null` or `undefined` there; enums may be numbers, integers bigints or decimal text.
 */
export interface Message {
  /** @throws TypeError where a field has not the type that it should have */
  encode(value: object): Buffer;
  /** @throws DecodeError */
  decode(bytes: Uint8Array): object;
}

type Fields = Record<string, unknown>;

/** How one value of a type is read and written; messages and maps are confined to what holds them. */
interface Codec {
  readonly wireType: number;
  /** What an absent one is. */
  readonly zero: unknown;
  read(reader: ProtoReader): unknown;
  write(writer: ProtoWriter, value: never): void;
}

const int64 = { wireType: VARINT, zero: 0, write: (w: ProtoWriter, v: number | string) => w.integer(integer(v)) };
const int32 = { ...int64, read: (r: ProtoReader): unknown => r.int32() };

const scalars: Readonly<Record<string, Codec>> = {
  string: { wireType: BYTES, zero: '', read: (r) => r.string(), write: (w, v: string) => w.string(v) },
  bytes: { wireType: BYTES, zero: Buffer.alloc(0), read: (r) => r.bytes(), write: writeBytes },
  bool: { wireType: VARINT, zero: false, read: (r) => r.bool(), write: (w, v: boolean) => w.varint(v ? 1 : 0) },
  int32,
  uint32: { ...int32, read: (r) => r.int32() >>> 0 },
  int64: { ...int64, read: (r) => r.int64() },
  uint64: { ...int64, read: (r) => r.uint64() },
  fixed64: { wireType: FIXED64, zero: 0, read: (r) => r.fixed64(), write: (w, v: number) => w.fixed64(integer(v)) },
  double: { wireType: FIXED64, zero: 0, read: (r) => r.double(), write: (w, v: number) => w.double(v) },
};

const rounded: typeof scalars = {
  ...scalars,
  int64: { ...int64, read: (r) => Number(r.int64()) },
  uint64: { ...int64, read: (r) => Number(r.uint64()) },
  fixed64: { ...scalars.fixed64!, read: (r) => Number(r.fixed64()) },
};

function integer(value: number | bigint | string): number | bigint {
  return Number.isSafeInteger(value) ? (value as number) : BigInt(value);
}

function writeBytes(writer: ProtoWriter, value: Uint8Array): void {
  writer.raw(value);
  writer.varint(value.length);
}

/** Writes what `write` does as one value, with its length before it. */
function writeWithin(writer: ProtoWriter, write: () => void): void {
  const before = writer.length;
  write();
  writer.varint(writer.length - before);
}

/** One field of a message. */
interface Field {
  readonly name: string;
  /** Of one in a `oneof` there is none: it is absent. */
  readonly zero: unknown;
  read(reader: ProtoReader, wireType: number, into: Fields): void;
  write(writer: ProtoWriter, value: never): void;
}

/** Shared, so that it is replaced when the first comes. */
const NO_ITEMS: readonly never[] = Object.freeze([]);
const NO_ENTRIES = Object.freeze({});

function singular(name: string, id: number, codec: Codec): Field {
  return {
    name,
    zero: codec.zero,
    read(reader, wireType, into) {
      if (wireType === codec.wireType) into[name] = codec.read(reader);
      else reader.skip(wireType);
    },
    write(writer, value) {
      codec.write(writer, value);
      writer.tag(id, codec.wireType);
    },
  };
}

/** Numbers come packed into one value, or each by itself. */
function repeated(name: string, id: number, codec: Codec): Field {
  const isPacked = codec.wireType !== BYTES;
  return {
    name,
    zero: NO_ITEMS,
    read(reader, wireType, into) {
      if (into[name] === NO_ITEMS) into[name] = [];
      const items = into[name] as unknown[];
      if (wireType === codec.wireType) items.push(codec.read(reader));
      else if (wireType === BYTES)
        reader.within(() => {
          while (!reader.done) items.push(codec.read(reader));
        });
      else reader.skip(wireType);
    },
    write(writer, values: readonly never[]) {
      if (values.length === 0) return;
      const each = (after?: () => void) => {
        for (let i = values.length - 1; i >= 0; i--) {
          codec.write(writer, values[i]!);
          after?.();
        }
      };
      if (!isPacked) return each(() => writer.tag(id, codec.wireType));
      writeWithin(writer, each);
      writer.tag(id, BYTES);
    },
  };
}

function mapped(name: string, id: number, key: Codec, value: Codec): Field {
  const entry = new MessageType('entry', () => [
    [1, singular('key', 1, key)],
    [2, singular('value', 2, value)],
  ]);
  return {
    name,
    zero: NO_ENTRIES,
    read(reader, wireType, into) {
      if (wireType !== BYTES) return reader.skip(wireType);
      if (into[name] === NO_ENTRIES) into[name] = {};
      const found = entry.read(reader);
      put(into[name] as Fields, String(found.key), found.value);
    },
    write(writer, entries: Fields) {
      for (const [key, value] of Object.entries(entries).reverse()) {
        entry.write(writer, { key, value });
        writer.tag(id, BYTES);
      }
    },
  };
}

/** Empty between messages. */
const scratch = new ProtoWriter();

interface Shape {
  /** By their numbers. */
  readonly fields: readonly Field[];
  /** As they are written: from the last one on. */
  readonly backwards: readonly Field[];
  readonly absent: Fields;
}

class MessageType implements Message, Codec {
  readonly wireType = BYTES;
  readonly zero = null;
  readonly #name: string;
  /** Asked for when the first is read or written: most messages of a service never are, and some hold themselves. */
  readonly #fieldsOf: () => readonly (readonly [id: number, field: Field])[];
  #known: Shape | undefined;

  constructor(name: string, fieldsOf: () => readonly (readonly [id: number, field: Field])[]) {
    this.#name = name;
    this.#fieldsOf = fieldsOf;
  }

  encode(value: object): Buffer {
    try {
      this.#write(scratch, value as Fields);
      return scratch.finish();
    } catch (error) {
      scratch.reset();
      throw error;
    }
  }

  decode(bytes: Uint8Array): object {
    const buffer = Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
    return this.#read(new ProtoReader(buffer));
  }

  read(reader: ProtoReader): Fields {
    return reader.within(() => this.#read(reader));
  }

  write(writer: ProtoWriter, value: object): void {
    if (typeof value !== 'object') throw new TypeError(`${this.#name}: a message is an object, not a ${typeof value}`);
    writeWithin(writer, () => this.#write(writer, value as Fields));
  }

  #read(reader: ProtoReader): Fields {
    const { fields, absent } = this.#shape();
    const message = { ...absent };
    while (!reader.done) {
      const tag = reader.tag(this.#name);
      const field = fields[tag >>> 3];
      if (field) field.read(reader, tag & 7, message);
      else reader.skip(tag & 7);
    }
    return message;
  }

  #write(writer: ProtoWriter, message: Fields): void {
    for (const field of this.#shape().backwards) {
      const value = message[field.name];
      if (value !== undefined && value !== null) field.write(writer, value as never);
    }
  }

  #shape(): Shape {
    if (this.#known) return this.#known;
    const fields: Field[] = [];
    for (const [id, field] of this.#fieldsOf()) fields[id] = field;
    const inOrder = fields.filter((field) => field !== undefined);
    const zeros = inOrder.filter(({ zero }) => zero !== undefined).map(({ name, zero }) => [name, zero] as const);
    this.#known = { fields, backwards: inOrder.reverse(), absent: Object.fromEntries(zeros) };
    return this.#known;
  }
}

function enumeration(name: string, values: Readonly<Record<string, number>>): Codec {
  const names = new Map(Object.entries(values).map(([name, value]) => [value, name]));
  return {
    ...int32,
    zero: names.get(0),
    read(reader) {
      const value = reader.int32();
      return names.get(value) ?? value;
    },
    write(writer, value: string | number) {
      const number = typeof value === 'number' ? value : values[value];
      if (number === undefined) throw new TypeError(`${name} has no ${value}`);
      writer.integer(number);
    },
  };
}

/** What descriptors describe, by name. */
export class Messages {
  readonly #root: Descriptor;
  readonly #scalars: typeof scalars;
  readonly #codecs = new Map<string, Codec>();

  /** @param isExact whether integers that are no safe ones are decoded to bigints, instead of to numbers near them */
  constructor(root: Descriptor, { isExact = false }: { readonly isExact?: boolean } = {}) {
    this.#root = root;
    this.#scalars = isExact ? scalars : rounded;
  }

  /**
   * @param name with its package, or as what is within `scope` calls it: the nearest of that name
   * @throws Error where there is none
   */
  message(name: string, scope = ''): Message {
    const type = this.#codec(name, scope);
    if (!(type instanceof MessageType)) throw new Error(`${name} is no message`);
    return type;
  }

  /** By name. @param service with its package. @throws Error where there is none of that name */
  methods(service: string): Readonly<Record<string, MethodDescriptor>> {
    const methods = this.#find(service)?.methods;
    if (!methods) throw new Error(`there is no service ${service}`);
    return methods;
  }

  #codec(type: string, scope: string): Codec {
    const scalar = this.#scalars[type];
    if (scalar) return scalar;
    const name = this.#resolve(type, scope);
    const known = this.#codecs.get(name);
    if (known) return known;
    const { values, fields, oneofs } = this.#find(name)!;
    if (!values && !fields) throw new Error(`${name} is no type`);
    const codec = values ? enumeration(name, values) : new MessageType(name, () => this.#fields(name, fields!, oneofs));
    this.#codecs.set(name, codec);
    return codec;
  }

  #fields(scope: string, fields: NonNullable<Descriptor['fields']>, oneofs: Descriptor['oneofs'] = {}) {
    const alternatives = new Set(Object.values(oneofs).flatMap(({ oneof }) => oneof));
    return Object.entries(fields).map(([name, { id, type, rule, keyType }]) => {
      const codec = this.#codec(type, scope);
      if (keyType) return [id, mapped(name, id, this.#codec(keyType, scope), codec)] as const;
      if (rule === 'repeated') return [id, repeated(name, id, codec)] as const;
      const field = singular(name, id, codec);
      return [id, alternatives.has(name) ? { ...field, zero: undefined } : field] as const;
    });
  }

  #resolve(name: string, scope: string): string {
    if (name.startsWith('.')) return this.#resolve(name.slice(1), '');
    for (let outer = scope; outer !== ''; outer = outer.slice(0, Math.max(outer.lastIndexOf('.'), 0))) {
      if (this.#find(`${outer}.${name}`)) return `${outer}.${name}`;
    }
    if (!this.#find(name)) throw new Error(`there is no ${name}${scope && ` to ${scope}`}`);
    return name;
  }

  #find(name: string): Descriptor | undefined {
    return name.split('.').reduce<Descriptor | undefined>((within, part) => within?.nested?.[part], this.#root);
  }
}
