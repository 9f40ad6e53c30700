/** JSON merge patch (RFC 7386) as gopkg.in/evanphx/json-patch.v4 merges it. */

import { sortedKeys } from '../codec/go-order.ts';
import { badRequest } from '../errors.ts';
import { isObject, type JsonObject, notAnObject, own, put } from './value.ts';

/**
 * Checks the shape of a parsed patch. With `strict` (fieldValidation Strict and Warn) it must be an object; without,
 * a list passes too (and takes the place of the document, which then does not decode).
 * @throws StatusError 400
 */
export function decodeMergePatch(body: unknown, strict: boolean): JsonObject | unknown[] {
  if (isObject(body) || (Array.isArray(body) && !strict)) return body;
  if (body === null || !strict) throw badRequest('Invalid JSON Patch');
  throw badRequest(`error decoding patch: ${notAnObject(body)}`);
}

/**
 * Returns the merged document. It shares what did not change with `document`, and the new parts with `patch`. What is new
 * or changed is a Go map to upstream: its members come in the order of their names, as complaints about them do.
 */
export function applyMergePatch(document: JsonObject, patch: JsonObject | unknown[]): JsonObject | unknown[] {
  return Array.isArray(patch) ? (withoutNulls(patch) as unknown[]) : merge(document, patch);
}

function merge(document: JsonObject, patch: JsonObject): JsonObject {
  const merged: JsonObject = {};
  for (const key of sortedKeys({ ...document, ...patch })) {
    const current = own(document, key);
    if (!Object.hasOwn(patch, key)) put(merged, key, current);
    else if (patch[key] !== null) put(merged, key, mergedValue(current, patch[key]));
  }
  return merged;
}

/** A list that takes an object's place keeps the nulls in its items, one that takes any other place does not. */
function mergedValue(current: unknown, value: unknown): unknown {
  if (!isObject(current)) return withoutNulls(value);
  return isObject(value) ? merge(current, value) : value;
}

/** Null members of objects go, null items of lists stay. */
function withoutNulls(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutNulls);
  if (!isObject(value)) return value;
  const kept: JsonObject = {};
  for (const key of sortedKeys(value)) if (value[key] !== null) put(kept, key, withoutNulls(value[key]));
  return kept;
}
