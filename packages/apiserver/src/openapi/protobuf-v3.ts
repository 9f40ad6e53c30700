/** gnostic's message openapi.v3.Document, as far as the documents of Kubernetes use it. */
import {
  any,
  bool,
  double,
  each,
  eachString,
  int,
  type Message,
  mapOf,
  message,
  nested,
  orReference,
  string,
  type Write,
  wrapped,
} from './protobuf-writer.ts';

const REFERENCE3: Message = { fields: { $ref: [1, string] } };
const schemaOrReference3 = orReference(
  message(() => SCHEMA3),
  REFERENCE3,
);

const defaultType3: Write = (value, out, field) =>
  nested(out, field, () => {
    if (typeof value === 'number' || typeof value === 'bigint') out.double(1, Number(value));
    if (typeof value === 'boolean') out.bool(2, value);
    if (typeof value === 'string') out.text(3, value);
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
      (value, out, field) =>
        typeof value === 'boolean'
          ? nested(out, field, () => out.bool(2, value))
          : wrapped(schemaOrReference3)(value, out, field),
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

export const DOCUMENT3: Message = {
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
