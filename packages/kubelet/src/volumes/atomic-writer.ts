/**
 * Files that change all at once: they are links into a folder that is a link itself, `..data`, and that link is what
 * changes (pkg/volume/util/atomic_writer.go). Readers who follow it see the old files or the new ones.
 */
import {
  chmod,
  chown,
  lstat,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  readlink,
  rename,
  rm,
  symlink,
  writeFile,
} from 'node:fs/promises';
import { dirname, join } from 'node:path';

export interface ProjectedFile {
  readonly data: Uint8Array;
  readonly mode: number;
  /** Owner, where it is not root. */
  readonly uid?: number | undefined;
}

/** By relative path. */
export type Payload = ReadonlyMap<string, ProjectedFile>;

const DATA = '..data';
const NEW_DATA = '..data_tmp';

/**
 * @param group that the files belong to
 * @param stamp `2026_01_02_15_04_05`
 * @returns whether anything has changed
 */
export async function writeAtomically(
  directory: string,
  payload: Payload,
  stamp: string,
  group?: number,
): Promise<boolean> {
  checkPaths(payload);
  const old = await readlink(join(directory, DATA)).catch(() => undefined);
  if (old !== undefined && (await isSame(join(directory, old), payload))) return false;
  const fresh = await mkdtemp(join(directory, `..${stamp}.`));
  await chmod(fresh, 0o755);
  for (const [path, file] of payload) await writeOne(join(fresh, path), file, group);
  await rm(join(directory, NEW_DATA), { force: true });
  await symlink(fresh.slice(directory.length + 1), join(directory, NEW_DATA));
  await rename(join(directory, NEW_DATA), join(directory, DATA));
  await link(directory, payload);
  if (old !== undefined) await rm(join(directory, old), { recursive: true, force: true });
  return true;
}

/** Whose a file is stays as it is (chown(2)). */
const SAME = -1;

async function writeOne(path: string, { data, mode, uid }: ProjectedFile, group: number | undefined): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, data, { mode });
  // Whatever the umask.
  await chmod(path, mode);
  if (uid !== undefined || group !== undefined) await chown(path, uid ?? SAME, group ?? SAME);
}

/** What users see: one link for the first part of each path; links to what is gone go too. */
async function link(directory: string, payload: Payload): Promise<void> {
  const wanted = new Set(Array.from(payload.keys(), (path) => path.split('/')[0]!));
  const there = (await readdir(directory)).filter((name) => !name.startsWith('..'));
  for (const name of there) if (!wanted.has(name)) await rm(join(directory, name), { recursive: true, force: true });
  for (const name of wanted) if (!there.includes(name)) await symlink(join(DATA, name), join(directory, name));
}

async function isSame(directory: string, payload: Payload): Promise<boolean> {
  const there = (await readdir(directory, { recursive: true, withFileTypes: true }).catch(() => [])).filter((each) =>
    each.isFile(),
  );
  if (there.length !== payload.size) return false;
  for (const [path, { data, mode }] of payload) {
    const full = join(directory, path);
    const found = await readFile(full).catch(() => undefined);
    if (!found?.equals(data) || ((await lstat(full)).mode & 0o7777) !== mode) return false;
  }
  return true;
}

/** Nothing gets out of the folder, and nothing takes the names that are the writer's. */
function checkPaths(payload: Payload): void {
  for (const path of payload.keys()) {
    const parts = path.split('/');
    if (path === '' || path.startsWith('/')) throw new Error(`invalid path: must be relative path: ${path}`);
    if (parts.includes('..')) throw new Error(`invalid path: must not contain '..': ${path}`);
    if (parts[0]!.startsWith('..')) throw new Error(`invalid path: must not start with '..': ${path}`);
  }
}
