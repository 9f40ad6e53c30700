import { constants } from 'node:fs';
import { access, mkdir, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
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

/** As `mkdir -p`. Node's own has other words for a read-only file system, and in /proc it never ends. */
async function makeDirectory(path: string): Promise<void> {
  try {
    await mkdir(path, { mode: 0o700 });
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT') {
      await makeDirectory(dirname(path));
      await mkdir(path, { mode: 0o700 });
    } else if (!(await isDirectory(path))) throw error;
  }
}

const isDirectory = (path: string) =>
  stat(path).then(
    (found) => found.isDirectory(),
    () => false,
  );
