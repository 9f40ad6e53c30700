/** x-kubernetes-list-type and -list-map-keys. */

import { type ErrorList, forbidden, invalid, notSupported, type Path, required } from '@keelson/api/field';
import type { JSONSchemaProps } from '@keelson/api/generated/types/apiextensions/v1';
import { repeatsIn } from '@keelson/api/validation/repeats';
import { internalForm } from '../../validation/internal.ts';

const LIST_TYPES = ['atomic', 'set', 'map'];
const SCHEMA = 'io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.JSONSchemaProps';

/** @param wantsKeys whether the rules of {@link validateItems} hold */
export function validateLists(schema: JSONSchemaProps, wantsKeys: boolean, path: Path): ErrorList {
  const { 'x-kubernetes-list-type': listType, 'x-kubernetes-list-map-keys': keys = [], type = '' } = schema;
  const at = path.child('x-kubernetes-list-type');
  const errors: ErrorList = [];
  if (listType !== undefined && type !== 'array') {
    const detail = 'must be array if x-kubernetes-list-type is specified';
    errors.push(type === '' ? required(path.child('type'), detail) : invalid(path.child('type'), type, detail));
  } else if (listType === 'set') {
    errors.push(...validateSet(schema, path));
  }
  if (listType !== undefined && !LIST_TYPES.includes(listType)) errors.push(notSupported(at, listType, LIST_TYPES));
  if (keys.length > 0 && listType !== 'map') {
    const detail = 'must be map if x-kubernetes-list-map-keys is non-empty';
    errors.push(listType === undefined ? required(at, detail) : invalid(at, listType, detail));
  }
  if (listType === 'map') errors.push(...validateMap(schema, keys, path));
  return wantsKeys ? [...errors, ...validateItems(schema, path)] : errors;
}

/** Items of a set are compared as a whole. */
function validateSet({ items }: JSONSchemaProps, path: Path): ErrorList {
  if (!items || Array.isArray(items)) return [];
  const { 'x-kubernetes-list-type': listType, 'x-kubernetes-map-type': mapType, type } = items;
  const detail = 'must be atomic as item of a list with x-kubernetes-list-type=set';
  const at = path.child('items');
  if (type === 'array' && listType !== undefined && listType !== 'atomic')
    return [invalid(at.child('x-kubernetes-list-type'), listType, detail)];
  // The value shown is of the wrong field: so it is upstream.
  if (type === 'object' && mapType !== 'atomic') return [invalid(at.child('x-kubernetes-map-type'), listType, detail)];
  return [];
}

function validateMap({ items }: JSONSchemaProps, keys: string[], path: Path): ErrorList {
  const keysPath = path.child('x-kubernetes-list-map-keys');
  const at = path.child('items');
  const errors: ErrorList =
    keys.length === 0 ? [required(keysPath, 'must not be empty if x-kubernetes-list-type is map')] : [];
  if (items === undefined) return [...errors, required(at, 'must have a schema if x-kubernetes-list-type is map')];
  if (items === null || Array.isArray(items)) {
    const shown = { Schema: null, JSONSchemas: items?.map((s) => internalForm(SCHEMA, s)) ?? null };
    return [...errors, invalid(at, shown, 'must only have a single schema if x-kubernetes-list-type is map')];
  }
  if (items.type !== 'object')
    return [
      ...errors,
      invalid(at.child('type'), items.type ?? '', "must be object if parent array's x-kubernetes-list-type is map"),
    ];
  const repeats = repeatsIn(keys);
  for (const [i, key] of keys.entries()) {
    const property = items.properties?.[key];
    if (!property) errors.push(invalid(keysPath, keys, 'entries must all be names of item properties'));
    else if (property.type === 'array' || property.type === 'object')
      errors.push(
        invalid(
          at.child('properties').key(key).child('type'),
          items.type,
          "must be a scalar type if parent array's x-kubernetes-list-type is map",
        ),
      );
    if (repeats.has(i)) errors.push(invalid(keysPath, keys, 'must not contain duplicate entries'));
  }
  return errors;
}

/** What an item is recognized by must be there. */
export function validateItems(schema: JSONSchemaProps, path: Path): ErrorList {
  const { 'x-kubernetes-list-type': listType, 'x-kubernetes-list-map-keys': keys = [], items } = schema;
  if (!items || Array.isArray(items) || (listType !== 'set' && listType !== 'map')) return [];
  const at = path.child('items');
  const errors: ErrorList = items.nullable
    ? [forbidden(at.child('nullable'), `cannot be nullable when x-kubernetes-list-type is ${listType}`)]
    : [];
  for (const key of listType === 'map' ? keys : []) {
    const property = items.properties?.[key];
    const propertyPath = at.child('properties').key(key);
    if (!property) continue;
    if (!items.required?.includes(key) && property.default === undefined)
      errors.push(
        required(
          propertyPath.child('default'),
          'this property is in x-kubernetes-list-map-keys, so it must have a default or be a required property',
        ),
      );
    if (property.nullable)
      errors.push(
        forbidden(
          propertyPath.child('nullable'),
          'this property is in x-kubernetes-list-map-keys, so it cannot be nullable',
        ),
      );
  }
  return errors;
}
