/** Types as the built-in kinds declare them. */
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

const SCALARS: Readonly<Record<ScalarName, Declared>> = {
  string: STRING,
  bool: BOOL,
  int32: INT,
  int64: INT,
  float64: DOUBLE,
  bytes: BYTES,
  time: TIMESTAMP,
  microtime: TIMESTAMP,
  quantity: STRING,
  intorstring: DYN,
  raw: DYN,
  fields: DYN,
  json: DYN,
  any: DYN,
};

const known = new WeakMap<ApiStruct, Declared>();

/** @param type of `@keelson/api/schema`; named as in OpenAPI: `io.k8s.api.core.v1.Pod` */
export function fromBuiltin(type: ApiType): Declared {
  switch (type.kind) {
    case 'scalar':
      return SCALARS[type.scalar];
    case 'list':
      return listOf(fromBuiltin(type.element));
    case 'map':
      return mapOf(STRING, fromBuiltin(type.value));
    case 'schemaOr':
      return DYN;
    case 'struct':
      return fromStruct(type);
  }
}

/** Types refer to themselves: fields are looked at when they are asked for. */
function fromStruct(type: ApiStruct): Declared {
  const before = known.get(type);
  if (before) return before;
  const declared = object(type.name, () => fieldsOf(type));
  known.set(type, declared);
  return declared;
}

function* fieldsOf(type: ApiStruct): Generator<[string, DeclaredField]> {
  for (const { json, type: fieldType } of type.jsonFields) {
    const name = escapeName(json);
    if (name !== undefined) yield [name, { json, declared: fromBuiltin(fieldType) }];
  }
}
