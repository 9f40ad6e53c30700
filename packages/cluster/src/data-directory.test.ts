import { mkdir, mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { expectOurs, prepareDirectory } from './data-directory.ts';

let root: string;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'keelson-data-'));
});
afterEach(() => rm(root, { recursive: true }));

test('is made for the owner alone', async () => {
  const path = join(root, 'a', 'b');
  await prepareDirectory(path);
  expect((await stat(path)).mode & 0o777).toBe(0o700);
  await prepareDirectory(path);
});

test('a file in the way is named', async () => {
  const file = join(root, 'file');
  await writeFile(file, '');
  await expect(prepareDirectory(file)).rejects.toMatchObject({
    message: `cannot use the data directory ${file}: it is a file`,
    remedy: 'choose another with --data-dir',
  });
  await expect(prepareDirectory(join(file, 'x'))).rejects.toThrow('a part of the path is a file');
});

test('a folder that cannot be made is named, with all above it', async () => {
  await expect(prepareDirectory('/proc/keelson/data')).rejects.toThrow(
    /^cannot use the data directory \/proc\/keelson\/data: (nothing can be made there|permission denied)$/,
  );
});

test.each([
  ['member/wal', 'etcd'],
  ['server/db', 'k3s'],
])('a folder with %s is that of another program', async (sign, program) => {
  await mkdir(join(root, sign), { recursive: true });
  expect(() => expectOurs(root)).toThrow(`the directory ${root} is that of ${program}`);
});

test('a folder is ours that is empty, or has a store of ours', async () => {
  expectOurs(root);
  await mkdir(join(root, 'db'));
  await writeFile(join(root, 'db/keelson.mdb'), '');
  await writeFile(join(root, 'admin.conf'), '');
  expectOurs(root);
});
