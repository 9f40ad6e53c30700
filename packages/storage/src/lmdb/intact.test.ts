import { mkdtemp, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { openLmdbStore } from './open.ts';

let directory: string;
let file: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'keelson-lmdb-'));
  file = join(directory, 'keelson.mdb');
  await (await openLmdbStore({ directory })).close();
});
afterEach(() => rm(directory, { recursive: true }));

const damages: [string, () => Promise<void>, RegExp][] = [
  ['another file in its place', () => writeFile(file, 'x'.repeat(10_000)), /is damaged, or was not written by Keelson/],
  ['less than a page', () => truncate(file, 100), /is damaged/],
  ['its end missing', () => truncate(file, 8192), /has been cut off at 8192 bytes/],
  [
    'another version of LMDB',
    async () => {
      const bytes = await readFile(file);
      bytes.writeUInt32LE(1, 28);
      await writeFile(file, bytes);
    },
    /is of version 1 of LMDB/,
  ],
];

it.each(damages)('a file with %s is refused with a word', async (_, damage, message) => {
  await damage();
  await expect(openLmdbStore({ directory })).rejects.toThrow(message);
});

it('an empty file is filled', async () => {
  await truncate(file, 0);
  await rm(`${file}-lock`);
  await (await openLmdbStore({ directory })).close();
  await (await openLmdbStore({ directory })).close();
});
