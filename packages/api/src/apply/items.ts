/** How the items of a list that is no atom are told apart. */
import { formatJson } from '../patch/goformat.ts';
import { isObject, type JsonObject, own } from '../patch/value.ts';
import { type Element, FieldsError, inOrderOfElements, keyElementOf, valueElement } from './element.ts';
import type { ApplyKey, ApplyList } from './schema.ts';

/** @throws FieldsError for an item that cannot be told apart */
export function itemElement(list: ApplyList, item: unknown): Element {
  return list.keyNames.length > 0 ? keyedItem(list, item) : setItem(item);
}

function keyedItem(list: ApplyList, item: unknown): Element {
  if (item === null) throw new FieldsError('associative list with keys may not have a null element');
  if (!isObject(item)) throw new FieldsError('associative list with keys may not have non-map elements');
  let keys = '';
  for (const key of list.keys) {
    const value = keyValue(item, key);
    if (value !== undefined) keys += `${keys === '' ? '' : ','}${key.text}${formatJson(value)}`;
  }
  if (keys !== '') return keyElementOf(keys);
  const names = list.keyNames.map(formatJson).join(' ');
  throw new FieldsError(
    `associative list with keys has an element that omits all key fields [${names}] (and doesn't have default values for any key fields)`,
  );
}
function keyValue(item: JsonObject, key: ApplyKey): unknown {
  return own(item, key.name) ?? (Object.hasOwn(item, key.name) ? null : key.default);
}

function setItem(item: unknown): Element {
  if (item === null) throw new FieldsError("associative list without keys has an element that's an explicit null");
  if (Array.isArray(item)) throw new FieldsError('not supported: associative list with lists as elements');
  if (isObject(item)) throw new FieldsError("associative list without keys has an element that's a map type");
  return valueElement(item);
}

/** The items by their elements, in the order of the list; more than one where they are duplicates. */
export function groupItems(list: ApplyList, items: readonly unknown[]): Map<Element, unknown[]> {
  const groups = new Map<Element, unknown[]>();
  for (const item of items) {
    const element = itemElement(list, item);
    const group = groups.get(element);
    if (group) group.push(item);
    else groups.set(element, [item]);
  }
  return groups;
}

/** The longest list of which every pair of items is looked at. */
const FEW = 16;

/**
 * Whether two lists have the same items at the same places, and no duplicates: what lists look like that did not change,
 * told without writing down elements. May be false for others too.
 */
export function sameItems(list: ApplyList, a: readonly unknown[], b: readonly unknown[]): boolean {
  if (a.length !== b.length || a.length > FEW) return false;
  for (const [i, item] of a.entries()) {
    if (!sameItem(list, item, b[i])) return false;
    for (let j = 0; j < i; j++) if (sameItem(list, item, a[j])) return false;
  }
  return true;
}
function sameItem(list: ApplyList, a: unknown, b: unknown): boolean {
  if (list.keyNames.length === 0) return a === b && typeof a !== 'object';
  if (!isObject(a) || !isObject(b)) return false;
  let any = false;
  for (const key of list.keys) {
    const value = keyValue(a, key);
    if (value !== keyValue(b, key)) return false;
    if (value !== undefined) any = true;
  }
  return any;
}

/** In the order of a set. */
export function sortByElement<T>(entries: (readonly [Element, T])[]): (readonly [Element, T])[] {
  return entries.length > 1 ? inOrderOfElements(entries) : entries;
}
