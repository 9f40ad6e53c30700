/** Logs of containers do not grow forever (pkg/kubelet/logs/container_log_manager.go). */
import { createReadStream, createWriteStream } from 'node:fs';
import { readdir, rename, rm, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { createGzip } from 'node:zlib';
import { unless } from '@keelson/component/files';
import type { ContainerStatus } from '../runtime/container.ts';

export interface RotationPolicy {
  /** Bytes. */
  readonly maxSize: number;
  /** Of one container, the one that is written included; two at least. */
  readonly maxFiles: number;
}

export interface LogRotation extends RotationPolicy {
  readonly everyMs: number;
}

/** As the kubelet's own defaults. */
export const ROTATION: LogRotation = { maxSize: 10 * 1024 * 1024, maxFiles: 5, everyMs: 10_000 };

/**
 * Moves the log of a running container away when it is too big, and has the runtime begin another. Older ones are
 * compressed, the oldest go.
 * @param stamp `20260102-150405`
 * @returns whether it was moved
 */
export async function rotateLog(
  { id, log, state }: Pick<ContainerStatus, 'id' | 'log' | 'state'>,
  reopen: (containerId: string) => Promise<void>,
  stamp: string,
  { maxSize, maxFiles }: RotationPolicy = ROTATION,
): Promise<boolean> {
  if (state.type !== 'running' || log.type !== 'file') return false;
  const found = await stat(log.path).catch(unless('ENOENT'));
  if (!found) {
    await reopen(id);
    return false;
  }
  if (found.size < maxSize) return false;
  const older = await rotated(log.path);
  // One more is about to come, and one is written to.
  for (const path of older.splice(0, Math.max(0, older.length - (maxFiles - 2)))) await rm(path, { force: true });
  for (const path of older) if (!path.endsWith('.gz')) await compress(path);
  const moved = `${log.path}.${stamp}`;
  await rename(log.path, moved);
  try {
    await reopen(id);
  } catch (error) {
    await rename(moved, log.path);
    throw error;
  }
  return true;
}

/** The oldest first; what a compression that was broken off has left is taken away. */
async function rotated(path: string): Promise<string[]> {
  const names = (await readdir(dirname(path))).filter((name) => name.startsWith(`${basename(path)}.`)).sort();
  const paths = names.map((name) => join(dirname(path), name));
  for (const half of paths.filter((each) => each.endsWith('.tmp'))) await rm(half, { force: true });
  return paths.filter((each) => !each.endsWith('.tmp'));
}

async function compress(path: string): Promise<void> {
  await pipeline(createReadStream(path), createGzip(), createWriteStream(`${path}.tmp`, { mode: 0o640 }));
  await rename(`${path}.tmp`, `${path}.gz`);
  await rm(path);
}
