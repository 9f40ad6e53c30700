/** What file systems and folders hold. */
import type { Dirent } from 'node:fs';
import { lstat, opendir, stat, statfs } from 'node:fs/promises';
import { join } from 'node:path';

export interface Filesystem {
  readonly device: number;
  readonly capacityBytes: number;
  /** For those who are not root. */
  readonly availableBytes: number;
  /** 0 and 0 where it does not count them. */
  readonly inodes: number;
  readonly inodesFree: number;
}

/** @throws where there is nothing at that path */
export async function filesystemAt(path: string): Promise<Filesystem> {
  const [found, { dev }] = await Promise.all([statfs(path), stat(path)]);
  return {
    device: dev,
    capacityBytes: found.blocks * found.bsize,
    availableBytes: found.bavail * found.bsize,
    inodes: found.files,
    inodesFree: found.ffree,
  };
}

export interface DiskUsage {
  readonly bytes: number;
  readonly inodes: number;
}

export const NO_USAGE: DiskUsage = { bytes: 0, inodes: 0 };

export const addUsage = (a: DiskUsage, b: DiskUsage): DiskUsage => ({
  bytes: a.bytes + b.bytes,
  inodes: a.inodes + b.inodes,
});

/** Sizes are told in blocks of that many bytes, whatever those of the file system are. */
const BLOCK = 512;

/**
 * Of a file, or of a folder and all that is in it on the same device; what has more names counts once. What goes meanwhile, or
 * cannot be looked at, is left out. Whose files they are may make millions, or folders a thousand deep: of files of one name
 * nothing is kept, and one folder is open at a time.
 */
export async function usageOf(path: string): Promise<DiskUsage> {
  /** Of those with more names. */
  const seen = new Set<number>();
  const folders: string[] = [];
  let [bytes, inodes, device] = [0, 0, -1];
  const count = async (at: string): Promise<void> => {
    const found = await lstat(at).catch(() => undefined);
    if (!found) return;
    if (device < 0) device = found.dev;
    if (found.dev !== device) return;
    if (found.isDirectory()) folders.push(at);
    else if (found.nlink > 1) {
      if (seen.has(found.ino)) return;
      seen.add(found.ino);
    }
    inodes++;
    bytes += found.blocks * BLOCK;
  };
  await count(path);
  for (let folder = folders.pop(); folder !== undefined; folder = folders.pop()) {
    try {
      for await (const { name } of (await opendir(folder)) as AsyncIterable<Dirent>) await count(join(folder, name));
    } catch {
      // It went meanwhile, or has gone bad: what was seen of it counts.
    }
  }
  return { bytes, inodes };
}
