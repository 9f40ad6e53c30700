import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Pod } from '@keelson/api/generated/types/core/v1';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { RuntimeHandler } from '../runtime/runtime.ts';
import { UserNamespaces } from './user-namespaces.ts';

let directory: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'keelson-userns-'));
});
afterEach(() => rm(directory, { recursive: true, force: true }));

const handler = (name: string, userNamespaces: boolean): RuntimeHandler => ({
  name,
  userNamespaces,
  recursiveReadOnlyMounts: false,
});
const make = (handlers = [handler('', true), handler('old', false)], idsPerPod?: number) =>
  new UserNamespaces({ podDirectory: (uid) => join(directory, uid), handlers: () => handlers, idsPerPod });
const pod = (uid: string, hostUsers?: boolean) =>
  ({ metadata: { name: uid, namespace: 'n', uid }, spec: { hostUsers, containers: [] } }) as unknown as Pod;
const range = (hostId: number, length = 65_536) => ({
  uids: [{ hostId, containerId: 0, length }],
  gids: [{ hostId, containerId: 0, length }],
});

describe('user namespaces', () => {
  it('are for pods that do not want the host’s, each with a range of its own', async () => {
    const namespaces = make();
    expect(await namespaces.of(pod('a'), '')).toBeUndefined();
    expect(await namespaces.of(pod('b', true), '')).toBeUndefined();
    expect(await namespaces.of(pod('c', false), '')).toEqual(range(65_536));
    expect(await namespaces.of(pod('d', false), '')).toEqual(range(131_072));
    expect(await namespaces.of(pod('c', false), '')).toEqual(range(65_536));
    expect(JSON.parse(await readFile(join(directory, 'c/userns'), 'utf8'))).toEqual({
      uidMappings: [{ hostId: 65_536, containerId: 0, length: 65_536 }],
      gidMappings: [{ hostId: 65_536, containerId: 0, length: 65_536 }],
    });
  });

  it('stay those of their pods when the kubelet starts again, and are free when these are gone', async () => {
    const before = make();
    await before.of(pod('a', false), '');
    await before.of(pod('b', false), '');
    const after = make();
    await mkdir(join(directory, 'other'));
    await after.restore(['a', 'b', 'other', 'gone']);
    expect(await after.of(pod('c', false), '')).toEqual(range(3 * 65_536));
    expect(await after.of(pod('b', false), '')).toEqual(range(2 * 65_536));
    after.release('a');
    await rm(join(directory, 'a'), { recursive: true });
    expect(await after.of(pod('d', false), '')).toEqual(range(4 * 65_536));
  });

  it('run out', async () => {
    const length = 2 ** 30;
    const namespaces = make(undefined, length);
    for (const [i, uid] of ['a', 'b', 'c'].entries())
      expect(await namespaces.of(pod(uid, false), '')).toEqual(range((i + 1) * length, length));
    await expect(namespaces.of(pod('d', false), '')).rejects.toThrow(
      'create user namespace: could not find an empty slot to allocate a user namespace',
    );
    namespaces.release('b');
    expect(await namespaces.of(pod('d', false), '')).toEqual(range(2 * length, length));
  });

  it.each([
    ['old', `can't set \`spec.hostUsers: false\`, RuntimeClass handler "old" does not support user namespaces`],
    [
      'new',
      `can't set \`spec.hostUsers: false\`, RuntimeClass handler "new" does not support user namespaces: the handler "new" is not known`,
    ],
  ])('are refused where the handler %s cannot make them', async (name, message) => {
    await expect(make().of(pod('a', false), name)).rejects.toThrow(new Error(message));
  });

  it('are refused where the runtime does not say that it can', async () => {
    await expect(make([]).of(pod('a', false), '')).rejects.toThrow(
      new Error("can't set `spec.hostUsers: false`, runtime does not support user namespaces"),
    );
  });

  it.each([
    ['{', 'invalid user namespace mappings file'],
    ['{"uidMappings":[],"gidMappings":[]}', 'no more than one mapping allowed.'],
    [JSON.stringify({ uidMappings: range(65_536).uids, gidMappings: range(131_072).gids }), 'should be identical'],
    [JSON.stringify({ uidMappings: range(0).uids, gidMappings: range(0).gids }), 'wrong user namespace offset'],
    [JSON.stringify({ uidMappings: range(65_536).uids, gidMappings: range(65_536).gids }), 'already taken'],
  ])('are not taken from a file that says %s', async (text, message) => {
    const namespaces = make();
    await namespaces.of(pod('a', false), '');
    await mkdir(join(directory, 'b'));
    await writeFile(join(directory, 'b/userns'), text);
    await expect(namespaces.of(pod('b', false), '')).rejects.toThrow(message);
  });
});
