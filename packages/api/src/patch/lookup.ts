/**
 * How strategic merge patch reads a type: the field that a key names, its strategy and merge key.
 * Upstream reads Go's struct tags (k8s.io/apimachinery/pkg/util/strategicpatch/meta.go), and its errors show Go's kinds.
 */
import { quote } from '../field.ts';
import type { Field, ScalarName, Type } from '../schema.ts';
import { plainError } from './errors.ts';

export interface PatchField {
  /** The field's type; for a list, that of its items. */
  readonly type: Type;
  readonly strategy: '' | 'merge' | 'replace';
  readonly mergeKey: string;
}

/**
 * The field `key` of a struct, whose value is an object.
 * @throws StatusError 500 where `type` is no struct or has no such field
 */
export function lookupStruct(type: Type, key: string): PatchField {
  const field = find(type, key);
  return { type: field.type, strategy: strategyOf(field), mergeKey: field.patchMergeKey ?? '' };
}

/** The same for a list; the type is that of its items. */
export function lookupList(type: Type, key: string): PatchField {
  const found = lookupStruct(type, key);
  if (found.type.kind !== 'list') throw plainError(`expected slice or array type, but got: ${goKind(type)}`);
  if (found.type.element.kind === 'list') throw plainError('unexpected slice of slice');
  return { ...found, type: found.type.element };
}

/** `retainKeys` in a field's strategy only concerns clients that make patches. */
function strategyOf(field: Field): PatchField['strategy'] {
  const parts = field.patchStrategy?.split(',') ?? [];
  return parts.includes('merge') ? 'merge' : parts.includes('replace') ? 'replace' : '';
}

/** Go's JSON package matches names without regard to case, and so does the look-up. */
function find(type: Type, key: string): Field {
  const kind = goKind(type);
  if (kind !== 'struct') throw plainError(`merging an object in json but data type is not struct, instead is: ${kind}`);
  if (type.kind === 'struct') {
    const exact = type.byJson.get(key);
    if (exact) return exact;
    const folded = key.toLowerCase();
    const other = type.jsonFields.find((f) => f.json.toLowerCase() === folded);
    if (other) return other;
  }
  const name = type.goName.slice(type.goName.lastIndexOf('.') + 1);
  throw plainError(`unable to find api field in struct ${name} for the json field ${quote(key)}`);
}

const SCALAR_KINDS: Partial<Record<ScalarName, string>> = {
  time: 'struct',
  microtime: 'struct',
  quantity: 'struct',
  intorstring: 'struct',
  raw: 'struct',
  fields: 'struct',
  json: 'struct',
  bytes: 'slice',
  any: 'interface',
};

/** What Go's reflection calls the type. */
export function goKind(type: Type): string {
  switch (type.kind) {
    case 'list':
      return 'slice';
    case 'map':
      return 'map';
    case 'scalar':
      return SCALAR_KINDS[type.scalar] ?? type.scalar;
    default:
      return 'struct';
  }
}
