import { randomBytes } from 'node:crypto';
import { mkdir, open, readdir, readFile, rename, rm, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';

/**
 * Writes a file whole or not at all: a crash leaves the old content or the new one, on disk either way. Until it is whole its
 * name begins with a dot, so that who looks at the folder passes it over.
 * @param mode permissions of the file. @throws Error also where its folder is not there
 */
export async function replaceFile(path: string, text: string, mode = 0o600): Promise<void> {
  const temporary = join(dirname(path), `.${basename(path)}.${randomBytes(4).toString('hex')}.tmp`);
  try {
    const file = await open(temporary, 'wx', mode);
    try {
      await file.writeFile(text);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
}

/** The same; directories on the way are made for the owner alone. */
export async function writeFileAtomic(path: string, text: string, mode?: number): Promise<void> {
  await makeDirectory(dirname(path));
  await replaceFile(path, text, mode);
}

/**
 * As `mkdir -p`. Node's own has other words for a read-only file system, and in /proc it never ends.
 * @param path absolute, or of the folder that this process is in @param mode of folders that are made: the owner's alone by default
 */
export async function makeDirectory(path: string, mode = 0o700): Promise<void> {
  try {
    await mkdir(path, { mode });
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' && dirname(path) !== path) {
      await makeDirectory(dirname(path), mode);
      await mkdir(path, { mode }).catch(unless('EEXIST'));
    } else if (!(await isDirectory(path))) throw error;
  }
}

const isDirectory = (path: string) =>
  stat(path).then(
    (found) => found.isDirectory(),
    () => false,
  );

/** The text of a file, undefined when there is none. */
export async function readIfExists(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

/** The names of what is in a folder; none where there is no such folder. @throws Error where it cannot be read */
export async function namesIn(folder: string): Promise<string[]> {
  return (await readdir(folder).catch(unless('ENOENT', 'ENOTDIR'))) ?? [];
}

/** For what may fail by the codes of the system that are named: other errors are thrown again. */
export function unless(...codes: readonly string[]): (error: NodeJS.ErrnoException) => undefined {
  return (error) => {
    if (!codes.includes(error.code ?? '')) throw error;
  };
}
