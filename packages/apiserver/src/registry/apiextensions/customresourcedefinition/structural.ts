/**
 * Structural schemas: every value has one known type, and what only restricts values (allOf, anyOf, oneOf, not) says
 * nothing else. Compare k8s.io/apiextensions-apiserver/pkg/apiserver/schema {validation,complete,convert}.go.
 */
import { semanticEqual } from '@keelson/api/codec/equality';
import { type ErrorList, forbidden, invalid, type Path, required } from '@keelson/api/field';
import type { JSONSchemaProps } from '@keelson/api/generated/types/apiextensions/v1';
import type { Pieces } from '@keelson/api/pieces';

type Level = 'root' | 'item' | 'field';

/** What is wrong with a regular expression in Go's words; undefined for a good one. */
export type PatternCheck = (pattern: string) => string | undefined;

/** Sorted by text. */
export function* validateStructural(schema: JSONSchemaProps, path: Path, pattern: PatternCheck): Pieces<ErrorList> {
  const check = new StructuralCheck(pattern);
  yield* check.schema(schema, 'root', path);
  const errors = [...check.errors, ...completeness(schema, path)];
  const shown = errors.map((error) => ({ error, text: error.toString() }));
  return shown.sort((a, b) => (a.text < b.text ? -1 : a.text > b.text ? 1 : 0)).map(({ error }) => error);
}

const UNSUPPORTED = [
  ['id', 'id'],
  ['$schema', 'schema'],
  ['$ref', '$ref'],
  ['patternProperties', 'patternProperties'],
  ['dependencies', 'dependencies'],
  ['additionalItems', 'additionalItems'],
  ['definitions', 'definitions'],
] as const;

/** What keeps the schema from being looked at as a structural one at all. */
export function unstructuralProblem(schema: JSONSchemaProps): string | undefined {
  const field = UNSUPPORTED.find(([json]) => isGiven(schema[json], json));
  if (field) return `OpenAPIV3Schema '${field[1]}' is not supported`;
  if (schema['x-kubernetes-preserve-unknown-fields'] === false)
    return "internal error: 'x-kubernetes-preserve-unknown-fields' must be true or undefined";
  if (Array.isArray(schema.items)) return "OpenAPIV3Schema 'items' must be a schema, but is an array";
  for (const part of parts(schema)) {
    const problem = unstructuralProblem(part);
    if (problem) return problem;
  }
  return undefined;
}

/** Empty texts and maps say nothing; an empty schema says that anything may follow. */
function isGiven(value: unknown, field: (typeof UNSUPPORTED)[number][0]): boolean {
  if (typeof value === 'object' && value !== null) return field === 'additionalItems' || Object.keys(value).length > 0;
  return value !== undefined && value !== '';
}

function parts(schema: JSONSchemaProps): JSONSchemaProps[] {
  const { not, allOf, anyOf, oneOf, properties } = schema;
  return [
    ...(not ? [not] : []),
    ...(allOf ?? []),
    ...(anyOf ?? []),
    ...(oneOf ?? []),
    ...[itemsOf(schema), additionalOf(schema)].filter((s) => s !== undefined),
    ...Object.values(properties ?? {}),
  ];
}

function itemsOf({ items }: JSONSchemaProps): JSONSchemaProps | undefined {
  return Array.isArray(items) ? undefined : (items ?? undefined);
}

function additionalOf({ additionalProperties }: JSONSchemaProps): JSONSchemaProps | undefined {
  return typeof additionalProperties === 'object' ? additionalProperties : undefined;
}

const INT_OR_STRING = [{ type: 'integer' }, { type: 'string' }];

function isIntOrString(anyOf: JSONSchemaProps[] | undefined): boolean {
  return semanticEqual(anyOf ?? [], INT_OR_STRING);
}

const MISSING_TYPE: Readonly<Record<Level, string>> = {
  root: 'must not be empty at the root',
  item: 'must not be empty for specified array items',
  field: 'must not be empty for specified object fields',
};

class StructuralCheck {
  readonly errors: ErrorList = [];
  readonly #pattern: PatternCheck;

  constructor(pattern: PatternCheck) {
    this.#pattern = pattern;
  }

  *schema(schema: JSONSchemaProps, level: Level, path: Path): Pieces<void> {
    yield;
    const { errors } = this;
    const { type, properties = {}, additionalProperties, allOf, anyOf } = schema;
    const items = itemsOf(schema);
    const additional = additionalOf(schema);
    if (type === 'array' && !items) errors.push(required(path.child('items'), 'must be specified'));
    if (items) yield* this.schema(items, 'item', path.child('items'));
    for (const [key, property] of Object.entries(properties))
      yield* this.schema(property, 'field', path.child('properties').key(key));
    if (additionalProperties !== undefined && level === 'root')
      errors.push(forbidden(path.child('additionalProperties'), 'must not be used at the root'));
    if (additional) yield* this.schema(additional, 'field', path.child('additionalProperties'));
    errors.push(...validateExtensions(schema, path));
    errors.push(...this.#restrictions(schema, isIntOrString(anyOf), isIntOrString(allOf?.[0]?.anyOf), path));
    errors.push(...validateType(schema, level, path), ...validateResource(schema, level, path));
  }

  #restrictions(schema: JSONSchemaProps, skipAnyOf: boolean, skipFirstAllOf: boolean, path: Path): ErrorList {
    const { anyOf = [], allOf = [], oneOf = [], not, pattern } = schema;
    const list = (name: string, schemas: JSONSchemaProps[], skipFirst = false) =>
      schemas.flatMap((s, i) => this.#nested(s, skipFirst && i === 0, path.child(name).index(i)));
    const problem = pattern ? this.#pattern(pattern) : undefined;
    return [
      ...(skipAnyOf ? [] : list('anyOf', anyOf)),
      ...list('allOf', allOf, skipFirstAllOf),
      ...list('oneOf', oneOf),
      ...(not ? this.#nested(not, false, path.child('not')) : []),
      ...(problem
        ? [invalid(path.child('pattern'), pattern, `must be a valid regular expression, but isn't: ${problem}`)]
        : []),
    ];
  }

  #nested(schema: JSONSchemaProps, skipAnyOf: boolean, path: Path): ErrorList {
    const { properties = {}, additionalProperties } = schema;
    const items = itemsOf(schema);
    return [
      ...this.#restrictions(schema, skipAnyOf, false, path),
      ...(items ? this.#nested(items, false, path.child('items')) : []),
      ...Object.entries(properties).flatMap(([key, property]) =>
        this.#nested(property, false, path.child('properties').key(key)),
      ),
      ...(additionalProperties
        ? [forbidden(path.child('additionalProperties'), 'must be undefined to be structural')]
        : []),
      ...FORBIDDEN.flatMap(([field, must]) =>
        isSet(schema[field]) ? [forbidden(path.child(field), `must be ${must} to be structural`)] : [],
      ),
      ...(properties.metadata
        ? [forbidden(path.child('properties').key('metadata'), 'must not be specified in a nested context')]
        : []),
    ];
  }
}

/** In schemas that only restrict values. */
const FORBIDDEN = [
  ['type', 'empty'],
  ['default', 'undefined'],
  ['title', 'empty'],
  ['description', 'empty'],
  ['nullable', 'false'],
  ['x-kubernetes-preserve-unknown-fields', 'false'],
  ['x-kubernetes-embedded-resource', 'false'],
  ['x-kubernetes-int-or-string', 'false'],
  ['x-kubernetes-list-map-keys', 'empty'],
  ['x-kubernetes-list-type', 'undefined'],
  ['x-kubernetes-map-type', 'undefined'],
  ['x-kubernetes-validations', 'empty'],
] as const;

function isSet(value: unknown): boolean {
  if (Array.isArray(value)) return value.length > 0;
  return value !== undefined && value !== null && value !== false && value !== '';
}

function validateExtensions(schema: JSONSchemaProps, path: Path): ErrorList {
  if (!schema['x-kubernetes-int-or-string']) return [];
  return (['x-kubernetes-preserve-unknown-fields', 'x-kubernetes-embedded-resource'] as const).flatMap((field) =>
    schema[field] ? [invalid(path.child(field), true, 'must be false if x-kubernetes-int-or-string is true')] : [],
  );
}

function validateType(schema: JSONSchemaProps, level: Level, path: Path): ErrorList {
  const { type = '' } = schema;
  const at = path.child('type');
  const errors: ErrorList = [];
  if (schema['x-kubernetes-embedded-resource'] && type !== 'object') {
    const detail = 'must be object if x-kubernetes-embedded-resource is true';
    errors.push(type === '' ? required(at, detail) : invalid(at, type, detail));
  } else if (type === '' && !schema['x-kubernetes-int-or-string'] && !schema['x-kubernetes-preserve-unknown-fields']) {
    errors.push(required(at, MISSING_TYPE[level]));
  }
  if (level === 'root' && type !== '' && type !== 'object')
    errors.push(invalid(at, type, 'must be object at the root'));
  return errors;
}

/** Objects with metadata: at the root, and embedded. */
function validateResource(schema: JSONSchemaProps, level: Level, path: Path): ErrorList {
  const { properties = {}, additionalProperties } = schema;
  const embedded = schema['x-kubernetes-embedded-resource'] ?? false;
  const isResource = level === 'root' || embedded;
  const errors: ErrorList = [];
  if (embedded && additionalProperties !== undefined)
    errors.push(
      forbidden(path.child('additionalProperties'), 'must not be used if x-kubernetes-embedded-resource is set'),
    );
  for (const key of isResource ? ['kind', 'apiVersion'] : []) {
    const property = properties[key];
    if (property && property.type !== 'string')
      errors.push(invalid(path.child('properties').key(key).child('type'), property.type ?? '', 'must be string'));
  }
  if (properties.metadata)
    errors.push(...validateMetadata(properties.metadata, isResource, level, path.child('properties').key('metadata')));
  if (embedded && !schema['x-kubernetes-preserve-unknown-fields'] && Object.keys(properties).length === 0)
    errors.push(
      required(
        path.child('properties'),
        'must not be empty if x-kubernetes-embedded-resource is true without x-kubernetes-preserve-unknown-fields',
      ),
    );
  return errors;
}

function validateMetadata(schema: JSONSchemaProps, isResource: boolean, level: Level, path: Path): ErrorList {
  const { type = '', default: _, properties = {}, ...rest } = schema;
  const errors: ErrorList = [];
  if (isResource && type !== 'object') errors.push(invalid(path.child('type'), type, 'must be object'));
  const onlyNames = Object.keys(properties).every((key) => key === 'name' || key === 'generateName');
  if (level === 'root' && (!onlyNames || Object.keys(rest).length > 0))
    errors.push(
      forbidden(
        path,
        'must not specify anything other than name and generateName, but metadata is implicitly specified',
      ),
    );
  return errors;
}

/** What a restriction speaks of must be specified outside of it as well. */
function completeness(schema: JSONSchemaProps, path: Path): ErrorList {
  return restrictionsCompleteness(schema, schema, path, path);
}

function restrictionsCompleteness(
  { not, allOf = [], anyOf = [], oneOf = [] }: JSONSchemaProps,
  schema: JSONSchemaProps,
  path: Path,
  at: Path,
): ErrorList {
  const list = (name: string, schemas: JSONSchemaProps[]) =>
    schemas.flatMap((s, i) => nestedCompleteness(s, schema, path, at.child(name).index(i)));
  return [
    ...(not ? nestedCompleteness(not, schema, path, at.child('not')) : []),
    ...list('allOf', allOf),
    ...list('anyOf', anyOf),
    ...list('oneOf', oneOf),
  ];
}

function nestedCompleteness(
  nested: JSONSchemaProps,
  schema: JSONSchemaProps | undefined,
  path: Path,
  at: Path,
): ErrorList {
  if (!schema) return [required(path, `because it is defined in ${at}`)];
  const items = itemsOf(nested);
  return [
    ...restrictionsCompleteness(nested, schema, path, at),
    ...(items ? nestedCompleteness(items, itemsOf(schema), path.child('items'), at.child('items')) : []),
    ...Object.entries(nested.properties ?? {}).flatMap(([key, property]) =>
      nestedCompleteness(
        property,
        schema.properties?.[key],
        path.child('properties').key(key),
        at.child('properties').key(key),
      ),
    ),
  ];
}
