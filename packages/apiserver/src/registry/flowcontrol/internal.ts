import { GoValue } from '@keelson/api/field';

/** A struct in a field error: JSON of the type that the server has inside, whose fields bear Go's names. */
export function asInternal(value: object): GoValue {
  return new GoValue(JSON.stringify(value, (_key, v: unknown) => (isPlain(v) ? capitalised(v) : v)));
}

function isPlain(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function capitalised(value: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(value).map(([k, v]) => [k[0]!.toUpperCase() + k.slice(1), v]));
}
