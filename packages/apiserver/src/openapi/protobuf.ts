/**
 * The documents as protobuf: gnostic's messages openapi.v2.Document and openapi.v3.Document, which kubectl asks for. A
 * message is described by a table from JSON keys to fields; only what the documents of Kubernetes use is in it.
 */
import { goYaml } from './encoding.ts';
import type { Json, OpenApiVersion } from './schemas.ts';

/** How the value of a key is written. */
type Write = (value: unknown, out: Writer, field: number) => void;
interface Message {
  readonly fields: Readonly<Record<string, readonly [field: number, write: Write]>>;
  /** Where keys go that begin with `x-`. */
  readonly extensions?: number;
  /** Where all other keys go, as pairs of name and value. */
  readonly others?: readonly [field: number, write: Write];
}

class Writer {
  readonly #parts: Buffer[] = [];
  #length = 0;

  #add(part: Buffer): void {
    this.#parts.push(part);
    this.#length += part.length;
  }
  varint(value: number): void {
    const bytes: number[] = [];
    let rest = value;
    for (; rest > 0x7f; rest = Math.floor(rest / 128)) bytes.push((rest % 128) | 0x80);
    bytes.push(rest);
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
  int(field: number, value: number): void {
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

const string: Write = (value, out, field) => {
  if (value !== '') out.bytes(field, Buffer.from(value as string));
};
const bool: Write = (value, out, field) => {
  if (value === true) out.bool(field, true);
};
const double: Write = (value, out, field) => {
  if (value !== 0) out.double(field, value as number);
};
const int: Write = (value, out, field) => {
  if (value !== 0) out.int(field, value as number);
};
/** A value of any shape, as YAML. */
const any: Write = (value, out, field) => nested(out, field, (inner) => string(goYaml(value), inner, 2));
const each =
  (write: Write): Write =>
  (values, out, field) => {
    for (const value of values as unknown[]) write(value, out, field);
  };
const eachString: Write = (values, out, field) => {
  for (const value of values as string[]) out.bytes(field, Buffer.from(value));
};
/** What a `Write` made by `message` writes, for {@link writeInTurns}. */
const messages = new WeakMap<Write, () => Message>();

/** Late, since messages refer to each other in circles. */
function message(get: () => Message): Write {
  const write: Write = (value, out, field) => nested(out, field, (inner) => writeMessage(get(), value as Json, inner));
  messages.set(write, get);
  return write;
}
/** A message that has nothing but the value, in field 1. */
const wrapped =
  (write: Write, at = 1): Write =>
  (value, out, field) =>
    nested(out, field, (inner) => write(value, inner, at));
/** A oneof of the thing itself and a reference to it. */
const orReference =
  (write: Write, reference: Message): Write =>
  (value, out, field) =>
    nested(out, field, (inner) => {
      if ((value as Json).$ref === undefined) write(value, inner, 1);
      else message(() => reference)(value, inner, 2);
    });
/** A message of pairs. */
const mapOf = (write: Write): Write => message(() => ({ fields: {}, others: [1, write] }));

function nested(out: Writer, field: number, fill: (inner: Writer) => void): void {
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

const REFERENCE3: Message = { fields: { $ref: [1, string] } };
const schemaOrReference3 = orReference(
  message(() => SCHEMA3),
  REFERENCE3,
);

const defaultType3: Write = (value, out, field) =>
  nested(out, field, (inner) => {
    if (typeof value === 'number') inner.double(1, value);
    if (typeof value === 'boolean') inner.bool(2, value);
    if (typeof value === 'string') inner.bytes(3, Buffer.from(value));
  });

const SCHEMA3: Message = {
  fields: {
    nullable: [1, bool],
    title: [9, string],
    multipleOf: [10, double],
    maximum: [11, double],
    exclusiveMaximum: [12, bool],
    minimum: [13, double],
    exclusiveMinimum: [14, bool],
    maxLength: [15, int],
    minLength: [16, int],
    pattern: [17, string],
    maxItems: [18, int],
    minItems: [19, int],
    uniqueItems: [20, bool],
    maxProperties: [21, int],
    minProperties: [22, int],
    required: [23, eachString],
    enum: [24, each(any)],
    type: [25, string],
    allOf: [26, each(schemaOrReference3)],
    oneOf: [27, each(schemaOrReference3)],
    anyOf: [28, each(schemaOrReference3)],
    not: [29, message(() => SCHEMA3)],
    items: [30, wrapped(schemaOrReference3)],
    properties: [31, mapOf(schemaOrReference3)],
    additionalProperties: [
      32,
      (value, out, field) => {
        if (typeof value === 'boolean') nested(out, field, (inner) => inner.bool(2, value));
        else wrapped(schemaOrReference3)(value, out, field);
      },
    ],
    default: [33, defaultType3],
    description: [34, string],
    format: [35, string],
    example: [7, any],
    externalDocs: [6, message(() => ({ fields: { description: [1, string], url: [2, string] }, extensions: 3 }))],
  },
  extensions: 36,
};

const mediaTypes3 = mapOf(message(() => ({ fields: { schema: [1, schemaOrReference3] }, extensions: 5 })));

const parameter3 = orReference(
  message(() => ({
    fields: {
      name: [1, string],
      in: [2, string],
      description: [3, string],
      required: [4, bool],
      schema: [10, schemaOrReference3],
    },
    extensions: 14,
  })),
  REFERENCE3,
);

const OPERATION3: Message = {
  fields: {
    tags: [1, eachString],
    description: [3, string],
    operationId: [5, string],
    parameters: [6, each(parameter3)],
    requestBody: [
      7,
      orReference(
        message(() => ({
          fields: { description: [1, string], content: [2, mediaTypes3], required: [3, bool] },
          extensions: 4,
        })),
        REFERENCE3,
      ),
    ],
    responses: [
      8,
      message(() => ({
        fields: {},
        extensions: 3,
        others: [
          2,
          orReference(
            message(() => ({ fields: { description: [1, string], content: [3, mediaTypes3] }, extensions: 5 })),
            REFERENCE3,
          ),
        ],
      })),
    ],
    deprecated: [10, bool],
  },
  extensions: 13,
};
const operation3 = message(() => OPERATION3);

const INFO_FIELDS3: Message['fields'] = { title: [1, string], version: [6, string] };

const DOCUMENT3: Message = {
  fields: {
    openapi: [1, string],
    info: [2, message(() => ({ fields: INFO_FIELDS3 }))],
    paths: [
      4,
      message(() => ({
        fields: {},
        extensions: 2,
        others: [
          1,
          message(() => ({
            fields: {
              get: [4, operation3],
              put: [5, operation3],
              post: [6, operation3],
              delete: [7, operation3],
              options: [8, operation3],
              head: [9, operation3],
              patch: [10, operation3],
              parameters: [13, each(parameter3)],
            },
            extensions: 14,
          })),
        ],
      })),
    ],
    components: [
      5,
      message(() => ({
        fields: {
          schemas: [1, mapOf(schemaOrReference3)],
          securitySchemes: [
            7,
            mapOf(
              orReference(
                message(() => ({
                  fields: { type: [1, string], description: [2, string], name: [3, string], in: [4, string] },
                  extensions: 9,
                })),
                REFERENCE3,
              ),
            ),
          ],
        },
        extensions: 10,
      })),
    ],
  },
};

const schema2 = message(() => SCHEMA2);

const SCHEMA2: Message = {
  fields: {
    $ref: [1, string],
    format: [2, string],
    title: [3, string],
    description: [4, string],
    default: [5, any],
    multipleOf: [6, double],
    maximum: [7, double],
    exclusiveMaximum: [8, bool],
    minimum: [9, double],
    exclusiveMinimum: [10, bool],
    maxLength: [11, int],
    minLength: [12, int],
    pattern: [13, string],
    maxItems: [14, int],
    minItems: [15, int],
    uniqueItems: [16, bool],
    maxProperties: [17, int],
    minProperties: [18, int],
    required: [19, eachString],
    enum: [20, each(any)],
    additionalProperties: [
      21,
      (value, out, field) => {
        if (typeof value === 'boolean') nested(out, field, (inner) => inner.bool(2, value));
        else wrapped(schema2)(value, out, field);
      },
    ],
    type: [22, wrapped(string)],
    items: [23, wrapped(schema2)],
    allOf: [24, each(schema2)],
    properties: [25, mapOf(schema2)],
    externalDocs: [29, message(() => ({ fields: { description: [1, string], url: [2, string] }, extensions: 3 }))],
    example: [30, any],
  },
  extensions: 31,
};

const bodyParameter2 = message(() => ({
  fields: { description: [1, string], name: [2, string], in: [3, string], required: [4, bool], schema: [5, schema2] },
  extensions: 6,
}));
const queryParameter2 = message(() => ({
  fields: {
    required: [1, bool],
    in: [2, string],
    description: [3, string],
    name: [4, string],
    type: [6, string],
    format: [7, string],
    uniqueItems: [20, bool],
  },
  extensions: 23,
}));
const pathParameter2 = message(() => ({
  fields: {
    required: [1, bool],
    in: [2, string],
    description: [3, string],
    name: [4, string],
    type: [5, string],
    format: [6, string],
    uniqueItems: [19, bool],
  },
  extensions: 22,
}));

/** A oneof of a body parameter and the others, among which the place decides. */
const parameter2: Write = (value, out, field) =>
  nested(out, field, (inner) => {
    const where = (value as Json).in;
    if (where === 'body') bodyParameter2(value, inner, 1);
    else if (where === 'path') wrapped(pathParameter2, 4)(value, inner, 2);
    else wrapped(queryParameter2, 3)(value, inner, 2);
  });
const REFERENCE2: Message = { fields: { $ref: [1, string], description: [2, string] } };
const parameterItem2 = orReference(parameter2, REFERENCE2);

const OPERATION2: Message = {
  fields: {
    tags: [1, eachString],
    description: [3, string],
    operationId: [5, string],
    produces: [6, eachString],
    consumes: [7, eachString],
    parameters: [8, each(parameterItem2)],
    responses: [
      9,
      message(() => ({
        fields: {},
        extensions: 2,
        others: [
          1,
          orReference(
            message(() => ({ fields: { description: [1, string], schema: [2, wrapped(schema2)] }, extensions: 5 })),
            REFERENCE2,
          ),
        ],
      })),
    ],
    schemes: [10, eachString],
    deprecated: [11, bool],
  },
  extensions: 13,
};
const operation2 = message(() => OPERATION2);

const DOCUMENT2: Message = {
  fields: {
    swagger: [1, string],
    info: [2, message(() => ({ fields: { title: [1, string], version: [2, string] } }))],
    paths: [
      8,
      message(() => ({
        fields: {},
        extensions: 1,
        others: [
          2,
          message(() => ({
            fields: {
              get: [2, operation2],
              put: [3, operation2],
              post: [4, operation2],
              delete: [5, operation2],
              options: [6, operation2],
              head: [7, operation2],
              patch: [8, operation2],
              parameters: [9, each(parameterItem2)],
            },
            extensions: 10,
          })),
        ],
      })),
    ],
    definitions: [9, mapOf(schema2)],
    parameters: [10, mapOf(parameter2)],
    security: [12, each(mapOf(message(() => ({ fields: {} }))))],
    securityDefinitions: [
      13,
      mapOf(
        wrapped(
          message(() => ({
            fields: { type: [1, string], name: [2, string], in: [3, string], description: [4, string] },
            extensions: 5,
          })),
          2,
        ),
      ),
    ],
  },
};

/** Pairs that are written without letting other work run. */
const BATCH = 50;

/** As `writeMessage`, in turns of the event loop down to the given depth of messages. */
async function writeInTurns({ fields, others }: Message, value: Json, out: Writer, depth: number): Promise<void> {
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

/** @param document the text of a JSON document */
export async function toProtobuf(version: OpenApiVersion, document: string): Promise<Buffer> {
  const out = new Writer();
  await writeInTurns(version === 2 ? DOCUMENT2 : DOCUMENT3, JSON.parse(document) as Json, out, 2);
  return out.finish();
}
