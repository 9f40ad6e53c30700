/**
 * Values as go-spew writes the Go structs that hold them, with their types and without calling their methods
 * (k8s.io/utils/dump ForHash): what upstream makes hashes of.
 */
import type { JsonObject } from '../patch/value.ts';
import { Quantity } from '../quantity.ts';
import type { Field, ScalarType, StructType, Type } from '../schema.ts';
import { sortedKeys } from './go-order.ts';

/**
 * `(v1.OwnerReference){APIVersion:(string)apps/v1 …}`
 * @param value in JSON's form, as the type says; lists and maps without items are taken for absent, as in protobuf
 */
export function goDump(value: unknown, type: Type): string {
  return `(${type.goName})${bare(value, type)}`;
}

function bare(value: unknown, type: Type): string {
  switch (type.kind) {
    case 'struct':
      return dumpStruct((value ?? {}) as JsonObject, type);
    case 'list': {
      const items = (value ?? []) as readonly unknown[];
      const pointer = type.elementPointer ? '<*>' : '';
      return items.length === 0 ? '<nil>' : `[${items.map((item) => pointer + bare(item, type.element)).join(' ')}]`;
    }
    case 'map': {
      const entries = (value ?? {}) as JsonObject;
      const keys = sortedKeys(entries);
      return keys.length === 0 ? '<nil>' : `map[${keys.map((k) => `${k}:${bare(entries[k], type.value)}`).join(' ')}]`;
    }
    case 'scalar':
      return dumpScalar(value, type);
    default:
      throw new Error(`no dump of ${type.goName}`);
  }
}

function dumpStruct(object: JsonObject, type: StructType): string {
  const dumpField = (field: Field): string => {
    const value = field.inline ? object : object[field.json];
    if (!field.pointer) return goDump(value, field.type);
    return `(*${field.type.goName})${value === undefined || value === null ? '<nil>' : bare(value, field.type)}`;
  };
  return `{${type.fields.map((field) => `${field.go}:${dumpField(field)}`).join(' ')}}`;
}

function dumpScalar(value: unknown, { scalar, goName }: ScalarType): string {
  switch (scalar) {
    case 'string':
      return (value ?? '') as string;
    case 'bool':
      return String(value ?? false);
    case 'int32':
    case 'int64':
      return String(value ?? 0);
    case 'quantity':
      return Quantity.parse(String(value ?? '0')).dump();
    case 'intorstring': {
      const [kind, number, text] = typeof value === 'string' ? [1, 0, value] : [0, value ?? 0, ''];
      return `{Type:(intstr.Type)${kind} IntVal:(int32)${number} StrVal:(string)${text}}`;
    }
    case 'time': {
      const seconds = value === undefined || value === null ? 0 : Date.parse(value as string) / 1000 + YEAR_ONE_SECONDS;
      return `{Time:(time.Time){wall:(uint64)0 ext:(int64)${seconds} loc:(*time.Location)<nil>}}`;
    }
    case 'fields':
      return `{Raw:([]uint8)[${Buffer.from(JSON.stringify(value)).join(' ')}]}`;
    default:
      throw new Error(`no dump of ${goName}`);
  }
}

/** From the beginning of the year 1, where Go's clock begins, to 1970. */
const YEAR_ONE_SECONDS = 62_135_596_800;
