/** Compare ValidateCustomResourceDefinitionOpenAPISchema of k8s.io/apiextensions-apiserver's validation. */
import { type ErrorList, forbidden, invalid, notSupported, type Path, plain, required } from '@keelson/api/field';
import type { JSONSchemaProps } from '@keelson/api/generated/types/apiextensions/v1';
import type { Pieces } from '@keelson/api/pieces';
import { validateLists } from './listtypes.ts';
import { validateRules } from './rules.ts';

const TYPES = ['array', 'boolean', 'integer', 'number', 'object', 'string'];
const META = ['metadata', 'kind', 'apiVersion'];

/** Where in an object the schema stands. */
interface Place {
  readonly isRoot: boolean;
  /** Why defaults are forbidden here. */
  readonly noDefaults?: string;
  readonly insideMetadata: boolean;
  readonly wantsKeys: boolean;
}

export interface SchemaFindings {
  readonly errors: ErrorList;
  /** The paths of the schemas in which, or within which, there are errors. */
  readonly faulty: Set<string>;
}

/** @param wantsKeys whether items of sets and maps must have what tells them apart */
export function* validateOpenAPISchema(
  schema: JSONSchemaProps,
  wantsKeys: boolean,
  path: Path,
): Pieces<SchemaFindings> {
  const findings: SchemaFindings = { errors: [], faulty: new Set() };
  yield* validate(schema, { isRoot: true, insideMetadata: false, wantsKeys }, path, findings);
  return findings;
}

function* validate(schema: JSONSchemaProps, place: Place, path: Path, findings: SchemaFindings): Pieces<void> {
  yield;
  const { errors, faulty } = findings;
  const before = errors.length;
  errors.push(...validateKeywords(schema, place, path));
  if (schema.uniqueItems)
    errors.push(
      forbidden(
        path.child('uniqueItems'),
        'uniqueItems cannot be set to true since the runtime complexity becomes quadratic',
      ),
    );
  if (isExclusive(schema))
    errors.push(
      forbidden(path.child('additionalProperties'), 'additionalProperties and properties are mutual exclusive'),
    );
  for (const [inner, within, at] of subschemasOf(schema, place, path)) yield* validate(inner, within, at, findings);
  if (schema['x-kubernetes-preserve-unknown-fields'] === false)
    errors.push(invalid(path.child('x-kubernetes-preserve-unknown-fields'), false, 'must be true or undefined'));
  errors.push(
    ...validateMapType(schema, path),
    ...validateLists(schema, place.wantsKeys, path),
    ...validateRules(schema, path),
  );
  if (errors.length > before) faulty.add(path.toString());
}

const KEYWORDS = ['id', 'additionalItems', 'patternProperties', 'definitions', 'dependencies', '$ref'] as const;

/** Some of these, when they are empty, are as good as none. */
function isUsed(schema: JSONSchemaProps, keyword: (typeof KEYWORDS)[number]): boolean {
  const value = schema[keyword];
  if (keyword === 'patternProperties' || keyword === 'definitions') return Object.keys(value ?? {}).length > 0;
  return value !== undefined && (keyword !== 'id' || value !== '');
}

function validateKeywords(schema: JSONSchemaProps, { noDefaults, insideMetadata }: Place, path: Path): ErrorList {
  const { type = '', items } = schema;
  const errors: ErrorList = [];
  if (type !== '' && !TYPES.includes(type)) errors.push(notSupported(path.child('type'), plain(type), TYPES));
  if (schema.default !== undefined && noDefaults !== undefined)
    errors.push(forbidden(path.child('default'), `must not be set ${noDefaults}`));
  for (const keyword of KEYWORDS)
    if (isUsed(schema, keyword)) errors.push(forbidden(path.child(keyword), `${keyword} is not supported`));
  if (type === 'null')
    errors.push(forbidden(path.child('type'), 'type cannot be set to null, use nullable as an alternative'));
  if (Array.isArray(items) && items.length > 0)
    errors.push(forbidden(path.child('items'), 'items must be a schema object and not an array'));
  if (insideMetadata && schema['x-kubernetes-embedded-resource'])
    errors.push(forbidden(path.child('x-kubernetes-embedded-resource'), 'must not be used inside of resource meta'));
  return errors;
}

function isExclusive({ additionalProperties: additional, properties }: JSONSchemaProps): boolean {
  return additional !== undefined && additional !== true && Object.keys(properties ?? {}).length > 0;
}

type Inner = [schema: JSONSchemaProps, place: Place, path: Path];

/** The schemas within, in upstream's order. */
function subschemasOf(schema: JSONSchemaProps, place: Place, path: Path): Inner[] {
  const { not, allOf = [], oneOf = [], anyOf = [], items, definitions, dependencies } = schema;
  const within = { ...place, isRoot: false };
  const list = (name: string, schemas: JSONSchemaProps[]) =>
    schemas.map((s, i): Inner => [s, within, path.child(name).index(i)]);
  const map = (name: string, schemas: Readonly<Record<string, JSONSchemaProps | string[] | null>> = {}) =>
    Object.entries(schemas).flatMap(([key, s]): Inner[] =>
      s === null || Array.isArray(s) ? [] : [[s, within, path.child(name).key(key)]],
    );
  return [
    ...additionalOf(schema, within, path),
    ...propertiesOf(schema, place, path),
    ...(not ? [[not, within, path.child('not')] satisfies Inner] : []),
    ...list('allOf', allOf),
    ...list('oneOf', oneOf),
    ...list('anyOf', anyOf),
    ...map('definitions', definitions),
    ...(Array.isArray(items)
      ? list('items', items)
      : items
        ? [[items, within, path.child('items')] satisfies Inner]
        : []),
    ...map('dependencies', dependencies),
  ];
}

function additionalOf({ additionalProperties: additional }: JSONSchemaProps, place: Place, path: Path): Inner[] {
  if (typeof additional !== 'object') return [];
  const within = place.insideMetadata
    ? { ...place, noDefaults: 'inside additionalProperties applying to object metadata' }
    : place;
  return [[additional, within, path.child('additionalProperties')]];
}

function propertiesOf(schema: JSONSchemaProps, place: Place, path: Path): Inner[] {
  const { isRoot } = place;
  const isResource = isRoot || schema['x-kubernetes-embedded-resource'];
  return Object.entries(schema.properties ?? {}).map(([key, property]): Inner => {
    const isMeta = isResource && META.includes(key);
    const within = {
      ...place,
      isRoot: false,
      ...(isMeta && { insideMetadata: true }),
      ...(isMeta && isRoot && { noDefaults: `in top-level ${key}` }),
    };
    return [property, within, path.child('properties').key(key)];
  });
}

const MAP_TYPES = ['atomic', 'granular'];

function validateMapType(schema: JSONSchemaProps, path: Path): ErrorList {
  const { 'x-kubernetes-map-type': mapType, type = '' } = schema;
  if (mapType === undefined) return [];
  const detail = 'must be object if x-kubernetes-map-type is specified';
  const at = path.child('type');
  return [
    ...(type === 'object' ? [] : [type === '' ? required(at, detail) : invalid(at, type, detail)]),
    ...(MAP_TYPES.includes(mapType) ? [] : [notSupported(path.child('x-kubernetes-map-type'), mapType, MAP_TYPES)]),
  ];
}
