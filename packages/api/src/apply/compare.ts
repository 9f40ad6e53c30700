/**
 * What changed between two values of a type, as sets of fields.
 * Behaviour: sigs.k8s.io/structured-merge-diff/v6/typed/compare.go.
 */
import { sortedKeys } from '../codec/go-order.ts';
import { equal, isObject, type JsonObject, own } from '../patch/value.ts';
import { type Element, fieldElement } from './element.ts';
import { EMPTY, type FieldSet, isEmpty, LEAF, recursiveDifference, unionNodes } from './fieldset.ts';
import { groupItems, itemElement, sameItems, sortByElement } from './items.ts';
import { everythingIn } from './ownership.ts';
import { type ApplyList, type ApplyMap, type ApplySchema, memberSchema, type Shape, shapeOf } from './schema.ts';

export interface Comparison {
  readonly added: FieldSet;
  readonly removed: FieldSet;
  readonly modified: FieldSet;
}

/** @throws FieldsError where items of a list cannot be told apart */
export function compare(before: unknown, after: unknown, schema: ApplySchema): Comparison {
  const d = compareValues(before, after, schema);
  return { added: d?.added ?? EMPTY, removed: d?.removed ?? EMPTY, modified: d?.modified ?? EMPTY };
}

/** The comparison without the fields of a set and all below them. */
export function without(comparison: Comparison, fields: FieldSet | undefined): Comparison {
  if (!fields) return comparison;
  return {
    added: recursiveDifference(comparison.added, fields),
    removed: recursiveDifference(comparison.removed, fields),
    modified: recursiveDifference(comparison.modified, fields),
  };
}

/** A node of each of the three trees; undefined where there is no difference. */
interface Difference {
  added?: FieldSet;
  removed?: FieldSet;
  modified?: FieldSet;
}

const MODIFIED: Difference = { modified: LEAF };

/** Both are there; null is a value. */
function compareValues(before: unknown, after: unknown, schema: ApplySchema): Difference | undefined {
  if (before === after) return undefined;
  const from = shapeOf(schema, before);
  const to = shapeOf(schema, after);
  const last = compareAs(to, before, after, schema);
  // A value that changes its shape is looked at as both.
  return from === to ? last : join(compareAs(from, before, after, schema), last);
}

function compareAs(shape: Shape, before: unknown, after: unknown, schema: ApplySchema): Difference | undefined {
  if (shape === 'map') {
    const map = schema.map!;
    const l = isObject(before) ? before : NONE;
    const r = isObject(after) ? after : NONE;
    if (!map.atomic && !(isEmpty(l as FieldSet) && isEmpty(r as FieldSet))) return compareMembers(l, r, map);
  } else if (shape === 'list') {
    const list = schema.list!;
    const l = Array.isArray(before) ? before : [];
    const r = Array.isArray(after) ? after : [];
    if (!list.atomic && l.length + r.length > 0) return compareItems(l, r, list);
  }
  return equal(before, after) ? undefined : MODIFIED;
}
const NONE: JsonObject = {};

function compareMembers(l: JsonObject, r: JsonObject, map: ApplyMap): Difference | undefined {
  let out: Difference | undefined;
  if (map.element === undefined) {
    for (const field of map.fields) {
      const before = l[field.name];
      const after = r[field.name];
      if (before !== after) out = attach(out, field.element, compareEither(before, after, field.schema));
    }
    return out;
  }
  for (const name of unitedKeys(l, r)) {
    const difference = compareEither(own(l, name), own(r, name), memberSchema(map, name)!);
    if (difference) out = attach(out, fieldElement(name), difference);
  }
  return out;
}

function unitedKeys(l: JsonObject, r: JsonObject): string[] {
  for (const name of Object.keys(r)) if (!Object.hasOwn(l, name)) return sortedKeys({ ...l, ...r });
  return sortedKeys(l);
}

function compareEither(before: unknown, after: unknown, schema: ApplySchema): Difference | undefined {
  if (before === undefined) return { added: everythingIn(after, schema) };
  if (after === undefined) return { removed: everythingIn(before, schema) };
  return compareValues(before, after, schema);
}

function compareItems(l: readonly unknown[], r: readonly unknown[], list: ApplyList): Difference | undefined {
  if (sameItems(list, l, r)) return comparePairs(l, r, list);
  const before = groupItems(list, l);
  const after = groupItems(list, r);
  const differences: (readonly [Element, Difference])[] = [];
  for (const [element, items] of before) {
    const difference = compareGroups(items, after.get(element), list.element);
    if (difference) differences.push([element, difference]);
  }
  for (const [element, items] of after) {
    if (!before.has(element)) differences.push([element, compareGroups(undefined, items, list.element)!]);
  }
  return assemble(differences);
}

/** The lists have the same items at the same places. */
function comparePairs(l: readonly unknown[], r: readonly unknown[], list: ApplyList): Difference | undefined {
  const differences: (readonly [Element, Difference])[] = [];
  for (const [i, item] of l.entries()) {
    const difference = compareValues(item, r[i], list.element);
    if (difference) differences.push([itemElement(list, item), difference]);
  }
  return assemble(differences);
}

function assemble(differences: (readonly [Element, Difference])[]): Difference | undefined {
  let out: Difference | undefined;
  for (const [element, difference] of sortByElement(differences)) out = attach(out, element, difference);
  return out;
}

/** Items of one key. Duplicates are one atom. */
function compareGroups(
  before: readonly unknown[] | undefined,
  after: readonly unknown[] | undefined,
  schema: ApplySchema,
): Difference | undefined {
  const removed = before && (before.length > 1 ? LEAF : undefined);
  const added = after && (after.length > 1 ? LEAF : undefined);
  if (!before) return { added: added ?? everythingIn(after![0], schema) };
  if (!after) return { removed: removed ?? everythingIn(before[0], schema) };
  if (!removed && !added) return compareValues(before[0], after[0], schema);
  if (removed && added) return equal(before, after) ? undefined : MODIFIED;
  return { removed: removed ?? everythingIn(before[0], schema), added: added ?? everythingIn(after[0], schema) };
}

function attach(out: Difference | undefined, element: Element, d: Difference | undefined): Difference | undefined {
  if (!d) return out;
  const to = out ?? {};
  if (d.added) {
    to.added ??= {};
    to.added[element] = d.added;
  }
  if (d.removed) {
    to.removed ??= {};
    to.removed[element] = d.removed;
  }
  if (d.modified) {
    to.modified ??= {};
    to.modified[element] = d.modified;
  }
  return to;
}

function join(a: Difference | undefined, b: Difference | undefined): Difference | undefined {
  if (!a || !b) return a ?? b;
  const out = { ...a };
  for (const kind of ['added', 'removed', 'modified'] as const) {
    const node = b[kind];
    if (node) out[kind] = out[kind] ? unionNodes(out[kind], node) : node;
  }
  return out;
}
