import { link, lstat, mkdir, mkdtemp, rm, symlink, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { NO_USAGE, usageOf } from './filesystem.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'keelson-usage-'));
  await mkdir(join(folder, 'a/b'), { recursive: true });
  await writeFile(join(folder, 'a/file'), Buffer.alloc(100_000, 1));
  await link(join(folder, 'a/file'), join(folder, 'a/b/again'));
  await writeFile(join(folder, 'a/b/sparse'), '');
  await truncate(join(folder, 'a/b/sparse'), 1 << 30);
  await symlink('/', join(folder, 'root'));
  await symlink('a', join(folder, 'link'));
});
afterAll(() => rm(folder, { recursive: true }));

const blocks = async (...names: string[]) => {
  const all = await Promise.all(names.map((name) => lstat(join(folder, name))));
  return all.reduce((sum, each) => sum + each.blocks * 512, 0);
};

describe('the usage', () => {
  it('of a folder is that of all in it, whatever names it has', async () => {
    const bytes = await blocks('.', 'a', 'a/b', 'a/file', 'a/b/sparse', 'root', 'link');
    expect(await usageOf(folder)).toEqual({ bytes, inodes: 7 });
    expect(bytes).toBeLessThan(1 << 20);
  });

  it('of a file is its own', async () => {
    expect(await usageOf(join(folder, 'a/file'))).toEqual({ bytes: await blocks('a/file'), inodes: 1 });
  });

  it('of what is not there is none', async () => {
    expect(await usageOf(join(folder, 'nothing'))).toEqual(NO_USAGE);
  });
});
