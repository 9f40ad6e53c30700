import { spawn } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { openDataDirectory } from './data-directory.ts';

let root: string;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'keelson-data-'));
});
afterEach(() => rm(root, { recursive: true }));

test('is made for the owner alone, and let go', async () => {
  const path = join(root, 'a', 'b');
  const directory = await openDataDirectory(path);
  expect((await stat(path)).mode & 0o777).toBe(0o700);
  expect(await readdir(path)).toEqual(['lock']);
  await directory.release();
  expect(await readdir(path)).toEqual([]);
});

/** A process that runs until it is killed, with its lock. */
async function otherProcess() {
  const child = spawn('sleep', ['60']);
  await new Promise((resolve) => child.once('spawn', resolve));
  const stat = await readFile(`/proc/${child.pid}/stat`, 'utf8');
  const lock = `${child.pid} ${stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19]}`;
  const end = () => new Promise((resolve) => child.once('exit', resolve) && child.kill('SIGKILL'));
  return { pid: child.pid, lock, end };
}

test('in use by a living process: refused, naming it', async () => {
  const other = await otherProcess();
  await writeFile(join(root, 'lock'), other.lock);
  await expect(openDataDirectory(root)).rejects.toMatchObject({
    message: `the data directory ${root} is in use by process ${other.pid}`,
    remedy: 'stop that process, or choose another directory with --data-dir',
  });
  await other.end();
  await expect(openDataDirectory(root)).resolves.toBeDefined();
  expect(await readdir(root)).toEqual(['lock']);
});

test.each(['', 'nonsense', '4194305 1', `${process.pid} 1`])('a dead lock %j is taken over', async (dead) => {
  await writeFile(join(root, 'lock'), dead);
  await openDataDirectory(root);
  expect(await readFile(join(root, 'lock'), 'utf8')).toMatch(new RegExp(`^${process.pid} \\d+$`));
});

test('a process id that another process got since is no lock', async () => {
  const other = await otherProcess();
  await writeFile(join(root, 'lock'), `${other.pid} 1`);
  await expect(openDataDirectory(root)).resolves.toBeDefined();
  await other.end();
});

test('a file in the way is named', async () => {
  const file = join(root, 'file');
  await writeFile(file, '');
  await expect(openDataDirectory(file)).rejects.toThrow(`cannot use the data directory ${file}: it is a file`);
  await expect(openDataDirectory(join(file, 'x'))).rejects.toThrow('a part of the path is a file');
});
