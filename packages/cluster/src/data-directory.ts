import { constants } from 'node:fs';
import { access, link, mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { StartupError } from './startup-error.ts';

/** A directory that one process keeps its data in. */
export interface DataDirectory {
  readonly path: string;
  /** Lets another process use the directory. */
  release(): Promise<void>;
}

/**
 * Makes the directory where it is missing, readable by the owner alone, and takes it for this process. A lock that a
 * crashed process left is taken over; processes see each other's locks when they share a machine and its process ids.
 * @throws StartupError when the directory cannot be written to, or another process uses it
 */
export async function openDataDirectory(path: string): Promise<DataDirectory> {
  try {
    await mkdir(path, { recursive: true, mode: 0o700 });
    await access(path, constants.R_OK | constants.W_OK | constants.X_OK);
  } catch (error) {
    throw unusable(path, error as NodeJS.ErrnoException);
  }
  const file = join(path, 'lock');
  await lock(file, path);
  return { path, release: () => rm(file, { force: true }) };
}

function unusable(path: string, error: NodeJS.ErrnoException): StartupError {
  const reasons: Record<string, string> = {
    EACCES: 'permission denied',
    EPERM: 'permission denied',
    EROFS: 'the file system is read-only',
    ENOSPC: 'the disk is full',
    ENOTDIR: 'a part of the path is a file',
    EEXIST: 'it is a file',
  };
  const reason = reasons[error.code ?? ''] ?? error.message;
  return new StartupError(`cannot use the data directory ${path}: ${reason}`, 'choose another with --data-dir');
}

async function lock(file: string, path: string): Promise<void> {
  const mine = await identity(process.pid);
  const draft = `${file}.${process.pid}`;
  try {
    await writeFile(draft, mine!, { mode: 0o600 });
    while (!(await create(draft, file))) {
      const holder = await readFile(file, 'utf8').catch(() => undefined);
      if (holder === undefined) continue;
      const pid = Number(holder.split(' ')[0]);
      if (pid !== process.pid && (await identity(pid)) === holder) {
        throw new StartupError(
          `the data directory ${path} is in use by process ${pid}`,
          'stop that process, or choose another directory with --data-dir',
        );
      }
      await discard(file, holder);
    }
  } catch (error) {
    throw error instanceof StartupError ? error : unusable(path, error as NodeJS.ErrnoException);
  } finally {
    await rm(draft, { force: true });
  }
}

/** `link` makes the lock with its content in one step, and fails when there is one. */
async function create(draft: string, file: string): Promise<boolean> {
  try {
    await link(draft, file);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  }
}

/** Removes a dead lock; when another process was faster and its new lock went instead, that one is put back. */
async function discard(file: string, dead: string): Promise<void> {
  const aside = `${file}.${process.pid}.dead`;
  try {
    await rename(file, aside);
    if ((await readFile(aside, 'utf8')) !== dead) await create(aside, file);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
  await rm(aside, { force: true });
}

/** A process id with the time that the process started at, since ids are used again; undefined when there is none. */
async function identity(pid: number): Promise<string | undefined> {
  try {
    const stat = await readFile(`/proc/${pid}/stat`, 'utf8');
    return `${pid} ${stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19]}`;
  } catch {
    return isAlive(pid) ? `${pid} ` : undefined;
  }
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
