/**
 * Protobuf messages as objects in the canonical form. Unknown fields are skipped, repeated messages merge: what has been read of
 * one lies in its parts, until the message around it is at its end.
 */
import { put } from '../../patch/value.ts';
import { canonicalQuantity } from '../../quantity.ts';
import type { Field, ListType, MapType, ScalarType, SchemaOrType, StructType, Type } from '../../schema.ts';
import { canonicalMicroTime, canonicalTime, formatInstantMicro, formatSeconds } from '../../time.ts';
import { inKeyOrder, inOrder, isOmitted, type Member, memberOf } from '../canonical.ts';
import { DecodeError } from '../exact.ts';
import { parseKeepingIntegers } from '../json-cursor.ts';
import { wireTypeOf } from './encode.ts';
import type { ProtoField, ProtoReader } from './reader.ts';
import { BYTES, VARINT } from './writer.ts';

type Tree = Record<string, unknown>;
/** What has been read of a message: for each field what its reader has made. */
type Parts = unknown[];

/** How the values of a field, or of what stands in a list, are read. */
interface ValueReader {
  /** @param existing what an earlier occurrence has left */
  read(reader: ProtoReader, existing: unknown): unknown;
  /** Makes the value of what has been left last; undefined where that is the value. */
  readonly finish?: (left: never) => unknown;
}

interface Plan extends ValueReader {
  /** Its place in the parts. */
  readonly at: number;
  readonly field: Field;
  readonly wireType: number;
  /** Undefined for an inline struct, whose members become those of what is around it. */
  readonly member: Member | undefined;
}

/** How messages of one type are read. */
class MessageReader {
  readonly #name: string;
  /** In the order of JSON. */
  readonly #plans: readonly Plan[];
  readonly #byNumber: Plan[] = [];

  constructor(type: StructType) {
    this.#name = bareName(type.goName);
    this.#plans = type.fields.map((field, at) => planOf(field, at));
    for (const plan of this.#plans) if (plan.field.proto > 0) this.#byNumber[plan.field.proto] = plan;
  }

  /** Reads up to the reader's end. @throws DecodeError */
  read(reader: ProtoReader, existing?: Parts): Parts {
    const parts = existing ?? new Array(this.#plans.length);
    while (!reader.done) {
      const tag = reader.tag(this.#name);
      const wireType = tag & 7;
      const plan = this.#byNumber[Math.floor(tag / 8)];
      if (!plan) reader.skip(wireType);
      else if (wireType === plan.wireType) parts[plan.at] = plan.read(reader, parts[plan.at]);
      else if (wireType === BYTES && plan.wireType === VARINT && plan.field.type.kind === 'list') {
        const end = reader.enter();
        while (!reader.done) parts[plan.at] = plan.read(reader, parts[plan.at]);
        reader.leave(end);
      } else throw new DecodeError(`proto: wrong wireType = ${wireType} for field ${plan.field.go}`);
    }
    return parts;
  }

  /** @param into what the members are put into */
  finish(parts: Parts, into: Tree = {}): Tree {
    for (const { at, member, finish, field } of this.#plans) {
      const left = parts[at];
      if (!member) readerOf(field.type as StructType).finish((left as Parts | undefined) ?? [], into);
      else if (left === undefined) {
        if (member.absent) into[member.name] = member.absent();
      } else {
        const value = finish ? finish(left as never) : left;
        if (!isOmitted(value, member.omits)) into[member.name] = value;
      }
    }
    return into;
  }
}

const readers = new WeakMap<StructType, MessageReader>();

function readerOf(type: StructType): MessageReader {
  let reader = readers.get(type);
  if (!reader) {
    reader = new MessageReader(type);
    readers.set(type, reader);
  }
  return reader;
}

/** The object of a message that ends where the reader does. @throws DecodeError */
export function readMessage(reader: ProtoReader, type: StructType): Tree {
  const message = readerOf(type);
  return message.finish(message.read(reader));
}

function planOf(field: Field, at: number): Plan {
  const { type } = field;
  const member = field.inline && type.kind === 'struct' ? undefined : memberOf(field);
  const plan = { at, field, member };
  if (type.kind === 'list' && !type.named) return { ...plan, wireType: wireTypeOf(type.element), ...listReader(type) };
  if (type.kind === 'map') return { ...plan, wireType: BYTES, ...mapReader(type) };
  return { ...plan, wireType: wireTypeOf(type), ...valueReader(type) };
}

/** `v1.PodSpec` → `PodSpec` */
function bareName(goName: string): string {
  return goName.slice(goName.lastIndexOf('.') + 1);
}

/** Values that nothing comes behind. */
function wholeReader(type: Type): (reader: ProtoReader) => unknown {
  const { read, finish } = valueReader(type);
  return finish ? (reader) => finish(read(reader, undefined) as never) : (reader) => read(reader, undefined);
}

/** One element of a list. */
function listReader({ element }: ListType): ValueReader {
  const read = wholeReader(element);
  return {
    read(reader, existing) {
      const list = (existing ?? []) as unknown[];
      list.push(read(reader));
      return list;
    },
  };
}

/** One entry of a map. */
function mapReader({ value: type }: MapType): ValueReader {
  const read = wholeReader(type);
  const absent = type.kind === 'scalar' && type.scalar === 'bytes' ? '' : undefined;
  return {
    read(reader, existing) {
      const map = (existing ?? {}) as Tree;
      const end = reader.enter();
      let key = '';
      let value: unknown = absent;
      while (!reader.done) {
        const tag = reader.anyTag();
        if (tag >>> 3 === 1) key = reader.string();
        else if (tag >>> 3 === 2) value = read(reader);
        else reader.skip(tag & 7);
      }
      reader.leave(end);
      put(map, key, value);
      return map;
    },
    finish: inKeyOrder,
  };
}

function valueReader(type: Type): ValueReader {
  switch (type.kind) {
    case 'struct':
      return structReader(type);
    case 'list':
      return namedListReader(type);
    case 'schemaOr':
      return unionReader(type);
    case 'scalar':
      return { read: scalarReader(type) };
    case 'map':
      throw new Error(`no protobuf for ${type.goName} within another type`);
  }
}

function structReader(type: StructType): ValueReader {
  // Types refer to each other in circles: their readers are made when the first of them is read.
  let message: MessageReader | undefined;
  return {
    read(reader, existing) {
      message ??= readerOf(type);
      const end = reader.enter();
      const parts = message.read(reader, existing as Parts | undefined);
      reader.leave(end);
      return parts;
    },
    finish: (parts: Parts) => readerOf(type).finish(parts),
  };
}

function namedListReader(type: ListType): ValueReader {
  const { read } = listReader(type);
  const name = bareName(type.goName);
  return {
    read(reader, existing) {
      let list: unknown = existing ?? [];
      const readItem = (): void => {
        list = read(reader, list);
      };
      fields(reader, name, { 1: bytesField('Items', readItem) });
      return list;
    },
  };
}

/** A message of upstream's that is no struct of the schema: its fields by number, each with a wire type. */
function fields(reader: ProtoReader, message: string, known: Readonly<Record<number, ProtoField>>): void {
  reader.within(() => reader.fields(message, known));
}

function bytesField(name: string, read: () => void): ProtoField {
  return { name, wireType: BYTES, read };
}
function varintField(name: string, read: () => void): ProtoField {
  return { name, wireType: VARINT, read };
}

function unionReader({ or, schema, goName }: SchemaOrType): ValueReader {
  const one = structReader(schema);
  const each = wholeReader(schema);
  const name = bareName(goName);
  return {
    read(reader) {
      let allows = false;
      let parts: unknown;
      const many: unknown[] = [];
      const readOne = (): void => {
        parts = one.read(reader, parts);
      };
      const readMany = (): void => {
        many.push(or === 'array' ? each(reader) : reader.string());
      };
      const readAllows = (): void => {
        allows = reader.bool();
      };
      const known =
        or === 'bool'
          ? { 1: varintField('Allows', readAllows), 2: bytesField('Schema', readOne) }
          : { 1: bytesField('Schema', readOne), 2: bytesField(or === 'array' ? 'JSONSchemas' : 'Property', readMany) };
      fields(reader, name, known);
      if (many.length > 0) return many;
      if (parts !== undefined) return one.finish?.(parts as never);
      return or === 'bool' ? allows : undefined;
    },
  };
}

function scalarReader(type: ScalarType): (reader: ProtoReader) => unknown {
  switch (type.scalar) {
    case 'string':
      return (reader) => reader.string();
    case 'bool':
      return (reader) => reader.bool();
    case 'int32':
      return (reader) => reader.int32();
    case 'int64':
      return (reader) => reader.int64();
    case 'float64':
      return (reader) => reader.double();
    case 'bytes':
      return (reader) => reader.bytes().toString('base64');
    case 'time':
      return (reader) => canonicalTime(readInstant(reader, false));
    case 'microtime':
      return (reader) => canonicalMicroTime(readInstant(reader, true));
    case 'quantity':
      return (reader) => {
        let text = '0';
        const readText = (): void => {
          text = canonicalQuantity(reader.string());
        };
        fields(reader, 'Quantity', { 1: bytesField('String_', readText) });
        return text;
      };
    case 'intorstring':
      return readIntOrString;
    case 'raw':
    case 'fields':
      return (reader) => readRaw(reader, type.goName);
    case 'json':
      return (reader) => inOrder(readRaw(reader, type.goName));
    case 'any':
      throw new Error('no protobuf for values without a type');
  }
}

const ZERO_TIME = '0001-01-01T00:00:00Z';
const ZERO_MICRO_TIME = '0001-01-01T00:00:00.000000Z';

/** An empty message is the zero time; a Time has no fractions. */
function readInstant(reader: ProtoReader, micro: boolean): string {
  let given = false;
  let seconds = 0;
  let nanos = 0;
  fields(reader, 'Timestamp', {
    1: varintField('Seconds', () => {
      given = true;
      seconds = Number(reader.int64());
    }),
    2: varintField('Nanos', () => {
      given = true;
      nanos = reader.int32();
    }),
  });
  if (!given) return micro ? ZERO_MICRO_TIME : ZERO_TIME;
  return micro ? formatInstantMicro({ seconds, nanos }) : formatSeconds(seconds);
}

function readIntOrString(reader: ProtoReader): number | string {
  let isString = false;
  let number = 0;
  let text = '';
  fields(reader, 'IntOrString', {
    1: varintField('Type', () => {
      isString = reader.bool();
    }),
    2: varintField('IntVal', () => {
      number = reader.int32();
    }),
    3: bytesField('StrVal', () => {
      text = reader.string();
    }),
  });
  return isString ? text : number;
}

/** JSON text within protobuf. */
function readRaw(reader: ProtoReader, name: string): unknown {
  let bytes: Buffer | undefined;
  const read = (): void => {
    bytes = reader.bytes();
  };
  fields(reader, bareName(name), { 1: bytesField('Raw', read) });
  if (!bytes || bytes.length === 0) return undefined;
  try {
    return parseKeepingIntegers(bytes.toString('utf8'));
  } catch {
    // Upstream keeps any bytes; what is no JSON can't be shown by it either.
    throw new DecodeError(`${name}: invalid JSON within protobuf`);
  }
}
