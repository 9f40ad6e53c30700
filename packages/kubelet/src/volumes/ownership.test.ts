import { chmod, lstat, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { manualWorld } from '@keelson/client/testing/world';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { container, podOf } from '../testing/pods.ts';
import { giveToGroup } from './ownership.ts';

/** Whoever runs the test is of that group. */
const group = process.getgid!();

let root: string;
let outside: string;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'keelson-group-'));
  outside = await mkdtemp(join(tmpdir(), 'keelson-other-'));
});
afterEach(() => Promise.all([root, outside].map((path) => rm(path, { recursive: true, force: true }))));

const podWith = (securityContext: object) => podOf({ containers: [container('a')], securityContext });
const mode = async (path: string) => (await lstat(path)).mode & 0o7777;

describe('a volume', () => {
  it('is given to the group of its pod with all that is in it, links left aside', async () => {
    const folder = join(root, 'pods/u1/v');
    await mkdir(join(folder, 'deep'), { recursive: true, mode: 0o755 });
    await writeFile(join(folder, 'deep/file'), '', { mode: 0o600 });
    await writeFile(join(outside, 'file'), '', { mode: 0o600 });
    await symlink(outside, join(folder, 'deep/link'));
    await symlink(join(outside, 'file'), join(folder, 'link'));
    const context = { world: manualWorld(), recorder: { event: () => {} } };
    await giveToGroup(context, podWith({ fsGroup: group }), folder, false);
    expect(await mode(folder)).toBe(0o2775);
    expect(await mode(join(folder, 'deep'))).toBe(0o2775);
    expect(await mode(join(folder, 'deep/file'))).toBe(0o660);
    expect(await mode(join(outside, 'file'))).toBe(0o600);
    expect((await mode(outside)) & 0o2010).toBe(0);
  });

  it('whose folder is as it should be is left alone, where the pod wants that', async () => {
    await writeFile(join(root, 'file'), '', { mode: 0o600 });
    const context = { world: manualWorld(), recorder: { event: () => {} } };
    const pod = podWith({ fsGroup: group, fsGroupChangePolicy: 'OnRootMismatch' });
    await chmod(root, 0o2770);
    await giveToGroup(context, pod, root, false);
    expect(await mode(join(root, 'file'))).toBe(0o600);
    await chmod(root, 0o750);
    await giveToGroup(context, pod, root, true);
    expect([await mode(root), await mode(join(root, 'file'))]).toEqual([0o2750, 0o640]);
  });

  it('of pods without a group is left alone', async () => {
    await chmod(root, 0o700);
    await giveToGroup({ world: manualWorld(), recorder: { event: () => {} } }, podWith({}), root, false);
    expect(await mode(root)).toBe(0o700);
  });
});
