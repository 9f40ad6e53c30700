/**
 * An applied configuration laid over a live object. Nothing is removed here; see remove.ts.
 * Behaviour: sigs.k8s.io/structured-merge-diff/v6/typed/merge.go.
 */
import { isObject, type JsonObject, own, put } from '../patch/value.ts';
import type { Element } from './element.ts';
import { itemElement } from './items.ts';
import { type ApplyList, type ApplyMap, type ApplySchema, memberSchema, shapeOf } from './schema.ts';

/** @throws FieldsError where items of a list cannot be told apart */
export function merge(live: JsonObject, config: JsonObject, schema: ApplySchema): JsonObject {
  return (mergeValues(live, config, schema) ?? {}) as JsonObject;
}

/** At most one of the two is undefined; so is the result where nothing is left to write. */
function mergeValues(live: unknown, config: unknown, schema: ApplySchema): unknown {
  const shape = shapeOf(schema, config === undefined ? live : config);
  if (shape === 'map') {
    const map = schema.map!;
    const l = isObject(live) ? live : {};
    const r = isObject(config) ? config : {};
    if (!map.atomic && Object.keys(l).length + Object.keys(r).length > 0) return mergeMembers(l, r, map);
  } else if (shape === 'list') {
    const list = schema.list!;
    const l = Array.isArray(live) ? live : [];
    const r = Array.isArray(config) ? config : [];
    if (!list.atomic && l.length + r.length > 0) return mergeItems(l, r, list);
  }
  return config === undefined ? live : config;
}

function mergeMembers(live: JsonObject, config: JsonObject, map: ApplyMap): JsonObject {
  const merged: JsonObject = {};
  for (const name of new Set([...Object.keys(live), ...Object.keys(config)])) {
    const schema = memberSchema(map, name);
    const value = schema ? mergeValues(own(live, name), own(config, name), schema) : own(live, name);
    if (value !== undefined) put(merged, name, value);
  }
  return merged;
}

/**
 * The items of the configuration stand in its order, the others where they stand in the live list. An item that is
 * duplicated in the live list is not merged but replaced.
 */
function mergeItems(live: readonly unknown[], config: readonly unknown[], list: ApplyList): unknown[] {
  const left = live.map((item) => itemElement(list, item));
  const right = config.map((item) => itemElement(list, item));
  const liveItems = new Map<Element, unknown>();
  for (const [i, element] of left.entries()) liveItems.set(element, liveItems.has(element) ? null : live[i]);
  const wanted = new Set(right);
  const shared = right.filter((element) => liveItems.has(element));
  let next = 0;
  const merged: unknown[] = [];
  const done = new Set<Element>();
  const take = (at: number) => {
    const element = right[at]!;
    done.add(element);
    const value = mergeValues(liveItems.get(element), config[at], list.element);
    if (value !== undefined) merged.push(value);
    if (shared[next] === element) next++;
  };
  let i = 0;
  let j = 0;
  while (i < left.length || j < right.length) {
    const element = left[i];
    if (element !== undefined && j < right.length) {
      if (element === right[j]) {
        take(j++);
        i++;
        continue;
      }
      // A shared item whose turn has not come: it stands where the configuration has it.
      if (wanted.has(element) && next < shared.length && shared[next] !== element) {
        i++;
        continue;
      }
    }
    if (element !== undefined && !wanted.has(element)) {
      merged.push(live[i++]);
      continue;
    }
    if (element !== undefined && done.has(element)) i++;
    if (j < right.length) take(j++);
  }
  return merged;
}
