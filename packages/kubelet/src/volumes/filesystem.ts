/** What volumes need of the machine: mounts in memory, owners, paths that stay where they belong. */
import { execFile } from 'node:child_process';
import { chmod, lstat, mkdir, mkdtemp, readFile, realpath, rm } from 'node:fs/promises';
import { platform } from 'node:os';
import { join, sep } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** @param sizeBytes without it as the kernel likes. @throws Error where that is not allowed */
export async function mountTmpfs(path: string, sizeBytes?: number): Promise<void> {
  await mkdir(path, { recursive: true });
  if (await isMountPoint(path)) return;
  const options = sizeBytes === undefined ? ['-o', 'noswap'] : ['-o', `size=${sizeBytes},noswap`];
  try {
    await run('mount', ['-t', 'tmpfs', ...options, 'tmpfs', path]);
  } catch {
    // Kernels before 6.4 do not know noswap.
    await run('mount', ['-t', 'tmpfs', ...(sizeBytes === undefined ? [] : ['-o', `size=${sizeBytes}`]), 'tmpfs', path]);
  }
}

/** Whether what is in memory can be kept from the machine's swap: kernels before 6.4 cannot. @param directory in which it is tried */
export async function supportsNoswap(directory: string): Promise<boolean> {
  const path = await mkdtemp(join(directory, 'tmpfs-noswap-test-'));
  try {
    await run('mount', ['-t', 'tmpfs', '-o', 'noswap', 'tmpfs', path]);
    await run('umount', [path]);
    return true;
  } catch {
    return false;
  } finally {
    await rm(path, { recursive: true, force: true });
  }
}

/** @param pageSize as a quantity. @throws Error where the kernel has no pages of that size */
export async function mountHugePages(path: string, pageSize: string): Promise<void> {
  await run('mount', ['-t', 'hugetlbfs', '-o', `pagesize=${pageSize}`, 'nodev', path]);
}

/** A folder that other mounts show in containers, with what is mounted there later. */
export async function bindMount(from: string, to: string): Promise<void> {
  await mkdir(to, { recursive: true });
  if (!(await isMountPoint(to))) await run('mount', ['--bind', from, to]);
}

/** Nothing where nothing is mounted. @throws Error of `umount` */
export async function unmount(path: string): Promise<void> {
  if (await isMountPoint(path)) await run('umount', [path]);
}

/** All mounts at or below a folder, the deepest first. */
export async function mountsBelow(directory: string): Promise<string[]> {
  const points = await mountPoints();
  return points
    .filter((point) => point === directory || point.startsWith(`${directory}/`))
    .sort((a, b) => b.length - a.length);
}

/** Whether something is mounted right there. */
export async function isMountPoint(path: string): Promise<boolean> {
  return (await mountPoints()).includes(path);
}

export interface MountPoint {
  readonly point: string;
  /** Of its file system. */
  readonly type: string;
  /** Of its file system, not of this mount of it. */
  readonly options: readonly string[];
}

/** What is mounted at a path, the last where there are several. */
export async function mountOf(path: string): Promise<MountPoint | undefined> {
  return (await mounts()).findLast(({ point }) => point === path);
}

async function mountPoints(): Promise<string[]> {
  return (await mounts()).map(({ point }) => point);
}

async function mounts(): Promise<MountPoint[]> {
  // Without a look at what is mounted nothing may be removed: it could be somebody's volume.
  const text = platform() === 'linux' ? await readFile('/proc/self/mountinfo', 'utf8') : '';
  return text.split('\n').flatMap((line) => {
    const [before = '', after = ''] = line.split(' - ', 2);
    const point = before.split(' ')[4];
    const [type = '', , options = ''] = after.split(' ');
    return point === undefined ? [] : [{ point: unescaped(point), type, options: options.split(',') }];
  });
}

function unescaped(path: string): string {
  return path.replace(/\\(\d{3})/g, (_, octal) => String.fromCharCode(Number.parseInt(octal, 8)));
}

/**
 * Path of something in a volume, made where it is not there, and never outside of it whatever links there are.
 * @throws Error
 */
export async function resolveInside(volume: string, subPath: string): Promise<string> {
  const root = await realpath(volume);
  let current = root;
  for (const part of subPath.split('/').filter((each) => each !== '' && each !== '.')) {
    const next = join(current, part);
    const found = await realpath(next).catch(async (error: NodeJS.ErrnoException) => {
      if (error.code !== 'ENOENT') throw error;
      const mode = (await lstat(current)).mode & 0o7777;
      await mkdir(next, { mode });
      await chmod(next, mode);
      return next;
    });
    if (found !== root && !found.startsWith(root + sep)) throw new Error(`${subPath} leads out of the volume`);
    current = found;
  }
  return current;
}
