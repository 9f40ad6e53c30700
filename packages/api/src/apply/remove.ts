/**
 * Taking fields out of a value.
 * Behaviour: sigs.k8s.io/structured-merge-diff/v6/typed/remove.go, fieldpath/set.go (EnsureNamedFieldsAreMembers).
 */
import { isObject, type JsonObject, put } from '../patch/value.ts';
import { fieldElement } from './element.ts';
import { asMember, type FieldSet, hasChildren, isEmpty, isMember } from './fieldset.ts';
import { itemElement } from './items.ts';
import { type ApplyList, type ApplyMap, type ApplySchema, shapeOf } from './schema.ts';

/** The object without the members and items that `fields` holds. What is emptied stays, empty. */
export function remove(object: JsonObject, fields: FieldSet, schema: ApplySchema): JsonObject {
  if (isEmpty(fields) || !schema.map) return object;
  return removeMembers(object, fields, schema.map);
}

function removeIn(value: unknown, fields: FieldSet, schema: ApplySchema): unknown {
  const shape = shapeOf(schema, value);
  if (shape === 'map' && isObject(value)) return schema.map!.atomic ? {} : removeMembers(value, fields, schema.map!);
  if (shape === 'list' && Array.isArray(value))
    return schema.list!.atomic ? [] : removeItems(value, fields, schema.list!);
  return shape === 'scalar' ? value : null;
}

function removeMembers(object: JsonObject, fields: FieldSet, map: ApplyMap): JsonObject {
  const left: JsonObject = {};
  for (const name of Object.keys(object)) {
    const declared = map.byName.get(name);
    const node = fields[declared?.element ?? fieldElement(name)];
    if (node && isMember(node)) continue;
    const schema = declared?.schema ?? map.element;
    put(left, name, node && schema ? removeIn(object[name], node, schema) : object[name]);
  }
  return left;
}

function removeItems(items: readonly unknown[], fields: FieldSet, list: ApplyList): unknown[] {
  const left: unknown[] = [];
  for (const item of items) {
    const node = fields[itemElement(list, item)];
    if (node && isMember(node)) continue;
    left.push(node ? removeIn(item, node, list.element) : item);
  }
  return left;
}

/** The set, with the declared fields that lead to its members: objects go when all that was applied of them goes. */
export function withNamedParents(fields: FieldSet, schema: ApplySchema | undefined): FieldSet {
  let out: FieldSet | undefined;
  for (const key in fields) {
    const node = fields[key]!;
    if (!hasChildren(node)) continue;
    const name = key.startsWith('f:') ? key.slice(2) : undefined;
    const declared = name === undefined ? undefined : schema?.map?.byName.get(name);
    const inner = name !== undefined ? (declared?.schema ?? schema?.map?.element) : itemSchema(key, schema);
    const below = withNamedParents(node, inner);
    const named = declared ? asMember(below) : below;
    if (named === node) continue;
    out ??= { ...fields };
    out[key] = named;
  }
  return out ?? fields;
}
function itemSchema(key: string, schema: ApplySchema | undefined): ApplySchema | undefined {
  return key.startsWith('k:') ? schema?.list?.element : undefined;
}
