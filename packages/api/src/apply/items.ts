/** How the items of a list that is no atom are told apart. */
import { isObject } from '../patch/value.ts';
import { compareElements, type Element, FieldsError, goJson, keyElement, valueElement } from './element.ts';
import type { ApplyList } from './schema.ts';

/** @throws FieldsError for an item that cannot be told apart */
export function itemElement(list: ApplyList, item: unknown): Element {
  return list.keyNames.length > 0 ? keyedItem(list, item) : setItem(item);
}

function keyedItem(list: ApplyList, item: unknown): Element {
  if (item === null) throw new FieldsError('associative list with keys may not have a null element');
  if (!isObject(item)) throw new FieldsError('associative list with keys may not have non-map elements');
  const keys: (readonly [string, unknown])[] = [];
  for (const key of list.keys) {
    const value = Object.hasOwn(item, key.name) ? item[key.name] : key.default;
    if (value !== undefined) keys.push([key.name, value]);
  }
  if (keys.length > 0) return keyElement(keys);
  const names = list.keyNames.map(goJson).join(' ');
  throw new FieldsError(
    `associative list with keys has an element that omits all key fields [${names}] (and doesn't have default values for any key fields)`,
  );
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

/** In the order of a set. */
export function sortByElement<T>(entries: (readonly [Element, T])[]): (readonly [Element, T])[] {
  return entries.length > 1 ? entries.sort((a, b) => compareElements(a[0], b[0])) : entries;
}
