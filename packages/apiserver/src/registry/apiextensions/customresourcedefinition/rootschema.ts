import { type ErrorList, invalid, type Path } from '@keelson/api/field';
import type { JSONSchemaProps } from '@keelson/api/generated/types/apiextensions/v1';
import { internalValue } from '../../validation/internal.ts';

const SCHEMA = 'io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.JSONSchemaProps';
/** Go's names of them; the JSON names differ in their first letter, and by a prefix. */
const ROOT_FIELDS =
  'Description Type Format Title Maximum ExclusiveMaximum Minimum ExclusiveMinimum MaxLength MinLength Pattern MaxItems MinItems UniqueItems MultipleOf Required Items Properties ExternalDocs Example XPreserveUnknownFields XValidations';
const ROOT_JSON = new Set(
  ROOT_FIELDS.split(' ').map((name) => {
    if (name === 'XPreserveUnknownFields') return 'x-kubernetes-preserve-unknown-fields';
    return name === 'XValidations' ? 'x-kubernetes-validations' : `${name[0]!.toLowerCase()}${name.slice(1)}`;
  }),
);

/** They say nothing where they are false. */
const FLAGS = new Set(['nullable', 'x-kubernetes-embedded-resource', 'x-kubernetes-int-or-string']);
/** In the order of upstream's type what stands before the type, which alone is told of where it is wrong. */
const BEFORE_TYPE = new Set(['id', '$schema', '$ref']);

/** The status is judged by the schema's `status` property alone: what else the root says of it would be lost. */
export function validateRootWithStatus(schema: JSONSchemaProps, path: Path): ErrorList {
  const { type } = schema;
  const lost = Object.entries(schema).filter(
    ([field, value]) => !ROOT_JSON.has(field) && (value !== false || !FLAGS.has(field)),
  );
  if (type && type !== 'object' && !lost.some(([field]) => BEFORE_TYPE.has(field)))
    return [
      invalid(
        path.child('type'),
        type,
        'only "object" is allowed as the type at the root of the schema if the status subresource is enabled',
      ),
    ];
  if (lost.length === 0) return [];
  const detail = `only [${ROOT_FIELDS}] fields are allowed at the root of the schema if the status subresource is enabled`;
  return [invalid(path, internalValue(SCHEMA, schema), detail)];
}
