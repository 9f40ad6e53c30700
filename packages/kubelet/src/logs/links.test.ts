import { mkdtemp, readdir, readlink, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { LogLinks } from './links.ts';

let directory: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'log-links-'));
});
afterEach(() => rm(directory, { recursive: true }));

test('logs are linked to until they are gone', async () => {
  const folder = join(directory, 'containers');
  const links = new LogLinks(folder);
  const pod = { name: 'web', namespace: 'shop' };
  const logs = ['one', 'two', 'three'].map((name) => join(directory, `${name}.log`));
  await links.removeDangling(() => false);
  await links.link(pod, 'a', 'c0', join(directory, 'none.log'));
  for (const log of logs) await writeFile(log, '');
  await links.link(pod, 'a', 'c1', logs[0]!);
  await links.link(pod, 'a', 'c1', logs[0]!);
  await links.link(pod, 'b', 'c2', logs[1]!);
  await links.link(pod, 'long'.repeat(100), 'c3', logs[2]!);
  const names = (await readdir(folder)).sort();
  expect(names).toEqual(['web_shop_a-c1.log', 'web_shop_b-c2.log', expect.stringMatching(/^web_shop_(long)+.*\.log$/)]);
  expect(names[2]).toHaveLength(255);
  expect(await readlink(join(folder, names[0]!))).toBe(logs[0]);
  await rm(logs[0]!);
  await rm(logs[1]!);
  await links.removeDangling((id) => id === 'c2');
  expect((await readdir(folder)).sort()).toEqual(names.slice(1));
});
