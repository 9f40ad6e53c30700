/** Short names made of contents: of replica sets and controller revisions. */
import { goDump } from '@keelson/api/codec/go-dump';
import type { PodTemplateSpec } from '@keelson/api/generated/types/core/v1';
import { structType } from '@keelson/api/schema';

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

const TEMPLATE = structType('io.k8s.api.core.v1.PodTemplateSpec');

/**
 * The value of `pod-template-hash` (pkg/controller/controller_utils.go ComputeHash), of the template as Go's structs of
 * this version hold it: another version, with other fields, makes another of it.
 */
export function templateHash(template: PodTemplateSpec, collisionCount: number | undefined): string {
  const collisions = Buffer.alloc(collisionCount === undefined ? 0 : 8);
  if (collisionCount !== undefined) collisions.writeUInt32LE(collisionCount);
  return safeEncode(fnv32a(Buffer.concat([Buffer.from(goDump(template, TEMPLATE)), collisions])));
}
