import { syntaxError } from '@keelson/api/codec/json-syntax';
import { notAnObject } from '@keelson/api/patch/value';

/** @returns Go's words for what keeps the bytes from being a JSON object; undefined for an object or null */
export function jsonObjectProblem(bytes: Buffer): string | undefined {
  const problem = syntaxError(bytes);
  if (problem) return problem;
  const value: unknown = JSON.parse(bytes.toString('utf8'));
  if (value === null || (typeof value === 'object' && !Array.isArray(value))) return undefined;
  return notAnObject(value);
}
