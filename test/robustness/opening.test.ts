import { spawn } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { openStore, StoreUnavailableError } from '@keelson/storage';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { StoreTarget } from './store-target.ts';

let directory: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'keelson-opening-'));
});
afterEach(() => rm(directory, { recursive: true }));

it('refuses a second store in the same process, and the first goes on', async () => {
  const store = await openStore({ engine: 'lmdb', directory });
  const second = openStore({ engine: 'lmdb', directory });
  await expect(second).rejects.toThrow(
    `cannot open the data directory ${directory}: another store of this process is using it; stop it or choose another directory`,
  );
  await expect(second).rejects.toBeInstanceOf(StoreUnavailableError);
  expect(await store.put('/a', new Uint8Array(1), { expect: 0 })).toEqual({ ok: true, revision: 2 });
  await store.close();
});

it('refuses a second process and names the first, and lets it in once that is dead', async () => {
  const store = await openStore({ engine: 'lmdb', directory });
  const target = new StoreTarget(directory);
  await expect(target.start()).rejects.toThrow(`process ${process.pid} is using it`);
  await store.close();
  await target.start();
  await expect(openStore({ engine: 'lmdb', directory })).rejects.toThrow(/process \d+ is using it/);
  await target.kill();
  const again = await openStore({ engine: 'lmdb', directory });
  await again.close();
});

it('never lets in two of many that start at once', async () => {
  const targets = Array.from({ length: 4 }, () => new StoreTarget(directory));
  const started = await Promise.allSettled(targets.map((target) => target.start()));
  expect(started.filter(({ status }) => status === 'fulfilled').length).toBeLessThanOrEqual(1);
  await Promise.all(targets.filter((_, i) => started[i]!.status === 'fulfilled').map((target) => target.kill()));
});

it('names what it cannot open', async () => {
  const file = join(directory, 'file');
  await writeFile(file, '');
  const opening = openStore({ engine: 'lmdb', directory: join(file, 'data') });
  await expect(opening).rejects.toThrow(`cannot open the data directory ${file}/data: ENOTDIR`);
});

it('fails writes when the disk is full, loses nothing, and goes on when there is room', async () => {
  const script = fileURLToPath(new URL('full-disk-process.ts', import.meta.url));
  const node = [process.execPath, '--conditions=keelson-source', script, directory];
  const child = spawn('sh', ['-c', 'ulimit -f 4000; exec "$@"', 'sh', ...node]);
  let output = '';
  child.stdout.on('data', (chunk) => {
    output += chunk;
  });
  await new Promise((resolve) => child.on('close', resolve));
  const report = JSON.parse(output);
  expect(report.accepted).toBeGreaterThan(5);
  expect(report.refused).toBeGreaterThan(5);
  expect(report.errors).toEqual([expect.stringMatching(/^StoreUnavailableError: cannot write .*keelson\.mdb: .+/)]);
  expect(report).toMatchObject({ listed: report.accepted, listedAgain: report.accepted + 1 });
});
