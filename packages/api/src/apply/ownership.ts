/** The sets of fields that a value holds. */
import { sortedKeys } from '../codec/go-order.ts';
import { isObject, type JsonObject } from '../patch/value.ts';
import { fieldElement, SELF } from './element.ts';
import { EMPTY, type FieldSet, LEAF } from './fieldset.ts';
import { groupItems, itemElement, sortByElement } from './items.ts';
import { type ApplyList, type ApplyMap, type ApplySchema, memberSchema, shapeOf } from './schema.ts';

/**
 * The tree of a value that is new, or gone, as a whole: itself and all that is in it.
 * @throws FieldsError
 */
export function everythingIn(value: unknown, schema: ApplySchema): FieldSet {
  switch (shapeOf(schema, value)) {
    case 'map': {
      const map = schema.map!;
      if (map.atomic || !isObject(value)) return LEAF;
      const out: FieldSet = { [SELF]: LEAF };
      return addMembers(out, value, map) ? out : LEAF;
    }
    case 'list': {
      const list = schema.list!;
      if (list.atomic || !Array.isArray(value) || value.length === 0) return LEAF;
      const out: FieldSet = { [SELF]: LEAF };
      const items = sortByElement(value.map((item) => [itemElement(list, item), item] as const));
      for (const [i, [element, item]] of items.entries()) {
        // Duplicates stand next to each other now, and are owned as one.
        const duplicate = items[i - 1]?.[0] === element || items[i + 1]?.[0] === element;
        out[element] = duplicate ? LEAF : everythingIn(item, list.element);
      }
      return out;
    }
    default:
      return LEAF;
  }
}

/** False if there are none. */
function addMembers(out: FieldSet, value: JsonObject, map: ApplyMap): boolean {
  let any = false;
  if (map.element === undefined) {
    for (const field of map.fields) {
      const member = value[field.name];
      if (member === undefined) continue;
      any = true;
      out[field.element] = everythingIn(member, field.schema);
    }
    return any;
  }
  for (const name of sortedKeys(value)) {
    any = true;
    out[fieldElement(name)] = everythingIn(value[name], memberSchema(map, name)!);
  }
  return any;
}

/**
 * The fields that an applied configuration mentions: leaves, items of lists, members of maps; but not objects of a
 * declared type, which come and go with what is in them.
 * @throws FieldsError
 */
export function fieldsOf(value: unknown, schema: ApplySchema): FieldSet {
  return mentioned(value, schema, false) ?? EMPTY;
}

/** Undefined for a value that holds nothing to own. @param isOwned whether the value itself is */
function mentioned(value: unknown, schema: ApplySchema, isOwned: boolean): FieldSet | undefined {
  switch (shapeOf(schema, value)) {
    case 'map': {
      const map = schema.map!;
      if (map.atomic) return LEAF;
      return isObject(value) ? mentionedMembers(value, map, isOwned) : undefined;
    }
    case 'list': {
      const list = schema.list!;
      if (list.atomic) return LEAF;
      return Array.isArray(value) ? mentionedItems(value, list, isOwned) : undefined;
    }
    default:
      return LEAF;
  }
}

function mentionedMembers(value: JsonObject, map: ApplyMap, isOwned: boolean): FieldSet | undefined {
  let out: FieldSet | undefined;
  for (const name of sortedKeys(value)) {
    const member = value[name];
    const declared = map.byName.get(name);
    const empty = member === null || (isObject(member) && Object.keys(member).length === 0);
    const isMember = empty || !declared;
    const node = mentioned(member, declared?.schema ?? map.element!, isMember) ?? (isMember ? LEAF : undefined);
    if (node === undefined) continue;
    out ??= rootOf(isOwned);
    out[declared?.element ?? fieldElement(name)] = node;
  }
  return out;
}

function mentionedItems(items: readonly unknown[], list: ApplyList, isOwned: boolean): FieldSet | undefined {
  if (items.length === 0) return undefined;
  const out = rootOf(isOwned);
  for (const [element, group] of sortByElement([...groupItems(list, items)])) {
    out[element] = (group.length > 1 ? undefined : mentioned(group[0], list.element, true)) ?? LEAF;
  }
  return out;
}

function rootOf(isMember: boolean): FieldSet {
  return isMember ? { [SELF]: LEAF } : {};
}
