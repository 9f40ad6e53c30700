/** Values in objects without a type, by simple paths such as `.spec.replicas` (apimachinery's unstructured helpers). */
import { formatFloat } from '@keelson/api/codec/go-float';
import { isObject, type JsonObject } from '@keelson/api/patch/value';
import { isInteger } from './schema/numbers.ts';

/** Something on the way, or the value, is of another type than expected; the message is Go's. */
export class NestedTypeError extends Error {
  override readonly name = 'NestedTypeError';
}

/** `.spec.replicas` → `['spec', 'replicas']` */
export function splitPath(path: string): string[] {
  return path.replace(/^\./, '').split('.');
}

/** Undefined where there is none. @throws NestedTypeError */
export function nestedInteger(object: JsonObject, path: string): number | undefined {
  return nested(object, path, 'int64', isInteger) as number | undefined;
}

/** Undefined where there is none. @throws NestedTypeError */
export function nestedString(object: JsonObject, path: string): string | undefined {
  return nested(object, path, 'string', (value) => typeof value === 'string') as string | undefined;
}

/** Sets it in place; makes what is missing on the way. @throws NestedTypeError */
export function setNested(object: JsonObject, path: string, value: unknown): void {
  const names = splitPath(path);
  const last = names.pop()!;
  let at = object;
  for (const [i, name] of names.entries()) {
    at[name] ??= {};
    const next = at[name];
    if (!isObject(next))
      throw new NestedTypeError(
        `value cannot be set because .${names.slice(0, i + 1).join('.')} is not a map[string]interface{}`,
      );
    at = next;
  }
  at[last] = value;
}

function nested(object: JsonObject, path: string, wanted: string, is: (value: unknown) => boolean): unknown {
  const names = splitPath(path);
  let value: unknown = object;
  for (const [i, name] of names.entries()) {
    if (value === undefined || value === null) return undefined;
    if (!isObject(value)) throw accessorError(names.slice(0, i + 1), value, 'map[string]interface{}');
    value = value[name];
  }
  if (value === undefined) return undefined;
  if (!is(value)) throw accessorError(names, value, wanted);
  return value;
}

function accessorError(names: readonly string[], value: unknown, wanted: string): NestedTypeError {
  const { type, text } = inGo(value);
  return new NestedTypeError(`.${names.join('.')} accessor error: ${text} is of the type ${type}, expected ${wanted}`);
}

/** The value as `%v` and `%T` show it. */
function inGo(value: unknown): { type: string; text: string } {
  if (value === null) return { type: '<nil>', text: '<nil>' };
  if (typeof value === 'string') return { type: 'string', text: value };
  if (typeof value === 'boolean') return { type: 'bool', text: String(value) };
  if (isInteger(value)) return { type: 'int64', text: String(value) };
  if (typeof value === 'number') return { type: 'float64', text: formatFloat(value) };
  if (Array.isArray(value)) return { type: '[]interface {}', text: `[${value.map((v) => inGo(v).text).join(' ')}]` };
  const members = Object.entries(value as object).map(([key, v]) => `${key}:${inGo(v).text}`);
  return { type: 'map[string]interface {}', text: `map[${members.sort().join(' ')}]` };
}
