import { closeSync, openSync, readSync, statSync } from 'node:fs';

/** Of LMDB's first two pages: `MDB_page`, then `MDB_meta`, whose two `MDB_db` end with the page of their root. */
const at = { magic: 24, version: 28, pageSize: 48, freeRoot: 88, mainRoot: 136, transaction: 152, end: 160 } as const;
const MAGIC = 0xbeefc0de;
const VERSION = 2;
const NO_PAGE = 2n ** 64n - 1n;

/**
 * Looks whether a file can be LMDB's, and has the pages its trees start from: LMDB maps it into memory, and the process
 * dies by a signal where something else is there. An empty or missing file is well.
 * @throws Error with what is wrong, in words
 */
export function assertIntact(file: string): void {
  const size = statSync(file, { throwIfNoEntry: false })?.size ?? 0;
  if (size === 0) return;
  const first = metaAt(file, 0);
  if (first.version !== VERSION) throw new Error(`${file} is of version ${first.version} of LMDB, not ${VERSION}`);
  const second = metaAt(file, first.pageSize);
  const newest = second.transaction > first.transaction ? second : first;
  const missing = newest.roots.some((page) => page !== NO_PAGE && (page + 1n) * BigInt(first.pageSize) > size);
  if (missing) throw new Error(`${file} has been cut off at ${size} bytes; restore it from a copy`);
}

function metaAt(file: string, offset: number) {
  const bytes = Buffer.alloc(at.end);
  const descriptor = openSync(file, 'r');
  try {
    const read = readSync(descriptor, bytes, 0, at.end, offset);
    if (read < at.end || bytes.readUInt32LE(at.magic) !== MAGIC) {
      throw new Error(`${file} is damaged, or was not written by Keelson; restore it from a copy`);
    }
  } finally {
    closeSync(descriptor);
  }
  return {
    version: bytes.readUInt32LE(at.version),
    pageSize: bytes.readUInt32LE(at.pageSize),
    roots: [bytes.readBigUInt64LE(at.freeRoot), bytes.readBigUInt64LE(at.mainRoot)],
    transaction: bytes.readBigUInt64LE(at.transaction),
  };
}
