/**
 * A schema as the parts of this folder read it: made once for each definition, safe against any name of a property
 * (k8s.io/apiextensions-apiserver/pkg/apiserver/schema).
 */
import type { JSONSchemaProps, ValidationRule } from '@keelson/api/generated/types/apiextensions/v1';
import { supportedFormat } from './formats.ts';

export interface Structural {
  readonly source: JSONSchemaProps;
  /** What values may be; empty: anything. Two where integers and strings are as good. */
  readonly types: readonly string[];
  readonly nullable: boolean;
  /** Undefined where there is none, or null. */
  readonly default: unknown;
  readonly properties: ReadonlyMap<string, Structural>;
  readonly additional: Structural | boolean | undefined;
  readonly items: Structural | undefined;
  readonly preserves: boolean;
  readonly embedded: boolean;
  readonly listType: string | undefined;
  readonly listMapKeys: readonly string[];
  /** Empty for one that values are not held to. */
  readonly format: string;
  readonly allOf: readonly Structural[];
  readonly anyOf: readonly Structural[];
  readonly oneOf: readonly Structural[];
  readonly not: Structural | undefined;
  readonly rules: readonly ValidationRule[];
  /** What there is here or below, so that values without it need not be walked through for it. */
  readonly holds: Holdings;
}

export interface Holdings {
  readonly defaults: boolean;
  readonly embedded: boolean;
  readonly listTypes: boolean;
  readonly rules: boolean;
}

export type Json = Readonly<Record<string, unknown>>;

export function isObject(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** What an object of the API has beyond its schema. */
export const META_FIELDS: ReadonlySet<string> = new Set(['apiVersion', 'kind', 'metadata']);

const INT_OR_STRING = ['integer', 'string'];

/**
 * @param source of the grammar that definitions may have; what is not structural is left out
 * @param isLiteral for defaults: types and formats are those that the schema states. Values of objects may be integers
 *   and strings where these are as good, and are held to formats that go with the type alone.
 */
export function structural(source: JSONSchemaProps, isLiteral = false): Structural {
  const { type, format = '', items, additionalProperties: additional, not } = source;
  const types = source['x-kubernetes-int-or-string'] && !isLiteral ? INT_OR_STRING : type ? [type] : [];
  const inner = (schema: JSONSchemaProps) => structural(schema, isLiteral);
  const all = (schemas: readonly JSONSchemaProps[] = []) => schemas.map(inner);
  const schema = {
    source,
    types,
    nullable: source.nullable ?? false,
    default: source.default ?? undefined,
    properties: new Map(Object.entries(source.properties ?? {}).map(([name, s]) => [name, inner(s)])),
    additional: typeof additional === 'object' ? inner(additional) : additional,
    items: items && !Array.isArray(items) ? inner(items) : undefined,
    preserves: source['x-kubernetes-preserve-unknown-fields'] ?? false,
    embedded: source['x-kubernetes-embedded-resource'] ?? false,
    listType: source['x-kubernetes-list-type'],
    listMapKeys: source['x-kubernetes-list-map-keys'] ?? [],
    format: isLiteral ? format : supportedFormat(types, format),
    allOf: all(source.allOf),
    anyOf: all(source.anyOf),
    oneOf: all(source.oneOf),
    not: not && inner(not),
    rules: source['x-kubernetes-validations'] ?? [],
  };
  return { ...schema, holds: holdingsOf(schema) };
}

function holdingsOf({ items, properties, additional, ...own }: Omit<Structural, 'holds'>): Holdings {
  const holds = {
    defaults: own.default !== undefined,
    embedded: own.embedded,
    listTypes: own.listType === 'set' || own.listType === 'map',
    rules: own.rules.length > 0,
  };
  const include = (below: Holdings) => {
    holds.defaults ||= below.defaults;
    holds.embedded ||= below.embedded;
    holds.listTypes ||= below.listTypes;
    holds.rules ||= below.rules;
  };
  if (items) include(items.holds);
  if (typeof additional === 'object') include(additional.holds);
  for (const property of properties.values()) include(property.holds);
  return holds;
}

/** The schema of a member of an object; true or false where it has none of its own, undefined where there should be none. */
export function memberOf({ properties, additional }: Structural, name: string): Structural | boolean | undefined {
  return properties.get(name) ?? additional;
}

/** The schema of what is a resource by itself. */
export function asResource(schema: Structural): Structural {
  return schema.embedded ? schema : { ...schema, embedded: true, holds: { ...schema.holds, embedded: true } };
}
