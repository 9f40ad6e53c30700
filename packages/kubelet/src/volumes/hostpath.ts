/** Paths of the node (pkg/volume/hostpath/host_path.go). */
import { mkdir, open, stat } from 'node:fs/promises';
import type { HostPathVolumeSource } from '@keelson/api/generated/types/core/v1';

/** @throws Error where it is not what it is said to be */
export async function checkHostPath({ path, type = '' }: HostPathVolumeSource): Promise<void> {
  if (type === '') return;
  const fail = (what: string) => new Error(`hostPath type check failed: ${path} is not ${what}`);
  const found = await stat(path).catch(() => undefined);
  switch (type) {
    case 'DirectoryOrCreate':
      if (!found) await mkdir(path, { recursive: true, mode: 0o755 });
      else if (!found.isDirectory()) throw fail('a directory');
      return;
    case 'FileOrCreate':
      if (!found) await (await open(path, 'a', 0o644)).close();
      else if (!found.isFile()) throw fail('a file');
      return;
    case 'Directory':
      if (!found?.isDirectory()) throw fail('a directory');
      return;
    case 'File':
      if (!found?.isFile()) throw fail('a file');
      return;
    case 'Socket':
      if (!found?.isSocket()) throw fail('a socket file');
      return;
    case 'CharDevice':
      if (!found?.isCharacterDevice()) throw fail('a character device');
      return;
    case 'BlockDevice':
      if (!found?.isBlockDevice()) throw fail('a block device');
      return;
  }
  throw new Error(`${type} is an invalid volume type`);
}
