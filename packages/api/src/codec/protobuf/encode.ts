/**
 * Objects as protobuf messages, byte for byte as upstream's generated code writes them: values that Go holds without a
 * pointer are always there, be they zero; fields come in the order of their numbers, maps in that of their keys.
 */

import type { Field, ListType, MapType, ScalarType, SchemaOrType, StructType, Type } from '../../schema.ts';
import { parseMicroTime, parseTime, ZERO_TIME_SECONDS } from '../../time.ts';
import { sortedKeys } from '../go-order.ts';
import { stringify } from '../stringify.ts';
import { BYTES, FIXED64, type ProtoWriter, VARINT } from './writer.ts';

type Source = Record<string, unknown>;
/** Writes the value of a field, without tag, of a type that is length-delimited, with its length. */
type Write = (writer: ProtoWriter, value: unknown) => void;

const messages = new WeakMap<StructType, (writer: ProtoWriter, source: Source) => void>();

/** Writes the message's fields, last to first. Made once per type. */
export function messageWriter(type: StructType): (writer: ProtoWriter, source: Source) => void {
  let write = messages.get(type);
  if (!write) {
    // Types refer to each other in circles: fields are looked at when the first message is written.
    let fields: ((writer: ProtoWriter, source: Source) => void)[] | undefined;
    write = (writer, source) => {
      fields ??= type.fields
        .filter((f) => f.proto > 0)
        .sort((a, b) => b.proto - a.proto)
        .map(fieldWriter);
      for (const writeField of fields) writeField(writer, source);
    };
    messages.set(type, write);
  }
  return write;
}

function fieldWriter(field: Field): (writer: ProtoWriter, source: Source) => void {
  const { type, proto, json } = field;
  if (field.inline) {
    const write = valueWriter(type);
    return (writer, source) => {
      write(writer, source);
      writer.tag(proto, BYTES);
    };
  }
  if (type.kind === 'list' && !type.named) return (writer, source) => writeList(writer, proto, type, source[json]);
  if (type.kind === 'map') return (writer, source) => writeMap(writer, proto, type, source[json]);
  const write = valueWriter(type);
  const wireType = wireTypeOf(type);
  const skipsNull = field.pointer || isNilable(type);
  return (writer, source) => {
    const value = source[json];
    if (skipsNull && (value === undefined || value === null)) return;
    write(writer, value);
    writer.tag(proto, wireType);
  };
}

/** Whether Go holds the type in something that can be nil. */
function isNilable(type: Type): boolean {
  return type.kind === 'list' || (type.kind === 'scalar' && type.scalar === 'bytes');
}

export function wireTypeOf(type: Type): number {
  if (type.kind !== 'scalar') return BYTES;
  switch (type.scalar) {
    case 'bool':
    case 'int32':
    case 'int64':
      return VARINT;
    case 'float64':
      return FIXED64;
    default:
      return BYTES;
  }
}

function writeList(writer: ProtoWriter, proto: number, type: ListType, value: unknown): void {
  if (!Array.isArray(value)) return;
  const write = valueWriter(type.element);
  const wireType = wireTypeOf(type.element);
  for (let i = value.length - 1; i >= 0; i--) {
    write(writer, value[i]);
    writer.tag(proto, wireType);
  }
}

function writeMap(writer: ProtoWriter, proto: number, type: MapType, value: unknown): void {
  if (value === undefined || value === null) return;
  const entries = value as Source;
  const write = valueWriter(type.value);
  const wireType = wireTypeOf(type.value);
  const nilable = isNilable(type.value);
  for (const key of sortedKeys(entries).reverse()) {
    const end = writer.length;
    const entry = entries[key];
    if (!nilable || (entry !== null && entry !== undefined)) {
      write(writer, entry);
      writer.tag(2, wireType);
    }
    writer.string(key);
    writer.tag(1, BYTES);
    writer.varint(writer.length - end);
    writer.tag(proto, BYTES);
  }
}

const writers = new WeakMap<Type, Write>();

function valueWriter(type: Type): Write {
  let write = writers.get(type);
  if (!write) {
    write = makeWriter(type);
    writers.set(type, write);
  }
  return write;
}

function makeWriter(type: Type): Write {
  switch (type.kind) {
    case 'struct': {
      const write = messageWriter(type);
      return delimited((writer, value) => write(writer, (value ?? {}) as Source));
    }
    case 'list':
      return delimited((writer, value) => writeList(writer, 1, type, value));
    case 'schemaOr':
      return delimited((writer, value) => writeUnion(writer, type, value));
    case 'scalar':
      return scalarWriter(type);
    case 'map':
      throw new Error(`no protobuf for ${type.goName} within another type`);
  }
}

function delimited(write: Write): Write {
  return (writer, value) => {
    const end = writer.length;
    write(writer, value);
    writer.varint(writer.length - end);
  };
}

function writeUnion(writer: ProtoWriter, { or, schema }: SchemaOrType, value: unknown): void {
  const write = valueWriter(schema);
  const isSchema = typeof value === 'object' && value !== null && !Array.isArray(value);
  if (or === 'bool') {
    if (isSchema) {
      write(writer, value);
      writer.tag(2, BYTES);
    }
    writer.varint(isSchema || value === true ? 1 : 0);
    writer.tag(1, VARINT);
    return;
  }
  if (isSchema) {
    write(writer, value);
    writer.tag(1, BYTES);
  } else if (Array.isArray(value)) {
    for (const element of value.toReversed()) {
      if (or === 'array') write(writer, element);
      else writer.string(element as string);
      writer.tag(2, BYTES);
    }
  }
}

function scalarWriter(type: ScalarType): Write {
  switch (type.scalar) {
    case 'string':
      return (writer, value) => writer.string((value ?? '') as string);
    case 'bool':
      return (writer, value) => writer.varint(value === true ? 1 : 0);
    case 'int32':
    case 'int64':
      return (writer, value) => writer.integer((value ?? 0) as number | bigint);
    case 'float64':
      return (writer, value) => writer.double((value ?? 0) as number);
    case 'bytes':
      return (writer, value) => {
        const bytes = Buffer.from(value as string, 'base64');
        writer.raw(bytes);
        writer.varint(bytes.length);
      };
    case 'time':
      return delimited((writer, value) => value && writeInstant(writer, parseTime(value as string).seconds, 0));
    case 'microtime':
      return delimited((writer, value) => {
        if (!value) return;
        const { seconds, nanos } = parseMicroTime(value as string);
        writeInstant(writer, seconds, nanos);
      });
    case 'quantity':
      return delimited((writer, value) => {
        writer.string((value ?? '0') as string);
        writer.tag(1, BYTES);
      });
    case 'intorstring':
      return delimited((writer, value) => {
        const isString = typeof value === 'string';
        writer.string(isString ? value : '');
        writer.tag(3, BYTES);
        writer.integer(isString ? 0 : ((value ?? 0) as number));
        writer.tag(2, VARINT);
        writer.varint(isString ? 1 : 0);
        writer.tag(1, VARINT);
      });
    case 'raw':
    case 'fields':
    case 'json':
      return delimited((writer, value) => {
        if (value === undefined || value === null) return;
        const text = Buffer.from(stringify(value));
        writer.raw(text);
        writer.varint(text.length);
        writer.tag(1, BYTES);
      });
    case 'any':
      throw new Error('no protobuf for values without a type');
  }
}

/** The zero time is an empty message. */
function writeInstant(writer: ProtoWriter, seconds: number, nanos: number): void {
  if (seconds === ZERO_TIME_SECONDS && nanos === 0) return;
  writer.varint(nanos);
  writer.tag(2, VARINT);
  writer.integer(seconds);
  writer.tag(1, VARINT);
}
