import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, readdir, readlink, rm, stat, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { PersistentVolume } from '@keelson/api/generated/types/core/v1';
import { manualWorld } from '@keelson/client/testing/world';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { container, podOf } from '../testing/pods.ts';
import { LocalVolumes } from './local.ts';

const pod = podOf({ containers: [container('a')] });
const volumeWith = (spec: object): PersistentVolume =>
  ({ metadata: { name: 'pv' }, spec, status: {} }) as PersistentVolume;

let root: string;
let events: string[];
let volumes: LocalVolumes;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'keelson-local-'));
  events = [];
  const recorder = { event: (_about: object, _type: string, reason: string) => void events.push(reason) };
  volumes = new LocalVolumes({ world: manualWorld(), recorder, rootDirectory: root });
});
afterEach(() => rm(root, { recursive: true, force: true }));

/** A device in a file; undefined where this machine has none for tests. */
function deviceIn(file: string): string | undefined {
  if (process.getuid?.() !== 0 || !existsSync('/dev/loop-control')) return undefined;
  try {
    return execFileSync('losetup', ['-f', '--show', file], { encoding: 'utf8', stdio: 'pipe' }).trim();
  } catch {
    return undefined;
  }
}

describe('volumes of a node', () => {
  it.each([
    [
      { local: { path: '/not/there' } },
      'MountVolume.NewMounter initialization failed for volume "pv" : path "/not/there" does not exist',
    ],
    [
      { hostPath: { path: '/not/there', type: 'Directory' } },
      'MountVolume.SetUp failed for volume "pv" : hostPath type check failed: /not/there is not a directory',
    ],
    [{ nfs: { path: '/', server: 's' } }, 'MountVolume.SetUp failed for volume "pv" : no volume plugin matched'],
  ])('that cannot be had are told of: %j', async (spec, message) => {
    await expect(volumes.mount(pod, volumeWith(spec), false)).rejects.toThrow(message);
  });

  it('may be devices, which are kept open as long as a pod has them', async ({ skip }) => {
    const file = join(root, 'disk');
    await writeFile(file, '');
    await truncate(file, 1 << 20);
    const device = deviceIn(file);
    skip(device === undefined, 'no loop devices here');
    try {
      const volume = volumeWith({ local: { path: device }, volumeMode: 'Block' });
      const mounted = await volumes.mount(pod, volume, true);
      const link = join(root, 'pods/u1/volumeDevices/kubernetes.io~local-volume/pv');
      expect(mounted).toEqual({ path: '', readOnly: true, device: link });
      expect(await readlink(link)).toBe(device);
      const shared = join(root, 'plugins/kubernetes.io~local-volume/volumeDevices/pv');
      expect((await stat(join(shared, 'u1'))).isBlockDevice()).toBe(true);
      expect(events).toEqual(['SuccessfulMountVolume', 'SuccessfulMountVolume']);
      await volumes.release('u1');
      expect(await readdir(shared)).toEqual([]);
      expect(existsSync(link)).toBe(false);
      expect(execFileSync('losetup', ['-a'], { encoding: 'utf8' })).not.toContain(shared);
    } finally {
      await volumes.release('u1');
      execFileSync('losetup', ['-d', device!]);
    }
  });
});
