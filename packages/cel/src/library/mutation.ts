/**
 * What mutating policies construct: `Object{spec: Object.spec{replicas: 1}}`, `JSONPatch{op: 'add', path: '/a', value: 1}`
 * (k8s.io/apiserver/pkg/cel/mutation).
 */
import { scaled, TRAVERSAL } from '../cost/range.ts';
import type { Declarations } from '../environment.ts';
import { failure } from '../eval/errors.ts';
import { goNative } from '../eval/go-type.ts';
import { isList, isMap, StructValue, type Value } from '../eval/values.ts';
import { DynType, StringType, type StructType, type Type, typeName } from '../types/type.ts';
import { textCost } from './costs.ts';
import { fn, overload } from './declare.ts';

const FIELDS: Readonly<Record<string, Type>> = { op: StringType, path: StringType, from: StringType, value: DynType };

export const JSONPatchType: StructType = {
  kind: 'struct',
  name: 'JSONPatch',
  field: (name) => (Object.hasOwn(FIELDS, name) ? FIELDS[name] : undefined),
};

/** What was not given is empty, and has() does not find it. */
class JsonPatchValue extends StructValue {
  constructor(fields: Iterable<readonly [string, Value]>) {
    super(JSONPatchType, fields);
  }
  override find(key: Value): Value | undefined {
    const isField = typeof key === 'string' && Object.hasOwn(FIELDS, key);
    return super.find(key) ?? (isField ? (key === 'value' ? null : '') : undefined);
  }
  isSet(key: string): boolean {
    const value = super.find(key);
    return value !== undefined && (key === 'value' || value !== '');
  }
}

export const JSON_PATCH: Declarations = {
  resolveType(name) {
    if (name !== 'JSONPatch') return undefined;
    return {
      type: JSONPatchType,
      construct(fields) {
        for (const [field, value] of fields) {
          if (field !== 'value' && typeof value !== 'string') {
            throw failure(`unexpected type ${goNative(value)} for JSONPatchType '${field}' field`);
          }
        }
        return new JsonPatchValue(fields);
      },
    };
  },
  functions: [
    fn(
      'jsonpatch.escapeKey',
      [
        overload('string_jsonpatch_escapeKey_string', [StringType], StringType, (key: string) => {
          return key.replace(/[~/]/g, (character) => (character === '~' ? '~0' : '~1'));
        }),
      ],
      {
        cost: {
          ...textCost(),
          estimate: ({ args: [key] }) => key && { cost: scaled(key.size, TRAVERSAL), size: key.size },
        },
      },
    ),
  ],
};

const ROOT = 'Object';

/** `Object` and `Object.spec.template`, with fields of any names and types. */
export const OBJECT_TYPES: Declarations = {
  resolveType(name) {
    if (name !== ROOT && !name.startsWith(`${ROOT}.`)) return undefined;
    const type: StructType = { kind: 'struct', name, field: () => DynType };
    return { type, construct: (fields) => new StructValue(type, fields) };
  },
};

/** Objects within a constructed object whose types are not named after its own and the fields that lead to them. */
export function misnamedTypes(value: Value): string[] {
  return misnamed(value, value instanceof StructValue ? typeName(value.struct) : ROOT);
}

function misnamed(value: Value, path: string): string[] {
  if (isList(value)) return [...value].flatMap((item) => misnamed(item, path));
  if (!isMap(value)) return [];
  const children = [...value.keys()].flatMap((key) => {
    return misnamed(value.find(key)!, value instanceof StructValue ? `${path}.${key}` : path);
  });
  if (!(value instanceof StructValue) || typeName(value.struct) === path) return children;
  const problem = `unexpected type name "${typeName(value.struct)}", expected "${path}", which matches field name path`;
  return [`${problem} from root Object type`, ...children];
}
