/** Types as the built-in kinds declare them, by what OpenAPI says of them (k8s.io/apiserver/pkg/cel/openapi). */
import type { StructType as ApiStruct, Type as ApiType, ScalarName } from '@keelson/api/schema';
import {
  BOOL,
  BYTES,
  type Declared,
  type DeclaredField,
  DOUBLE,
  DYN,
  INT,
  listOf,
  mapOf,
  object,
  STRING,
  TIMESTAMP,
} from '../types/declared.ts';
import { escapeName } from './escape.ts';

/** Those of several types, quantities among them, are not to be seen; a time is to be found out when it comes. */
const SCALARS: Readonly<Partial<Record<ScalarName, Declared>>> = {
  string: STRING,
  bool: BOOL,
  int32: INT,
  int64: INT,
  float64: DOUBLE,
  bytes: BYTES,
  time: TIMESTAMP,
  microtime: TIMESTAMP,
  intorstring: DYN,
};

/** Objects of which nothing is declared. */
const BARE: ReadonlySet<ScalarName> = new Set(['raw', 'fields']);

/**
 * Undefined where expressions see nothing.
 * @param name of the object type; types within it are named after it
 */
export function fromBuiltin(type: ApiType, name: string): Declared | undefined {
  switch (type.kind) {
    case 'scalar':
      return BARE.has(type.scalar) ? object(name, {}) : SCALARS[type.scalar];
    case 'list': {
      const element = fromBuiltin(type.element, `${name}.@idx`);
      return element && listOf(element);
    }
    case 'map': {
      const value = fromBuiltin(type.value, `${name}.@elem`);
      return value && mapOf(STRING, value);
    }
    case 'schemaOr':
      return undefined;
    case 'struct':
      return object(name, () => fieldsOf(type, name));
  }
}

/** Types refer to themselves: fields are looked at when they are asked for. */
function* fieldsOf(type: ApiStruct, parent: string): Generator<[string, DeclaredField]> {
  for (const { json, type: fieldType } of type.jsonFields) {
    const name = escapeName(json);
    const declared = fromBuiltin(fieldType, `${parent}.${name}`);
    if (name !== undefined && declared) yield [name, { json, declared }];
  }
}
