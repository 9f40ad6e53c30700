/** JSON merge patch (RFC 7386) as gopkg.in/evanphx/json-patch.v4 merges it. */
import { badRequest } from '../errors.ts';
import { isObject, type JsonObject, own, put } from './value.ts';

/**
 * Checks the shape of a parsed patch. With `strict` (fieldValidation Strict and Warn) it must be an object; without,
 * a list passes too (and takes the place of the document, which then does not decode).
 * @throws StatusError 400
 */
export function decodeMergePatch(body: unknown, strict: boolean): JsonObject | unknown[] {
  if (isObject(body) || (Array.isArray(body) && !strict)) return body;
  if (body === null || !strict) throw badRequest('Invalid JSON Patch');
  const type = Array.isArray(body) ? 'array' : typeof body === 'boolean' ? 'bool' : typeof body;
  throw badRequest(
    `error decoding patch: json: cannot unmarshal ${type} into Go value of type map[string]interface {}`,
  );
}

/** Returns the merged document. It shares what did not change with `document`, and the new parts with `patch`. */
export function applyMergePatch(document: JsonObject, patch: JsonObject | unknown[]): JsonObject | unknown[] {
  return Array.isArray(patch) ? (withoutNulls(patch) as unknown[]) : merge(document, patch);
}

function merge(document: JsonObject, patch: JsonObject): JsonObject {
  const merged = { ...document };
  for (const key of Object.keys(patch)) {
    const value = patch[key];
    const current = own(document, key);
    if (value === null) delete merged[key];
    // A list that takes an object's place keeps the nulls in its items, one that takes any other place does not.
    else if (isObject(current)) put(merged, key, isObject(value) ? merge(current, value) : value);
    else put(merged, key, withoutNulls(value));
  }
  return merged;
}

/** Null members of objects go, null items of lists stay. */
function withoutNulls(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutNulls);
  if (!isObject(value)) return value;
  const kept: JsonObject = {};
  for (const key of Object.keys(value)) if (value[key] !== null) put(kept, key, withoutNulls(value[key]));
  return kept;
}
