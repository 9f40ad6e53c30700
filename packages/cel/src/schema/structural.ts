/**
 * Types as the structural schemas of custom resources declare them, with the longest that what fits into a request can be
 * (k8s.io/apiserver/pkg/cel/common/schemas.go).
 */
import type { JSONSchemaProps } from '@keelson/api/generated/types/apiextensions/v1';
import {
  BOOL,
  BYTES,
  DATE,
  type Declared,
  type DeclaredField,
  DOUBLE,
  DURATION,
  DYN,
  INT,
  listOf,
  mapOf,
  object,
  STRING,
  TIMESTAMP,
  withMaxElements,
} from '../types/declared.ts';
import { escapeName } from './escape.ts';

/** Bytes of a request; nothing in it is longer. */
const MAX_REQUEST = 3 * 1024 * 1024;
const MAX_STRING = MAX_REQUEST - 2;
/** Longest texts of times and durations, with their quotes. */
const MAX_DATE = 12;
const MAX_TIME = 32;
/** Characters are counted, bytes are reckoned with. */
const BYTES_PER_CHARACTER = 4;

const NAMES: JSONSchemaProps = { type: 'string' };
const METADATA: JSONSchemaProps = { type: 'object', properties: { name: NAMES, generateName: NAMES } };

export interface SchemaOptions {
  /** Of the object type; types within it are named after it. */
  readonly name?: string;
  /** The schema of a resource: kind, apiVersion, metadata.name and metadata.generateName are always there. */
  readonly resourceRoot?: boolean;
}

/** Undefined for a schema of which expressions see nothing: one that preserves unknown fields and has no type. */
export function fromSchema(schema: JSONSchemaProps, options: SchemaOptions = {}): Declared | undefined {
  const { name = 'object', resourceRoot = schema['x-kubernetes-embedded-resource'] ?? false } = options;
  if (schema['x-kubernetes-int-or-string']) return withMaxElements(DYN, maxLength(schema, MAX_STRING));
  switch (schema.type) {
    case 'array':
      return fromArray(schema, name);
    case 'object':
      return fromObject(resourceRoot ? withMetadata(schema) : schema, name);
    case 'string':
      return fromString(schema);
    case 'boolean':
      return BOOL;
    case 'number':
      return DOUBLE;
    case 'integer':
      return INT;
    default:
      return undefined;
  }
}

function maxLength({ maxLength: limit }: JSONSchemaProps, otherwise: number): number {
  return limit === undefined ? otherwise : Math.max(limit, 0) * BYTES_PER_CHARACTER;
}

function fromArray(schema: JSONSchemaProps, name: string): Declared | undefined {
  const items =
    schema.items === undefined ? undefined : fromSchema(schema.items as JSONSchemaProps, { name: `${name}.@idx` });
  if (!items) return undefined;
  const { maxItems, 'x-kubernetes-list-type': kind, 'x-kubernetes-list-map-keys': keys = [] } = schema;
  const list = listOf(items, {
    maxElements: maxItems === undefined ? Math.floor((MAX_REQUEST - 2) / (items.minSize + 1)) : Math.max(maxItems, 0),
    listType: kind === 'set' || kind === 'map' ? kind : 'atomic',
    keys: keys.map((key) => escapeName(key) ?? key),
  });
  return { ...list, strict: true };
}

function fromObject(schema: JSONSchemaProps, name: string): Declared | undefined {
  const { additionalProperties, maxProperties } = schema;
  if (typeof additionalProperties === 'object') {
    const value = fromSchema(additionalProperties, { name: `${name}.@elem` });
    if (!value) return undefined;
    const most =
      maxProperties === undefined ? Math.floor((MAX_REQUEST - 2) / (value.minSize + 6)) : Math.max(maxProperties, 0);
    return { ...mapOf(withMaxElements(STRING, 0), value, most), strict: true };
  }
  const fields: [string, DeclaredField][] = [];
  let minSize = 2;
  for (const [json, property] of Object.entries(schema.properties ?? {})) {
    const escaped = escapeName(json);
    const declared = fromSchema(property, { name: `${name}.${escaped}` });
    if (!declared) continue;
    if (escaped !== undefined) fields.push([escaped, { json, declared }]);
    const isThere = schema.required?.includes(json) && property.default === undefined;
    if (isThere) minSize += Buffer.byteLength(json) + declared.minSize + 4;
  }
  return { ...object(name, () => fields, minSize), strict: true };
}

function fromString(schema: JSONSchemaProps): Declared {
  switch (schema.format) {
    case 'byte':
      return withMaxElements(BYTES, schema.maxLength === undefined ? MAX_STRING : Math.max(schema.maxLength, 0));
    case 'duration':
      return { ...withMaxElements(DURATION, MAX_TIME), minSize: 3 };
    case 'date':
      return { ...withMaxElements(DATE, MAX_DATE), minSize: MAX_DATE };
    case 'date-time':
      return { ...withMaxElements(TIMESTAMP, MAX_TIME), minSize: 21 };
    default:
      return withMaxElements(STRING, maxLength(schema, schema.enum?.length ? longestOf(schema.enum) : MAX_STRING));
  }
}

function longestOf(values: readonly unknown[]): number {
  return Math.max(0, ...values.map((value) => (typeof value === 'string' ? Buffer.byteLength(value) : 0)));
}

function withMetadata(schema: JSONSchemaProps): JSONSchemaProps {
  const { kind, apiVersion, metadata } = schema.properties ?? {};
  const named = metadata?.properties?.name?.type === 'string' && metadata.properties.generateName?.type === 'string';
  if (kind?.type === 'string' && apiVersion?.type === 'string' && metadata?.type === 'object' && named) return schema;
  return { ...schema, properties: { ...schema.properties, kind: NAMES, apiVersion: NAMES, metadata: METADATA } };
}
