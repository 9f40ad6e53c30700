/**
 * How a whole struct stands in a field error. Upstream validates its internal types, which carry no JSON tags: the
 * message shows Go's field names, and zero values are not left out.
 */

import { withoutEmpties } from '@keelson/api/codec/empties';
import { GoValue, goJSON } from '@keelson/api/field';
import { type Field, type SchemaOrType, type StructType, structType, type Type } from '@keelson/api/schema';
import { reshape } from './internalshapes.ts';

/** Types without an internal twin keep their JSON names. */
const SHARED = 'io.k8s.apimachinery.';

/**
 * @param typeName OpenAPI's name of the versioned type: `io.k8s.api.rbac.v1.RoleRef`
 * @param value in canonical form; undefined is a nil pointer
 */
export function internalValue(typeName: string, value: unknown): GoValue {
  return new GoValue(goJSON(internalForm(typeName, value)));
}

/** The same before it is written. */
export function internalForm(typeName: string, value: unknown): unknown {
  return value == null ? null : internalStruct(structType(typeName), value);
}

/** A slice of such structs; an absent one is null. */
export function internalList(typeName: string, values: readonly unknown[] | null | undefined): GoValue {
  const type = structType(typeName);
  return new GoValue(goJSON(values == null ? null : values.map((v) => internalStruct(type, v))));
}

function internalStruct(type: StructType, value: unknown): unknown {
  if (type.name.startsWith(SHARED)) return withoutEmpties(value as object, type);
  const struct = value as Record<string, unknown>;
  const entries = type.jsonFields.flatMap((field) =>
    // Embedded in the internal type, with its JSON names.
    field.json === 'metadata'
      ? Object.entries(internal(field.type, struct.metadata ?? {}) as object)
      : [[field.go, internalField(field, struct[field.json])] as const],
  );
  return reshape(type.name, struct, Object.fromEntries(entries));
}

function internalField(field: Field, value: unknown): unknown {
  if (value === undefined || value === null) return field.pointer ? null : zero(field.type);
  return internal(field.type, value);
}

function internal(type: Type, value: unknown): unknown {
  if (value === null || value === undefined) return zero(type);
  if (type.kind === 'struct') return internalStruct(type, value);
  if (type.kind === 'list') return (value as unknown[]).map((v) => internal(type.element, v));
  if (type.kind === 'schemaOr') return internalUnion(type, value);
  if (type.kind !== 'map') return value;
  const entries = Object.entries(value as Record<string, unknown>).sort(([a], [b]) => (a < b ? -1 : 1));
  return Object.fromEntries(entries.map(([k, v]) => [k, internal(type.value, v)]));
}

/** A schema, or what may stand in its place. */
function internalUnion({ or, schema }: SchemaOrType, value: unknown): unknown {
  const own = typeof value === 'object' && !Array.isArray(value) ? internalStruct(schema, value) : null;
  switch (or) {
    case 'array':
      return { Schema: own, JSONSchemas: Array.isArray(value) ? value.map((v) => internalStruct(schema, v)) : null };
    case 'bool':
      return { Allows: own !== null || value === true, Schema: own };
    case 'strings':
      return { Schema: own, Property: Array.isArray(value) ? value : null };
  }
}

function zero(type: Type): unknown {
  if (type.kind === 'struct') return type.name.startsWith(SHARED) ? {} : internalStruct(type, {});
  if (type.kind !== 'scalar') return null;
  switch (type.scalar) {
    case 'string':
      return '';
    case 'bool':
      return false;
    case 'int32':
    case 'int64':
    case 'float64':
    case 'intorstring':
      return 0;
    case 'quantity':
      return '0';
    default:
      return null;
  }
}
