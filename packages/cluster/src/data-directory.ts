import { constants } from 'node:fs';
import { access, mkdir } from 'node:fs/promises';
import { StartupError } from './startup-error.ts';

const reasons: Readonly<Record<string, string>> = {
  EACCES: 'permission denied',
  EPERM: 'permission denied',
  EROFS: 'the file system is read-only',
  ENOSPC: 'the disk is full',
  ENOTDIR: 'a part of the path is a file',
  EEXIST: 'it is a file',
};

/**
 * Makes a directory for data where it is missing, readable by the owner alone.
 * @throws StartupError when it cannot be written to
 */
export async function prepareDirectory(path: string): Promise<void> {
  try {
    await mkdir(path, { recursive: true, mode: 0o700 });
    await access(path, constants.R_OK | constants.W_OK | constants.X_OK);
  } catch (error) {
    const { code = '', message } = error as NodeJS.ErrnoException;
    throw new StartupError(
      `cannot use the data directory ${path}: ${reasons[code] ?? message}`,
      'choose another with --data-dir',
    );
  }
}
