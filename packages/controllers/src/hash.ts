/** Short names made of contents: of replica sets and controller revisions. */

const PRIME = 0x01000193;
const OFFSET = 0x811c9dc5;

/** FNV-1, 32 bits (hash/fnv New32). */
export function fnv32(bytes: Uint8Array): number {
  let hash = OFFSET;
  for (const byte of bytes) hash = (Math.imul(hash, PRIME) ^ byte) >>> 0;
  return hash;
}

/** FNV-1a, 32 bits (hash/fnv New32a). */
export function fnv32a(bytes: Uint8Array): number {
  let hash = OFFSET;
  for (const byte of bytes) hash = Math.imul(hash ^ byte, PRIME) >>> 0;
  return hash;
}

const ALPHABET = 'bcdfghjklmnpqrstvwxz2456789';

/** A number in letters and digits that make no words (apimachinery/pkg/util/rand SafeEncodeString). */
export function safeEncode(hash: number): string {
  return Array.from(String(hash), (digit) => ALPHABET[digit.charCodeAt(0) % ALPHABET.length]).join('');
}

/** JSON with the keys of all objects sorted, as Go writes maps; equal values give equal texts. */
export function sortedJson(value: unknown): string {
  return JSON.stringify(value, (_key, inner: unknown) => {
    if (typeof inner !== 'object' || inner === null || Array.isArray(inner)) return inner;
    return Object.fromEntries(Object.entries(inner).sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0)));
  });
}

/**
 * The value of `pod-template-hash` (pkg/controller/controller_utils.go ComputeHash). Upstream hashes a dump of Go's
 * structs, here it is the JSON: replica sets are found by their templates, not by this.
 */
export function templateHash(template: object, collisionCount: number | undefined): string {
  const text = sortedJson(template) + (collisionCount === undefined ? '' : `#${collisionCount}`);
  return safeEncode(fnv32a(Buffer.from(text)));
}
