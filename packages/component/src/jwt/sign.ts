import { CompactSign } from 'jose';
import type { SigningKey } from './keys.ts';

/** A token of these claims. */
export async function sign(key: SigningKey, claims: object): Promise<string> {
  return new CompactSign(payloadOf(claims))
    .setProtectedHeader({ alg: key.algorithm, kid: key.id })
    .sign(key.privateKey);
}

/** What of a token is signed: the claims, nested objects too, in the order of their names. */
export function payloadOf(claims: object): Uint8Array {
  return new TextEncoder().encode(JSON.stringify(claims, (_, value: unknown) => sorted(value)));
}

function sorted(value: unknown): unknown {
  if (value === null || typeof value !== 'object' || Array.isArray(value)) return value;
  return Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)));
}
