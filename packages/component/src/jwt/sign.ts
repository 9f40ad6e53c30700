import { CompactSign } from 'jose';
import type { SigningKey } from './keys.ts';

/** A token of these claims, which stand, nested objects too, in the order of their names. */
export async function sign(key: SigningKey, claims: object): Promise<string> {
  const payload = JSON.stringify(claims, (_, value: unknown) => sorted(value));
  return new CompactSign(new TextEncoder().encode(payload))
    .setProtectedHeader({ alg: key.algorithm, kid: key.id })
    .sign(key.privateKey);
}

function sorted(value: unknown): unknown {
  if (value === null || typeof value !== 'object' || Array.isArray(value)) return value;
  return Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)));
}
