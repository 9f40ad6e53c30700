/** The types that the checker reasons with (cel-go common/types). */

export type SimpleKind =
  | 'bool'
  | 'int'
  | 'uint'
  | 'double'
  | 'string'
  | 'bytes'
  | 'null'
  | 'timestamp'
  | 'duration'
  | 'dyn'
  | 'any'
  | 'error';

export interface SimpleType {
  readonly kind: SimpleKind;
}
export interface ListOf {
  readonly kind: 'list';
  readonly element: Type;
}
export interface MapOf {
  readonly kind: 'map';
  readonly key: Type;
  readonly value: Type;
}
/** An object with named fields. Equal to another of the same name. */
export interface StructType {
  readonly kind: 'struct';
  readonly name: string;
  /** Undefined for a field that is not declared. */
  field(name: string): Type | undefined;
  /** A library's type that counts as an object but has no fields: quantities, URLs. */
  readonly opaque?: boolean;
}
/** A type of a library: a quantity, an optional. */
export interface OpaqueType {
  readonly kind: 'opaque';
  readonly name: string;
  readonly params: readonly Type[];
}
/** The type of a type: `type(1)` has the type `type(int)`. */
export interface TypeType {
  readonly kind: 'type';
  readonly of: Type | undefined;
}
/** A variable of a generic declaration, or one that the checker has yet to find out. */
export interface TypeParam {
  readonly kind: 'param';
  readonly name: string;
}

export type Type = SimpleType | ListOf | MapOf | StructType | OpaqueType | TypeType | TypeParam;

const simple = <K extends SimpleKind>(kind: K) => ({ kind }) as const;

export const BoolType = simple('bool');
export const IntType = simple('int');
export const UintType = simple('uint');
export const DoubleType = simple('double');
export const StringType = simple('string');
export const BytesType = simple('bytes');
export const NullType = simple('null');
export const TimestampType = simple('timestamp');
export const DurationType = simple('duration');
export const DynType = simple('dyn');
export const AnyType = simple('any');
export const ErrorType = simple('error');

export function listType(element: Type): ListOf {
  return { kind: 'list', element };
}
export function mapType(key: Type, value: Type): MapOf {
  return { kind: 'map', key, value };
}
export function opaqueType(name: string, ...params: Type[]): OpaqueType {
  return { kind: 'opaque', name, params };
}
export function optionalType(of: Type): OpaqueType {
  return opaqueType('optional_type', of);
}
export function typeType(of?: Type): TypeType {
  return { kind: 'type', of };
}
export function typeParam(name: string): TypeParam {
  return { kind: 'param', name };
}

/** What an optional holds, or undefined for a type that is no optional. */
export function unwrapOptional(type: Type): Type | undefined {
  return type.kind === 'opaque' && type.name === 'optional_type' ? type.params[0] : undefined;
}

export function isDyn(type: Type): boolean {
  return type.kind === 'dyn' || type.kind === 'any';
}

/** The types within a type. */
export function paramsOf(type: Type): readonly Type[] {
  switch (type.kind) {
    case 'list':
      return [type.element];
    case 'map':
      return [type.key, type.value];
    case 'opaque':
      return type.params;
    case 'type':
      return type.of ? [type.of] : [];
    default:
      return [];
  }
}

/** Whether two types are the same, names and parameters included. */
export function sameType(a: Type, b: Type): boolean {
  if (a === b) return true;
  if (a.kind !== b.kind) return false;
  if ('name' in a && a.name !== (b as StructType).name) return false;
  const [left, right] = [paramsOf(a), paramsOf(b)];
  return left.length === right.length && left.every((type, i) => sameType(type, right[i]!));
}

/** How a type is named at run time: `google.protobuf.Timestamp`, `list`, `null_type`. */
export function typeName(type: Type): string {
  switch (type.kind) {
    case 'null':
      return 'null_type';
    case 'timestamp':
      return 'google.protobuf.Timestamp';
    case 'duration':
      return 'google.protobuf.Duration';
    case 'any':
      return 'google.protobuf.Any';
    case 'struct':
    case 'opaque':
    case 'param':
      return type.name;
    default:
      return type.kind;
  }
}

/** As the errors of the checker write a type: `map(string, dyn)`, `timestamp`, `null`. */
export function formatType(type: Type): string {
  if (type.kind === 'error') return '!error!';
  const params = paramsOf(type);
  const name = 'name' in type ? type.name : type.kind;
  return params.length === 0 ? name : `${name}(${params.map(formatType).join(', ')})`;
}

/** As messages about the result of an expression write a type: like formatType but with names as at run time. */
export function describeType(type: Type): string {
  const params = paramsOf(type);
  return params.length === 0 ? typeName(type) : `${typeName(type)}(${params.map(describeType).join(', ')})`;
}
