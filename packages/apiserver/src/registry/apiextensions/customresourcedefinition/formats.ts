/** Formats that schemas of custom resources may name (k8s.io/apiextensions-apiserver/pkg/apiserver/validation/formats.go). */
import { equalValues } from '@keelson/api/codec/equality';
import type { CustomResourceDefinition, JSONSchemaProps } from '@keelson/api/generated/types/apiextensions/v1';
import { subschemas } from './schema.ts';

/** Dashes do not count. */
const STRINGS = new Set(
  (
    'bsonobjectid uri email hostname ipv4 ipv6 cidr mac uuid uuid3 uuid4 uuid5 isbn isbn10 isbn13 creditcard ssn ' +
    'hexcolor rgbcolor byte password date duration datetime k8sshortname k8slongname'
  ).split(' '),
);
const INTEGERS = new Set(['int32', 'int64']);
const NUMBERS = new Set(['float', 'double']);

export function formatWarnings(crd: CustomResourceDefinition, old?: CustomResourceDefinition): string[] {
  const known = new Set(old && unrecognized(old));
  return unrecognized(crd)
    .filter((format) => !known.has(format))
    .map((format) => `unrecognized format ${JSON.stringify(format)}`);
}

/** A schema that all versions have counts once. */
function unrecognized({ spec }: CustomResourceDefinition): string[] {
  const schemas = (spec.versions ?? []).flatMap((v) => v.schema?.openAPIV3Schema ?? []);
  const [first, ...others] = schemas;
  const areSame = first !== undefined && others.every((schema) => equalValues(schema, first));
  return (areSame ? [first] : schemas).flatMap(unrecognizedIn);
}

function unrecognizedIn(schema: JSONSchemaProps): string[] {
  const { format, type = '' } = schema;
  return [...(format && !isKnown(type, format) ? [format] : []), ...subschemas(schema).flatMap(unrecognizedIn)];
}

function isKnown(type: string, format: string): boolean {
  if (type === '' || type === 'string') return STRINGS.has(format.replaceAll('-', ''));
  if (type === 'integer') return INTEGERS.has(format);
  return type === 'number' && NUMBERS.has(format);
}
