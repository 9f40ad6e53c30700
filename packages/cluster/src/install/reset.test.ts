import { execFileSync } from 'node:child_process';
import { closeSync, mkdirSync, mkdtempSync, openSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { mountsBelow } from '@keelson/kubelet/volumes/filesystem';
import { expect, it, onTestFinished } from 'vitest';
import { DiskFiles } from './files.ts';
import { Layout } from './layout.ts';
import { unmountBelow } from './reset.ts';
import { testInstallation } from './testing.ts';

/** Whether this process may mount at all. */
function canMount(): boolean {
  const path = mkdtempSync(join(tmpdir(), 'keelson-mount-'));
  try {
    execFileSync('mount', ['-t', 'tmpfs', 'tmpfs', path], { stdio: 'ignore' });
    execFileSync('umount', [path]);
    return true;
  } catch {
    return false;
  } finally {
    rmSync(path, { recursive: true });
  }
}

it.skipIf(!canMount())('leaves what somebody still uses, and says so, before anything of it is removed', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'keelson-reset-'));
  const volume = join(folder, 'pods/uid/volumes/v');
  mkdirSync(volume, { recursive: true });
  execFileSync('mount', ['-t', 'tmpfs', 'tmpfs', volume]);
  const inUse = openSync(join(volume, 'data'), 'w');
  onTestFinished(async () => {
    for (const path of await mountsBelow(folder)) execFileSync('umount', ['-l', path]);
    rmSync(folder, { recursive: true });
  });
  const { context, lines } = testInstallation();
  await expect(unmountBelow(context, folder)).rejects.toThrow(`${volume} cannot be unmounted`);
  expect(lines).toEqual([]);
  closeSync(inUse);
  await unmountBelow(context, folder);
  expect(lines).toEqual([`[reset] unmounted ${volume}`]);
  expect(await mountsBelow(folder)).toEqual([]);
});

it.skipIf(!canMount())('empties a folder that is a file system of its own, as the data of etcd may be', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'keelson-reset-'));
  const data = join(folder, 'var/lib/etcd');
  mkdirSync(data, { recursive: true });
  execFileSync('mount', ['-t', 'tmpfs', 'tmpfs', data]);
  onTestFinished(() => {
    execFileSync('umount', [data]);
    rmSync(folder, { recursive: true });
  });
  mkdirSync(join(data, 'member/wal'), { recursive: true });
  const files = new DiskFiles(new Layout({ root: folder, runHere: false }));
  await files.remove('/var/lib/etcd');
  expect(await files.list('/var/lib/etcd')).toEqual([]);
  await expect(files.remove('/var/lib')).rejects.toThrow('EBUSY');
});
