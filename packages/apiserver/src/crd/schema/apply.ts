/** The schema as server-side apply sees it (k8s.io/kube-openapi/pkg/schemaconv). */
import { type ApplySchema, ATOMIC, applySchemaOf, DEDUCED, listSchema, mapSchema } from '@keelson/api/apply/schema';
import { structType } from '@keelson/api/schema';
import type { Structural } from './structural.ts';

const STRING: ApplySchema = { scalar: 'string' };
const UNTYPED: ApplySchema = { scalar: 'untyped' };
const OBJECT_META = applySchemaOf(structType('io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta'));
const META = [
  { name: 'apiVersion', schema: STRING },
  { name: 'kind', schema: STRING },
  { name: 'metadata', schema: OBJECT_META },
];

/**
 * @param schema of an object of the API; undefined: nothing is known
 * @param preserves whether unknown fields are fine wherever they stand
 */
export function applySchema(schema: Structural | undefined, preserves: boolean): ApplySchema {
  if (!schema) return { map: mapSchema([], DEDUCED, false) };
  return convert({ ...schema, embedded: true }, preserves);
}

/** @param inherited whether a schema around this one preserves unknown fields */
function convert(schema: Structural, inherited: boolean): ApplySchema {
  const { type, format } = schema.source;
  const preserves = inherited || schema.preserves;
  switch (type ?? '') {
    case '':
      return { scalar: 'untyped', list: listOf(schema, preserves), map: mapOf(schema, preserves) };
    case 'object':
      return { map: mapOf(schema, preserves) };
    case 'array':
      return { list: listOf(schema, preserves) };
    case 'integer':
    case 'number':
      return { scalar: 'numeric' };
    case 'boolean':
      return { scalar: 'boolean' };
    default:
      return format && format !== 'byte' ? UNTYPED : STRING;
  }
}

function mapOf({ properties, additional, embedded, source }: Structural, preserves: boolean) {
  const own = [...properties].map(([name, property]) => ({ name, schema: convert(property, preserves) }));
  const fields = embedded ? [...own.filter(({ name }) => !META.some((m) => m.name === name)), ...META] : own;
  // An object without properties is free in form.
  const isFree = additional === undefined ? preserves || fields.length === 0 : additional !== false;
  const element = typeof additional === 'object' ? convert(additional, preserves) : isFree ? DEDUCED : undefined;
  return mapSchema(fields, element, source['x-kubernetes-map-type'] === 'atomic');
}

function listOf({ items, listType, listMapKeys }: Structural, preserves: boolean) {
  const element = items ? convert(items, preserves) : ATOMIC;
  const keys = listType === 'map' ? listMapKeys : [];
  return listSchema(
    element,
    listType !== 'set' && listType !== 'map',
    keys.map((name) => ({ name, default: items?.properties.get(name)?.default })),
  );
}
