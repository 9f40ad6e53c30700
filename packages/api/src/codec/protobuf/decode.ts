/**
 * Protobuf messages as trees that codec/canonical.ts finishes. Unknown fields are skipped, repeated messages merge.
 */
import { put } from '../../patch/value.ts';
import { canonicalQuantity } from '../../quantity.ts';
import type { Field, ListType, MapType, ScalarType, SchemaOrType, StructType, Type } from '../../schema.ts';
import { formatInstantMicro, formatSeconds } from '../../time.ts';
import { DecodeError } from '../exact.ts';
import { parseKeepingIntegers } from '../json-cursor.ts';
import { wireTypeOf } from './encode.ts';
import type { ProtoField, ProtoReader } from './reader.ts';
import { BYTES, VARINT } from './writer.ts';

type Tree = Record<string, unknown>;
/** Reads a value; `existing` is what an earlier occurrence left. */
type Read = (reader: ProtoReader, existing: unknown) => unknown;

interface Plan {
  readonly field: Field;
  readonly wireType: number;
  readonly read: Read;
}

const plansOfStructs = new WeakMap<StructType, Map<number, Plan>>();

function plansOf(type: StructType): Map<number, Plan> {
  let plans = plansOfStructs.get(type);
  if (!plans) {
    plans = new Map();
    plansOfStructs.set(type, plans);
    for (const field of type.fields) if (field.proto > 0) plans.set(field.proto, planOf(field));
  }
  return plans;
}

function planOf(field: Field): Plan {
  const { type } = field;
  if (type.kind === 'list' && !type.named)
    return { field, wireType: wireTypeOf(type.element), read: elementReader(type) };
  if (type.kind === 'map') return { field, wireType: BYTES, read: entryReader(type) };
  return { field, wireType: wireTypeOf(type), read: valueReader(type) };
}

/** Reads up to the reader's end. @throws DecodeError */
export function readMessage(reader: ProtoReader, type: StructType, tree: Tree = {}): Tree {
  const plans = plansOf(type);
  const name = bareName(type.goName);
  while (!reader.done) {
    const tag = reader.tag(name);
    const wireType = tag & 7;
    const plan = plans.get(Math.floor(tag / 8));
    if (!plan) {
      reader.skip(wireType);
      continue;
    }
    const { field, read } = plan;
    if (field.inline) {
      checkWireType(plan, wireType);
      reader.within(() => readMessage(reader, field.type as StructType, tree));
    } else if (wireType === BYTES && plan.wireType === VARINT && field.type.kind === 'list') {
      reader.within(() => {
        while (!reader.done) tree[field.json] = read(reader, tree[field.json]);
      });
    } else {
      checkWireType(plan, wireType);
      tree[field.json] = read(reader, tree[field.json]);
    }
  }
  return tree;
}

/** `v1.PodSpec` → `PodSpec` */
function bareName(goName: string): string {
  return goName.slice(goName.lastIndexOf('.') + 1);
}

function checkWireType({ field, wireType }: Plan, found: number): void {
  if (found !== wireType) throw new DecodeError(`proto: wrong wireType = ${found} for field ${field.go}`);
}

function elementReader(type: ListType): Read {
  const read = valueReader(type.element);
  return (reader, existing) => {
    const list = (existing ?? []) as unknown[];
    list.push(read(reader, undefined));
    return list;
  };
}

function entryReader(type: MapType): Read {
  const read = valueReader(type.value);
  const absent = type.value.kind === 'scalar' && type.value.scalar === 'bytes' ? '' : undefined;
  return (reader, existing) => {
    const map = (existing ?? {}) as Tree;
    reader.within(() => {
      let key = '';
      let value: unknown = absent;
      while (!reader.done) {
        const tag = reader.anyTag();
        if (tag >>> 3 === 1) key = reader.string();
        else if (tag >>> 3 === 2) value = read(reader, undefined);
        else reader.skip(tag & 7);
      }
      put(map, key, value);
    });
    return map;
  };
}

function valueReader(type: Type): Read {
  switch (type.kind) {
    case 'struct':
      return (reader, existing) => reader.within(() => readMessage(reader, type, existing as Tree | undefined));
    case 'list': {
      const read = elementReader(type);
      return (reader, existing) => {
        let list: unknown = existing ?? [];
        const readItem = (): void => {
          list = read(reader, list);
        };
        fields(reader, bareName(type.goName), { 1: bytesField('Items', readItem) });
        return list;
      };
    }
    case 'schemaOr':
      return unionReader(type);
    case 'scalar':
      return scalarReader(type);
    case 'map':
      throw new Error(`no protobuf for ${type.goName} within another type`);
  }
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

function unionReader({ or, schema, goName }: SchemaOrType): Read {
  const readSchema = valueReader(schema);
  return (reader) => {
    let allows = false;
    let one: unknown;
    const many: unknown[] = [];
    const readOne = (): void => {
      one = readSchema(reader, one);
    };
    const readMany = (): void => {
      many.push(or === 'array' ? readSchema(reader, undefined) : reader.string());
    };
    const readAllows = (): void => {
      allows = reader.bool();
    };
    const known =
      or === 'bool'
        ? { 1: varintField('Allows', readAllows), 2: bytesField('Schema', readOne) }
        : { 1: bytesField('Schema', readOne), 2: bytesField(or === 'array' ? 'JSONSchemas' : 'Property', readMany) };
    fields(reader, bareName(goName), known);
    if (or === 'bool') return one ?? allows;
    return many.length > 0 ? many : one;
  };
}

function scalarReader(type: ScalarType): Read {
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
    case 'microtime':
      return (reader) => readInstant(reader, type.scalar === 'microtime');
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
    case 'json':
      return (reader) => readRaw(reader, type.goName);
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
