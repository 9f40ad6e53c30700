/**
 * Strategic merge patch: a merge patch that knows the type's lists, and obeys directives in the patch
 * ($patch, $retainKeys, $setElementOrder/x, $deleteFromPrimitiveList/x).
 * Behaviour: k8s.io/apimachinery/pkg/util/strategicpatch, as the server calls it (StrategicMergeMapPatch).
 */
import { badRequest } from '../errors.ts';
import type { StructType, Type } from '../schema.ts';
import { plainError, unprocessable } from './errors.ts';
import { formatS, formatV, goType } from './goformat.ts';
import { goKind, lookupList, lookupStruct } from './lookup.ts';
import { inOrder, type Position, partition } from './order.ts';
import { isObject, type JsonObject, notAnObject, own, put } from './value.ts';

const DIRECTIVE = '$patch';
const RETAIN_KEYS = '$retainKeys';
const DELETE_FROM_LIST = '$deleteFromPrimitiveList';
const ELEMENT_ORDER = '$setElementOrder';
/** Go's name for a decoded object. */
const MAP = 'map[string]interface {}';

/**
 * Checks the shape of a parsed patch. `null` patches nothing.
 * @throws StatusError 400
 */
export function decodeStrategicPatch(body: unknown): JsonObject {
  if (body === null) return {};
  if (isObject(body)) return body;
  throw badRequest(notAnObject(body));
}

/**
 * Returns the merged object, which shares with `original` what did not change. `original` stays as it is; `patch` is
 * used up: the directives that were obeyed and the nulls are gone from it (upstream shows what is left of it in the
 * error for a result that does not decode).
 * @throws StatusError 500 for directives and lists that make no sense, 400 for a malformed $retainKeys,
 * $setElementOrder or $deleteFromPrimitiveList, 422 for lists of lists
 */
export function applyStrategicPatch(original: JsonObject, patch: JsonObject, type: StructType): JsonObject {
  return mergeMap(original, patch, type);
}

function mergeMap(original: JsonObject, patch: JsonObject, type: Type): JsonObject {
  if (Object.hasOwn(patch, DIRECTIVE)) return obey(patch);
  const merged = { ...original };
  retainKeys(merged, patch);
  mergeOrderedLists(merged, patch, type);
  for (const key of Object.keys(patch)) mergeMember(merged, key, patch[key], type);
  return merged;
}

/** `$patch` in an object: `replace` takes the patch as it stands, `delete` leaves an empty object. */
function obey(patch: JsonObject): JsonObject {
  const directive = patch[DIRECTIVE];
  if (directive === 'delete') return {};
  if (directive !== 'replace') throw unknownDirective(directive, patch);
  delete patch[DIRECTIVE];
  return patch;
}

function mergeMember(merged: JsonObject, patchKey: string, value: unknown, type: Type): void {
  const deletes = patchKey.startsWith(DELETE_FROM_LIST);
  const key = deletes ? target(patchKey, DELETE_FROM_LIST, 'primitive list') : patchKey;
  if (value === null) {
    delete merged[key];
    return;
  }
  const current = own(merged, key);
  if (isObject(current) && isObject(value)) {
    const field = lookupStruct(type, key);
    put(merged, key, field.strategy === 'replace' ? value : mergeMap(current, value, field.type));
  } else if (Array.isArray(current) && Array.isArray(value)) {
    const field = lookupList(type, key);
    const merges = deletes || field.strategy === 'merge';
    put(merged, key, merges ? mergeList(current, value, field.type, field.mergeKey, deletes) : value);
  } else if (!deletes) {
    // Scalars are taken as they stand; what is new or of another type loses its nulls and directives.
    if (current === undefined || goType(current) !== goType(value)) dropNulls(value);
    const kept = withoutDirectives(value);
    if (kept === undefined) delete merged[key];
    else put(merged, key, kept);
  }
}

/** `$retainKeys`: all other keys of the object go. The patch may not set a key that the list leaves out. */
function retainKeys(merged: JsonObject, patch: JsonObject): void {
  if (!Object.hasOwn(patch, RETAIN_KEYS)) return;
  const list = patch[RETAIN_KEYS];
  delete patch[RETAIN_KEYS];
  if (!Array.isArray(list)) throw badFormat('retainKeys');
  const retained = new Set<unknown>(list);
  for (const key of Object.keys(patch)) {
    if (patch[key] === null || key.startsWith(DELETE_FROM_LIST) || key.startsWith(ELEMENT_ORDER)) continue;
    if (!retained.has(key)) throw badFormat('retainKeys');
  }
  for (const key of Object.keys(merged)) if (!retained.has(key)) delete merged[key];
}

/** `$setElementOrder/x`: merges the list x here, with the order that the patch wants. */
function mergeOrderedLists(merged: JsonObject, patch: JsonObject, type: Type): void {
  for (const patchKey of Object.keys(patch)) {
    if (!patchKey.startsWith(ELEMENT_ORDER)) continue;
    const order = asList(patch[patchKey]);
    delete patch[patchKey];
    const key = target(patchKey, ELEMENT_ORDER, 'setElementOrder list');
    const current = Object.hasOwn(merged, key) ? asList(merged[key]) : undefined;
    const changes = Object.hasOwn(patch, key) ? asList(patch[key]) : undefined;
    const field = lookupList(type, key);
    checkOrder(changes ?? [], order, field.mergeKey);
    if (!current && !changes) continue;
    let list = current ?? (withoutDirectives(changes) as unknown[]);
    if (current && changes) {
      const merges = field.strategy === 'merge';
      list = merges ? mergeList(current, changes, field.type, field.mergeKey, false) : changes;
    }
    const position = positions(elementType(current ?? [], changes ?? []), field.mergeKey);
    put(merged, key, inOrder(partition(list, order, position), order, current ?? [], position));
    delete patch[key];
  }
}

/** Every item of the patch stands in the order list, and in that order. */
function checkOrder(changes: readonly unknown[], order: readonly unknown[], mergeKey: string): void {
  if (order.length === 0 || changes.length === 0) return;
  const wanted = mergeKey === '' ? changes : changes.filter((v) => asMap(v)[DIRECTIVE] !== 'delete');
  let done = 0;
  for (let i = 0; i < order.length && done < wanted.length; ) {
    const item = wanted[done];
    if (isObject(item) && Object.hasOwn(item, DIRECTIVE)) {
      done++;
      continue;
    }
    if (mergeKey === '' ? item === order[i] : keyOf(item, mergeKey) === keyOf(order[i], mergeKey)) done++;
    i++;
  }
  if (done < wanted.length) {
    throw plainError(
      `The order in patch list:\n${formatV(changes)}\n doesn't match ${ELEMENT_ORDER} list:\n${formatV(order)}\n`,
    );
  }
}

/** Two lists become one; its items keep their place, and new ones come after the item that they follow in the patch. */
function mergeList(
  current: readonly unknown[],
  changes: readonly unknown[],
  type: Type,
  mergeKey: string,
  deletes: boolean,
): unknown[] {
  if (current.length === 0 && changes.length === 0) return [];
  const elements = elementType(current, changes);
  const position = positions(elements, mergeKey);
  if (elements !== MAP) {
    const deleted = new Set(changes);
    if (deletes) return current.filter((v) => !deleted.has(v));
    const all = [...new Set([...current, ...changes])];
    return inOrder(partition(all, changes, position), changes, current, position);
  }
  if (mergeKey === '') throw plainError(`cannot merge lists without merge key for ${goKind(type)}`);
  const [before, patches] = obeyInList(current as JsonObject[], changes as JsonObject[], mergeKey);
  const after = mergeItems(before, patches, type, mergeKey);
  return inOrder(partition(after, patches, position), patches, before, position);
}

/** `$patch` in items: `delete` takes the matching items away, `replace` anywhere in the list replaces all of it. */
function obeyInList(
  current: readonly JsonObject[],
  changes: readonly JsonObject[],
  mergeKey: string,
): [JsonObject[], JsonObject[]] {
  const gone = new Set<unknown>();
  let replaces = false;
  const patches: JsonObject[] = [];
  for (const item of changes) {
    if (!Object.hasOwn(item, DIRECTIVE)) {
      patches.push(item);
      continue;
    }
    const directive = item[DIRECTIVE];
    if (directive === 'delete') gone.add(keyOf(item, mergeKey));
    else if (directive === 'replace') replaces = true;
    else if (directive === 'merge') throw plainError('merging lists cannot yet be specified in the patch');
    else throw unknownDirective(directive, item);
  }
  return replaces ? [patches, []] : [current.filter((v) => !gone.has(own(v, mergeKey))), patches];
}

/** Items with the same merge key are merged, the others appended. */
function mergeItems(
  current: readonly JsonObject[],
  patches: readonly JsonObject[],
  type: Type,
  mergeKey: string,
): JsonObject[] {
  const merged = [...current];
  const places = new Map<unknown, number>();
  for (const [at, item] of current.entries()) {
    const key = own(item, mergeKey);
    if (!places.has(key)) places.set(key, at);
  }
  for (const item of patches) {
    const wanted = keyOf(item, mergeKey);
    const at = places.get(wanted);
    if (at === undefined) places.set(wanted, merged.push(item) - 1);
    else merged[at] = mergeMap(merged[at]!, item, type);
  }
  return merged;
}

/** How items of a list are found in another: by the value of the merge key, or by themselves. */
function positions(elements: string, mergeKey: string): Position {
  return {
    identity: (item) => (mergeKey === '' ? item : keyOf(item, mergeKey)),
    last: (item) => elements === MAP && asMap(item)[DIRECTIVE] === 'delete',
  };
}

/** All items are of one type, which is no list. */
function elementType(...lists: (readonly unknown[])[]): string {
  let type: string | undefined;
  for (const item of lists.flat()) {
    const its = goType(item);
    if (type === undefined && its === '[]interface {}') throw unprocessable();
    if (type !== undefined && type !== its) {
      throw plainError(`list element types are not identical: [${lists.map(formatV).join(' ')}]`);
    }
    type = its;
  }
  if (type === undefined) throw plainError('no elements in any of the given slices');
  return type;
}

/** Null members go, at any depth. */
function dropNulls(value: unknown): void {
  if (Array.isArray(value)) value.forEach(dropNulls);
  if (!isObject(value)) return;
  for (const key of Object.keys(value)) {
    if (value[key] === null) delete value[key];
    else dropNulls(value[key]);
  }
}

/** A value from the patch without the objects that are directives; undefined if it is one itself. */
function withoutDirectives(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutDirectives).filter((v) => v !== undefined);
  if (!isObject(value)) return value;
  if (Object.hasOwn(value, DIRECTIVE)) return undefined;
  for (const key of Object.keys(value)) {
    const kept = withoutDirectives(value[key]);
    if (kept === undefined) delete value[key];
    else put(value, key, kept);
  }
  return value;
}

/** `$setElementOrder/containers` → `containers` */
function target(patchKey: string, prefix: string, what: string): string {
  if (!patchKey.startsWith(`${prefix}/`)) throw badFormat(what);
  return patchKey.slice(prefix.length + 1);
}

function keyOf(item: unknown, mergeKey: string): unknown {
  const map = asMap(item);
  if (Object.hasOwn(map, mergeKey)) return map[mergeKey];
  throw plainError(`map: ${formatV(map)} does not contain declared merge key: ${mergeKey}`);
}

function asMap(value: unknown): JsonObject {
  if (isObject(value)) return value;
  throw wrongType(MAP, value);
}
function asList(value: unknown): unknown[] {
  if (Array.isArray(value)) return value;
  throw wrongType('[]interface {}', value);
}
function wrongType(expected: string, actual: unknown): Error {
  const type = actual === null ? '%!s(<nil>)' : goType(actual);
  return plainError(`expected a ${expected}, but received a ${type}`);
}
function unknownDirective(directive: unknown, patch: JsonObject): Error {
  return plainError(`unknown patch type: ${formatS(directive)} in map: ${formatV(patch)}`);
}
function badFormat(what: string): Error {
  return badRequest(`invalid patch format of ${what}`);
}
