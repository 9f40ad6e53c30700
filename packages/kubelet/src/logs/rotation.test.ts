import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { running } from '../testing/pods.ts';
import { rotateLog } from './rotation.ts';

let directory: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'keelson-logs-'));
});
afterEach(() => rm(directory, { recursive: true, force: true }));

it('moves a log that is too big, compresses older ones and drops the oldest', async () => {
  const path = join(directory, '0.log');
  const reopened: string[] = [];
  const reopen = async (id: string) => {
    reopened.push(id);
    await writeFile(path, '');
  };
  const rotate = (stamp: string) =>
    rotateLog({ id: 'c', log: { type: 'file', path }, state: running() }, reopen, stamp, { maxSize: 4, maxFiles: 4 });
  await writeFile(path, 'abc');
  expect(await rotate('1')).toBe(false);
  for (const stamp of ['1', '2', '3', '4']) {
    await writeFile(path, `log ${stamp}`);
    expect(await rotate(stamp)).toBe(true);
  }
  expect((await readdir(directory)).sort()).toEqual(['0.log', '0.log.2.gz', '0.log.3.gz', '0.log.4']);
  expect(gunzipSync(await readFile(join(directory, '0.log.2.gz'))).toString()).toBe('log 2');
  expect(reopened).toHaveLength(4);
});

it('puts the log back where the runtime does not begin another', async () => {
  const path = join(directory, '0.log');
  await writeFile(path, 'too big');
  const refuse = () => Promise.reject(new Error('no'));
  const log = { type: 'file', path } as const;
  await expect(rotateLog({ id: 'c', log, state: running() }, refuse, '1', { maxSize: 4, maxFiles: 2 })).rejects.toThrow(
    'no',
  );
  expect(await readdir(directory)).toEqual(['0.log']);
});
