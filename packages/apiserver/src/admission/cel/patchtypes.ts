/** The types of what mutations evaluate to (k8s.io/apiserver/pkg/cel/mutation): `Object.spec{…}`, `JSONPatch{…}`. */
import {
  type Declarations,
  DynType,
  isList,
  isMap,
  listType,
  type StructType,
  StructValue,
  type Type,
  type Value,
} from '@keelson/cel';
import { JSON_PATCH, JSONPatchType } from '@keelson/cel/library/jsonpatch';

const ROOT = 'Object';

/** An object of which nothing is known but where it stands: any field is there, of any type. */
function objectType(name: string): StructType {
  return { kind: 'struct', name, field: () => DynType };
}

const OBJECTS: Declarations = {
  resolveType(name) {
    if (name !== ROOT && !name.startsWith(`${ROOT}.`)) return undefined;
    const type = objectType(name);
    return { type, construct: (fields) => new StructValue(type, fields) };
  },
};

export const PATCH_TYPES: readonly Declarations[] = [OBJECTS, JSON_PATCH];
/** The result of an applyConfiguration. */
export const OBJECT_TYPE: Type = objectType(ROOT);
/** The result of a jsonPatch. */
export const JSON_PATCHES_TYPE: Type = listType(JSONPatchType);

/**
 * Whether objects stand where their types say: `Object.spec{}` at `spec` of an `Object{}`. Compilation cannot tell.
 * @returns what is wrong; lists and maps in between have no name
 */
export function misplacedTypes(value: Value): string[] {
  return value instanceof StructValue && 'name' in value.struct ? misplacedBelow(value, value.struct.name) : [];
}

function misplacedBelow(value: Value, path: string): string[] {
  if (value instanceof StructValue && 'name' in value.struct) {
    const { name } = value.struct;
    const problem = `unexpected type name "${name}", expected "${path}", which matches field name path from root Object type`;
    const below = [...value.keys()].flatMap((key) => misplacedBelow(value.find(key) ?? null, `${path}.${String(key)}`));
    return name === path ? below : [problem, ...below];
  }
  if (isList(value)) return [...value].flatMap((item) => misplacedBelow(item, path));
  if (isMap(value)) return [...value.keys()].flatMap((key) => misplacedBelow(value.find(key) ?? null, path));
  return [];
}
