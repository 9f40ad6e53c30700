import { createHash } from 'node:crypto';

/** What tells clients that objects are stored in another version than before (endpoints/discovery/storageversionhash.go). */
export function storageVersionHash(group: string, version: string, kind: string): string {
  return createHash('sha256').update(`${group}/${version}/${kind}`).digest().subarray(0, 8).toString('base64');
}
