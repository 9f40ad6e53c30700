/** gnostic's message openapi.v2.Document, as far as the documents of Kubernetes use it. */

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
import type { Json } from './schemas.ts';

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
      (value, out, field) =>
        typeof value === 'boolean' ? nested(out, field, () => out.bool(2, value)) : wrapped(schema2)(value, out, field),
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
  nested(out, field, () => {
    const where = (value as Json).in;
    if (where === 'body') return bodyParameter2(value, out, 1);
    return where === 'path' ? wrapped(pathParameter2, 4)(value, out, 2) : wrapped(queryParameter2, 3)(value, out, 2);
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

export const DOCUMENT2: Message = {
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
