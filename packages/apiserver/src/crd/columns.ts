/** Tables of custom resources: columns that the definition names by JSON paths (registry/customresource/tableconvertor). */
import { formatFloat } from '@keelson/api/codec/go-float';
import { encodeJson } from '@keelson/api/codec/json';
import type { CustomResourceColumnDefinition } from '@keelson/api/generated/types/apiextensions/v1';
import type { KubeObject } from '@keelson/api/object';
import { age, ageColumn, type Cell, type Column, nameColumn, since } from '../registry/columns.ts';
import type { TableConvertor } from '../registry/strategy.ts';
import { type JsonPath, JsonPathError, parseJsonPath } from './jsonpath.ts';
import { isInteger } from './schema/numbers.ts';

/** Name and age where the definition names none, or one that cannot be read. */
export function customTable(columns: readonly CustomResourceColumnDefinition[] | undefined): TableConvertor {
  const paths = columns?.length ? parsed(columns) : undefined;
  if (!columns || !paths) {
    return {
      columns: [nameColumn, { ...ageColumn, type: 'date' }],
      row: (object) => ({ cells: [object.metadata.name ?? '', age(object)] }),
    };
  }
  return {
    columns: [nameColumn, ...columns.map(columnOf)],
    row: (object) => ({
      cells: [
        object.metadata.name ?? '',
        ...columns.map(({ type }, i) => cellOf(object as KubeObject, type, paths[i]!)),
      ],
    }),
  };
}

function parsed(columns: readonly CustomResourceColumnDefinition[]): JsonPath[] | undefined {
  try {
    return columns.map(({ jsonPath }) => parseJsonPath(jsonPath));
  } catch (error) {
    if (error instanceof JsonPathError) return undefined;
    throw error;
  }
}

function columnOf(definition: CustomResourceColumnDefinition): Column {
  const { name, type, format = '', description, priority = 0, jsonPath } = definition;
  return {
    name,
    type: type as Column['type'],
    format,
    priority,
    description: description || `Custom resource definition column (in JSONPath format): ${jsonPath}`,
  };
}

/** Of what the path leads to, the first. */
function cellOf(object: KubeObject, type: string, path: JsonPath): Cell {
  let found: unknown[];
  try {
    found = path(object);
  } catch (error) {
    if (error instanceof JsonPathError) return null;
    throw error;
  }
  const [value] = found;
  if (value === undefined) return null;
  if (type === 'string') return textOf(value);
  switch (type) {
    case 'integer':
      return typeof value === 'number' ? Math.trunc(value) : typeof value === 'bigint' ? Number(value) : null;
    case 'number':
      return typeof value === 'number' ? value : null;
    case 'boolean':
      return typeof value === 'boolean' ? value : null;
    case 'date':
      if (typeof value !== 'string') return null;
      return RFC3339.test(value) && !Number.isNaN(Date.parse(value)) ? since(value) : '<invalid>';
    default:
      return null;
  }
}

/** As Go's templates print it. */
function textOf(value: unknown): string {
  if (value === null) return '<no value>';
  if (typeof value === 'object') return encodeJson(value).toString();
  return typeof value === 'number' && !isInteger(value) ? formatFloat(value) : String(value);
}

const RFC3339 = /^\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(?:\.\d+)?(?:[Zz]|[+-]\d\d:\d\d)$/;
