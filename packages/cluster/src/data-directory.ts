import { constants, existsSync } from 'node:fs';
import { access } from 'node:fs/promises';
import { join } from 'node:path';
import { makeDirectory } from '@keelson/component/files';
import { StartupError } from './startup-error.ts';

/** Of the embedded store, in the folder of a cluster. */
export const storeDirectoryIn = (dataDirectory: string) => join(dataDirectory, 'db');

const reasons: Readonly<Record<string, string>> = {
  EACCES: 'permission denied',
  EPERM: 'permission denied',
  EROFS: 'the file system is read-only',
  ENOSPC: 'the disk is full',
  ENOENT: 'nothing can be made there',
  ENOTDIR: 'a part of the path is a file',
  EEXIST: 'it is a file',
};

/** By what the folders of other programs are known. */
const others: readonly (readonly [path: string, program: string, remedy: string])[] = [
  ['member/wal', 'etcd', 'let etcd run on it and give --etcd-servers, or choose another --data-dir'],
  ['server/db', 'k3s', 'choose another --data-dir'],
  ['etcd-server/member', 'kcp', 'choose another --data-dir'],
  ['admin.conf', 'a control plane that kubeadm or keelson init installed', 'choose another --data-dir'],
];

/** @throws StartupError for a directory that is another program's: what it keeps there would be taken, or changed */
export function expectOurs(path: string): void {
  if (existsSync(join(path, 'db/keelson.mdb'))) return;
  const found = others.find(([sign]) => existsSync(join(path, sign)));
  if (found) throw new StartupError(`the directory ${path} is that of ${found[1]}`, found[2]);
}

/**
 * Makes a directory for data where it is missing, readable by the owner alone.
 * @param path absolute
 * @throws StartupError when it cannot be written to
 */
export async function prepareDirectory(path: string): Promise<void> {
  try {
    await makeDirectory(path);
    await access(path, constants.R_OK | constants.W_OK | constants.X_OK);
  } catch (error) {
    throw new StartupError(
      `cannot use the data directory ${path}: ${fileFault(error)}`,
      'choose another with --data-dir',
    );
  }
}

/** Why a file or folder could not be made or written, in words where the system's code has some. */
export function fileFault(error: unknown): string {
  const { code = '', message } = error as NodeJS.ErrnoException;
  return reasons[code] ?? message;
}

/** Why a file could not be read, in words where the system's code has some. */
export function readFault(error: unknown): string {
  const { code = '', message } = error as NodeJS.ErrnoException;
  if (code === 'ENOENT') return 'there is no such file';
  if (code === 'EISDIR') return 'it is a folder';
  return reasons[code] ?? message;
}
