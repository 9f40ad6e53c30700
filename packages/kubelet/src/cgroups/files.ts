/** The folders and files by which the kernel is told of cgroups. */
import { mkdir, open, readdir, readFile, rmdir } from 'node:fs/promises';
import { unless } from '@keelson/component/files';

/** Errors are those of the system, with its codes. */
export interface CgroupFiles {
  read(path: string): Promise<string>;
  /** @param text of a file that is there: the kernel makes them */
  write(path: string, text: string): Promise<void>;
  /** Names of the folders in a folder. */
  folders(path: string): Promise<string[]>;
  /** Its parent is there; it may be too. */
  make(path: string): Promise<void>;
  /** Takes an empty one away; it may be gone. */
  remove(path: string): Promise<void>;
}

export const systemFiles: CgroupFiles = {
  read: (path) => readFile(path, 'utf8'),
  write: async (path, text) => {
    const file = await open(path, 'r+');
    try {
      await file.write(text);
    } finally {
      await file.close();
    }
  },
  folders: async (path) => {
    const entries = await readdir(path, { withFileTypes: true });
    return entries.filter((entry) => entry.isDirectory()).map(({ name }) => name);
  },
  make: (path) => mkdir(path).catch(unless('EEXIST')),
  remove: (path) => rmdir(path).catch(unless('ENOENT')),
};
