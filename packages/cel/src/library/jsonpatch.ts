/** `JSONPatch{op: 'add', path: '/a', value: 1}` and `jsonpatch.escapeKey` (k8s.io/apiserver/pkg/cel/mutation/jsonpatch.go). */
import { scaled, TRAVERSAL } from '../cost/range.ts';
import type { Declarations } from '../environment.ts';
import { failure } from '../eval/errors.ts';
import { StructValue } from '../eval/values.ts';
import { DynType, StringType, type StructType, type Type } from '../types/type.ts';
import { textCost } from './costs.ts';
import { fn, overload } from './declare.ts';

const FIELDS: Readonly<Record<string, Type>> = { op: StringType, path: StringType, from: StringType, value: DynType };

export const JSONPatchType: StructType = {
  kind: 'struct',
  name: 'JSONPatch',
  field: (name) => (Object.hasOwn(FIELDS, name) ? FIELDS[name] : undefined),
};

export const JSON_PATCH: Declarations = {
  resolveType(name) {
    if (name !== 'JSONPatch') return undefined;
    return {
      type: JSONPatchType,
      construct(fields) {
        for (const [field, value] of fields) {
          if (field !== 'value' && typeof value !== 'string') {
            throw failure(`unexpected type ${typeof value} for JSONPatchType '${field}' field`);
          }
        }
        return new StructValue(JSONPatchType, fields);
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
