/** Who a request is written by, and writes that only a clock would notice. */
import type { KubeObject } from '../object.ts';
import { equal } from '../patch/value.ts';

const MAX_BYTES = 128;
/** Letters, marks, numbers, punctuation, symbols and the space: what Go's unicode.IsPrint lets through. */
const PRINTABLE = /[\p{L}\p{M}\p{N}\p{P}\p{S} ]/u;

/**
 * The manager of a request: its `fieldManager`, or what its user agent says before the first slash, without what cannot
 * be printed, up to 128 bytes. (k8s.io/apiserver/pkg/endpoints/handlers/create.go, managerOrUserAgent)
 */
export function managerOf(fieldManager: string | undefined, userAgent: string | undefined): string {
  if (fieldManager) return fieldManager;
  const name = (userAgent ?? '').split('/', 1)[0]!;
  let manager = '';
  let bytes = 0;
  for (const character of name) {
    if (!PRINTABLE.test(character)) continue;
    bytes += Buffer.byteLength(character);
    if (bytes > MAX_BYTES) break;
    manager += character;
  }
  return manager;
}

/**
 * The object to store: an update that would change nothing but times in managedFields leaves those as they were, and so
 * is no write. Both are in canonical form, with the same resourceVersion.
 * (k8s.io/apiserver/pkg/endpoints/handlers/fieldmanager/equality.go)
 */
export function withoutNewTimes<T extends KubeObject>(existing: T, next: T): T {
  const before = existing.metadata.managedFields;
  const after = next.metadata.managedFields;
  if (!before || !after || before.length !== after.length || after.length === 0) return next;
  if (after.every((entry, i) => entry.time === before[i]!.time)) return next;
  for (const [i, entry] of after.entries()) if (!equal({ ...entry, time: before[i]!.time }, before[i])) return next;
  const restored = { ...next, metadata: { ...next.metadata, managedFields: before } };
  return equal(restored, existing) ? restored : next;
}
