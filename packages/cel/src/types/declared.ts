/**
 * Types as schemas declare them: besides the type, how long a value can be and how JSON becomes a value
 * (k8s.io/apiserver/pkg/cel DeclType).
 */
import { isReserved } from '../schema/escape.ts';
import {
  BoolType,
  BytesType,
  DoubleType,
  DurationType,
  DynType,
  IntType,
  listType,
  mapType,
  NullType,
  optionalType,
  StringType,
  type StructType,
  TimestampType,
  type Type,
  UintType,
} from './type.ts';

/** No bound is known. What has no length has 0. */
export const NO_MAX = 2 ** 63 - 1;

interface Common {
  readonly type: Type;
  /** The longest string (code points), list or map (elements). */
  readonly maxElements: number;
  /** Bytes that the shortest value takes in JSON: bounds how many fit into a request. */
  readonly minSize: number;
}

/** How JSON of a scalar is read: `bytes` from base64, times and durations from text; `dyn` by what stands there. */
export type ScalarForm =
  | 'bool'
  | 'int'
  | 'uint'
  | 'double'
  | 'string'
  | 'bytes'
  | 'null'
  | 'timestamp'
  | 'date'
  | 'duration'
  | 'dyn';

export interface DeclaredScalar extends Common {
  readonly kind: 'scalar';
  readonly form: ScalarForm;
}
/** A list, a map or an object. */
interface Container extends Common {
  /** Declared by the schema of a custom resource: upstream has values of their own for these (see `ListValue.strict`). */
  readonly strict?: true;
}

export interface DeclaredList extends Container {
  readonly kind: 'list';
  readonly element: Declared;
  /** `set` and `map` lists are equal in any order, and `+` replaces elements. */
  readonly listType: 'atomic' | 'set' | 'map';
  /** Of a list of type `map`, the JSON names of the fields that tell its elements apart. */
  readonly keys: readonly string[];
}
export interface DeclaredMap extends Container {
  readonly kind: 'map';
  readonly key: Declared;
  readonly value: Declared;
}
export interface DeclaredField {
  /** As it stands in JSON; expressions see the escaped name. */
  readonly json: string;
  readonly declared: Declared;
}
export interface DeclaredObject extends Container {
  readonly kind: 'object';
  readonly type: StructType;
  /** By the name that expressions use. */
  readonly fields: ReadonlyMap<string, DeclaredField>;
  /** Of the fields, as they stand in JSON. */
  readonly jsonNames: ReadonlySet<string>;
}
/** What may be missing: in the activation undefined or null, else what `inner` reads. */
export interface DeclaredOptional extends Common {
  readonly kind: 'optional';
  readonly inner: Declared;
}

export type Declared = DeclaredScalar | DeclaredList | DeclaredMap | DeclaredObject | DeclaredOptional;

function scalar(form: ScalarForm, type: Type, maxElements: number, minSize: number): DeclaredScalar {
  return { kind: 'scalar', form, type, maxElements, minSize };
}

export const BOOL = scalar('bool', BoolType, 0, 4);
export const INT = scalar('int', IntType, 0, 1);
export const UINT = scalar('uint', UintType, 0, 1);
export const DOUBLE = scalar('double', DoubleType, 0, 1);
export const STRING = scalar('string', StringType, NO_MAX, 2);
export const BYTES = scalar('bytes', BytesType, NO_MAX, 2);
export const NULL = scalar('null', NullType, 0, 4);
/** RFC 3339. */
export const TIMESTAMP = scalar('timestamp', TimestampType, 0, 11);
/** `2024-01-31` */
export const DATE = scalar('date', TimestampType, 0, 11);
export const DURATION = scalar('duration', DurationType, 0, 2);
/** Known only when it comes. */
export const DYN = scalar('dyn', DynType, NO_MAX, 1);

/** A value of a library's type; in the activation it is a `Value`. */
export function opaque(type: Type, maxElements = NO_MAX): DeclaredScalar {
  return scalar('dyn', type, maxElements, 1);
}

export function listOf(
  element: Declared,
  options: { maxElements?: number; listType?: 'atomic' | 'set' | 'map'; keys?: readonly string[] } = {},
): DeclaredList {
  const { maxElements = NO_MAX, listType: kind = 'atomic', keys = [] } = options;
  return { kind: 'list', type: listType(element.type), element, maxElements, minSize: 2, listType: kind, keys };
}

export function mapOf(key: Declared, value: Declared, maxElements = NO_MAX): DeclaredMap {
  return { kind: 'map', type: mapType(key.type, value.type), key, value, maxElements, minSize: 2 };
}

/**
 * An object type. Fields are made when they are first asked for, so that types may refer to themselves.
 * @param fields by the names that expressions use
 */
export function object(
  name: string,
  fields: Readonly<Record<string, Declared>> | (() => Iterable<readonly [string, DeclaredField]>),
  minSize = 2,
): DeclaredObject {
  let known: ReadonlyMap<string, DeclaredField> | undefined;
  let names: ReadonlySet<string> | undefined;
  const all = () => {
    known ??= new Map(
      typeof fields === 'function'
        ? fields()
        : Object.entries(fields).map(([field, declared]) => [field, { json: field, declared }] as const),
    );
    return known;
  };
  return {
    kind: 'object',
    type: { kind: 'struct', name, field: (field) => lookUp(all(), field)?.declared.type },
    get fields() {
      return all();
    },
    get jsonNames() {
      names ??= new Set([...all().values()].map((field) => field.json));
      return names;
    },
    maxElements: 0,
    minSize,
  };
}

/** The field of a name; one that is a reserved word is found by that word too. */
export function fieldOf(declared: DeclaredObject, name: string): DeclaredField | undefined {
  return lookUp(declared.fields, name);
}

function lookUp(fields: ReadonlyMap<string, DeclaredField>, name: string): DeclaredField | undefined {
  return fields.get(name) ?? (isReserved(name) ? fields.get(`__${name}__`) : undefined);
}

/** A variable that may be missing. */
export function optionalOf(inner: Declared): DeclaredOptional {
  return {
    kind: 'optional',
    type: optionalType(inner.type),
    inner,
    maxElements: inner.maxElements,
    minSize: inner.minSize,
  };
}

/** The same type with a longest length. */
export function withMaxElements<D extends Declared>(declared: D, maxElements: number): D {
  return { ...declared, maxElements };
}
