import { syntaxError } from '@keelson/api/codec/json-syntax';
import { isObject, notAnObject } from '@keelson/api/patch/value';

/** @returns Go's words for what keeps the bytes from being a JSON object; undefined for an object or null */
export function jsonObjectProblem(bytes: Buffer): string | undefined {
  const problem = syntaxError(bytes);
  if (problem) return problem;
  const value: unknown = JSON.parse(bytes.toString('utf8'));
  return value === null || isObject(value) ? undefined : notAnObject(value);
}
