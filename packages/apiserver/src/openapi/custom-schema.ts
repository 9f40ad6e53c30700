/** Structural schemas of custom resources as OpenAPI 2 and 3 say them. */
import { stringify } from '@keelson/api/codec/stringify';
import type { Json } from './schemas.ts';

/** A JSONSchemaProps of apiextensions.k8s.io/v1. */
export type CustomSchema = Readonly<Record<string, unknown>>;

const INT_OR_STRING = 'x-kubernetes-int-or-string';
const PRESERVE = 'x-kubernetes-preserve-unknown-fields';
const EMBEDDED = 'x-kubernetes-embedded-resource';

/** In the order in which Go writes a schema; extensions follow by name. */
const KEYS = [
  'description',
  'type',
  'nullable',
  'format',
  'title',
  'default',
  'maximum',
  'exclusiveMaximum',
  'minimum',
  'exclusiveMinimum',
  'maxLength',
  'minLength',
  'pattern',
  'maxItems',
  'minItems',
  'uniqueItems',
  'multipleOf',
  'enum',
  'maxProperties',
  'minProperties',
  'required',
  'items',
  'allOf',
  'oneOf',
  'anyOf',
  'not',
  'properties',
  'additionalProperties',
  'externalDocs',
  'example',
  '$ref',
];
/** Of which false is a value like any other; elsewhere it says nothing. */
const ANYTHING = new Set(['default', 'example']);
/** What OpenAPI 2 has not. */
const NOT_IN_2 = new Set(['nullable', 'default', 'allOf', 'oneOf', 'anyOf', 'not']);

type Convert = (schema: CustomSchema) => Json;

/** @param embedded the properties that fields with an embedded resource have besides their own */
export function toSchema3(schema: CustomSchema, embedded: Json): Json {
  const convert: Convert = (s) => inOrder(withEmbedded(unfold(s), embedded, true), convert);
  return convert(schema);
}

const INTEGER_OR_STRING = [{ type: 'integer' }, { type: 'string' }];
const INTEGER_OR_STRING_TEXT = stringify(INTEGER_OR_STRING);

/** What is an integer or a string says so in words that everybody knows (apiserver/schema/unfold.go). */
function unfold(schema: CustomSchema): CustomSchema {
  if (schema[INT_OR_STRING] !== true) return schema;
  const { anyOf, allOf = [] } = schema as { anyOf?: CustomSchema[]; allOf?: CustomSchema[] };
  if (anyOf === undefined && !saysIntegerOrString(allOf[0]?.anyOf)) return { ...schema, anyOf: INTEGER_OR_STRING };
  if (saysIntegerOrString(anyOf) || saysIntegerOrString(allOf[0]?.anyOf)) return schema;
  return { ...schema, allOf: [{ anyOf: INTEGER_OR_STRING }, ...allOf] };
}

function saysIntegerOrString(anyOf: unknown): boolean {
  return stringify(anyOf) === INTEGER_OR_STRING_TEXT;
}

/**
 * Without what version 2 has not. Untyped where kubectl would otherwise refuse what is allowed: nullable fields, and those
 * with unknown fields inside (controller/openapi/v2/conversion.go).
 */
export function toSchema2(schema: CustomSchema, embedded: Json): Json {
  const convert: Convert = (s) => inOrder(withEmbedded(simplify(s), embedded, s[PRESERVE] !== true), convert);
  return convert(schema);
}

function simplify(schema: CustomSchema): CustomSchema {
  const isOpen = schema[PRESERVE] === true;
  const dropped = new Set(NOT_IN_2);
  if (schema.nullable === true || isOpen) {
    dropped.add('items').add('properties');
  }
  if (schema.nullable === true || schema[INT_OR_STRING] === true) dropped.add('type');
  if (isOpen && schema.type === 'object') dropped.add('type');
  if (schema.type === 'array' && (schema.items === undefined || dropped.has('items'))) dropped.add('type');
  const kept = Object.fromEntries(Object.entries(schema).filter(([key]) => !dropped.has(key)));
  const required = requiredIn2(kept);
  if (required === kept.required) return kept;
  const { required: _, ...rest } = kept;
  return required.length > 0 ? { ...rest, required } : rest;
}

/** Null may stand for a required field that is nullable: kubectl would take it for missing. */
function requiredIn2(schema: CustomSchema): readonly string[] {
  const required = (schema.required ?? []) as readonly string[];
  if ((schema.additionalProperties as CustomSchema | undefined)?.nullable === true) return [];
  const properties = (schema.properties ?? {}) as Record<string, CustomSchema>;
  const isNullable = (name: string) => properties[name]?.nullable === true;
  return required.some(isNullable) ? required.filter((name) => !isNullable(name)) : required;
}

function withEmbedded(schema: CustomSchema, embedded: Json, wanted: boolean): CustomSchema {
  if (schema[EMBEDDED] !== true || !wanted) return schema;
  const required = (schema.required ?? []) as readonly string[];
  const missing = ['kind', 'apiVersion'].filter((name) => !required.includes(name));
  return {
    ...schema,
    required: [...required, ...missing],
    properties: { ...(schema.properties as Json | undefined), ...embedded },
  };
}

function inOrder(schema: CustomSchema, convert: Convert): Json {
  const extensions = Object.keys(schema)
    .filter((key) => key.startsWith('x-'))
    .sort();
  const json: Json = {};
  for (const key of [...KEYS, ...extensions]) {
    const value = schema[key];
    if (value != null && (value !== false || ANYTHING.has(key))) json[key] = convertValue(key, value, convert);
  }
  return json;
}

function convertValue(key: string, value: unknown, convert: Convert): unknown {
  switch (key) {
    case 'items':
    case 'not':
      return convert(value as CustomSchema);
    case 'additionalProperties':
      return typeof value === 'boolean' ? value : convert(value as CustomSchema);
    case 'allOf':
    case 'anyOf':
    case 'oneOf':
      return (value as CustomSchema[]).map(convert);
    case 'properties': {
      const entries = Object.entries(value as Record<string, CustomSchema>).sort(([a], [b]) => (a < b ? -1 : 1));
      return Object.fromEntries(entries.map(([name, property]) => [name, convert(property)]));
    }
    default:
      return value;
  }
}
