/** Compare ValidateCustomResourceDefinitionOpenAPISchema of k8s.io/apiextensions-apiserver's validation. */
import { type ErrorList, forbidden, invalid, notSupported, type Path, plain, required } from '@keelson/api/field';
import type { JSONSchemaProps } from '@keelson/api/generated/types/apiextensions/v1';
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

/** @param wantsKeys whether items of sets and maps must have what tells them apart */
export function validateOpenAPISchema(schema: JSONSchemaProps, wantsKeys: boolean, path: Path): ErrorList {
  return validate(schema, { isRoot: true, insideMetadata: false, wantsKeys }, path);
}

function validate(schema: JSONSchemaProps, place: Place, path: Path): ErrorList {
  return [
    ...validateKeywords(schema, place, path),
    ...(schema.uniqueItems
      ? [
          forbidden(
            path.child('uniqueItems'),
            'uniqueItems cannot be set to true since the runtime complexity becomes quadratic',
          ),
        ]
      : []),
    ...validateSubschemas(schema, { ...place, isRoot: false }, place.isRoot, path),
    ...(schema['x-kubernetes-preserve-unknown-fields'] === false
      ? [invalid(path.child('x-kubernetes-preserve-unknown-fields'), false, 'must be true or undefined')]
      : []),
    ...validateMapType(schema, path),
    ...validateLists(schema, place.wantsKeys, path),
    ...validateRules(schema, path),
  ];
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

function validateSubschemas(schema: JSONSchemaProps, place: Place, isRoot: boolean, path: Path): ErrorList {
  const { not, allOf = [], oneOf = [], anyOf = [], items, definitions, dependencies } = schema;
  const list = (name: string, schemas: JSONSchemaProps[]) =>
    schemas.flatMap((s, i) => validate(s, place, path.child(name).index(i)));
  const itemsList = Array.isArray(items) ? list('items', items) : undefined;
  return [
    ...validateAdditionalProperties(schema, place, path),
    ...validateProperties(schema, place, isRoot, path),
    ...(not ? validate(not, place, path.child('not')) : []),
    ...list('allOf', allOf),
    ...list('oneOf', oneOf),
    ...list('anyOf', anyOf),
    ...Object.entries(definitions ?? {}).flatMap(([key, s]) => validate(s, place, path.child('definitions').key(key))),
    ...(itemsList ?? (items && !Array.isArray(items) ? validate(items, place, path.child('items')) : [])),
    ...Object.entries(dependencies ?? {}).flatMap(([key, s]) =>
      s === null || Array.isArray(s) ? [] : validate(s, place, path.child('dependencies').key(key)),
    ),
  ];
}

function validateAdditionalProperties(
  { additionalProperties: additional, properties }: JSONSchemaProps,
  place: Place,
  path: Path,
): ErrorList {
  const at = path.child('additionalProperties');
  const errors: ErrorList = [];
  if (additional !== undefined && additional !== true && Object.keys(properties ?? {}).length > 0)
    errors.push(forbidden(at, 'additionalProperties and properties are mutual exclusive'));
  if (typeof additional !== 'object') return errors;
  const within = place.insideMetadata
    ? { ...place, noDefaults: 'inside additionalProperties applying to object metadata' }
    : place;
  return [...errors, ...validate(additional, within, at)];
}

function validateProperties(schema: JSONSchemaProps, place: Place, isRoot: boolean, path: Path): ErrorList {
  const isResource = isRoot || schema['x-kubernetes-embedded-resource'];
  return Object.entries(schema.properties ?? {}).flatMap(([key, property]) => {
    const isMeta = isResource && META.includes(key);
    const within = {
      ...place,
      ...(isMeta && { insideMetadata: true }),
      ...(isMeta && isRoot && { noDefaults: `in top-level ${key}` }),
    };
    return validate(property, within, path.child('properties').key(key));
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
