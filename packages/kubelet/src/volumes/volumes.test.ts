import { lstat, mkdir, mkdtemp, readdir, readFile, readlink, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ConfigMap, Pod, Secret } from '@keelson/api/generated/types/core/v1';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { container, podOf } from '../testing/pods.ts';
import { type ProjectedFile, writeAtomically } from './atomic-writer.ts';
import { resolveInside } from './filesystem.ts';
import { checkHostPath } from './hostpath.ts';
import { hostHosts, podHosts } from './hosts.ts';
import { mountsOf } from './mounts.ts';
import { configMapPayload, downwardPayload, projectedPayload, secretPayload } from './payload.ts';

let directory: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'keelson-volumes-'));
});
afterEach(() => rm(directory, { recursive: true, force: true }));

const file = (text: string, mode = 0o644) => ({ data: Buffer.from(text), mode });
const read = (name: string) => readFile(join(directory, name), 'utf8');

describe('writeAtomically', () => {
  it.skipIf(process.getuid?.() !== 0)('gives files to a user or a group, and leaves the other as it is', async () => {
    const own = await stat(directory);
    const files = new Map<string, ProjectedFile>([
      ['a', { ...file('1'), uid: 1000 }],
      ['b', file('2')],
    ]);
    const owners = async () =>
      Promise.all(['a', 'b'].map((name) => stat(join(directory, name)).then(({ uid, gid }) => [uid, gid])));
    await writeAtomically(directory, files, 't1');
    expect(await owners()).toEqual([
      [1000, own.gid],
      [own.uid, own.gid],
    ]);
    await writeAtomically(directory, new Map([...files, ['c', file('3')]]), 't2', 7);
    expect(await owners()).toEqual([
      [1000, 7],
      [own.uid, 7],
    ]);
  });

  it('shows files through one link, and changes all of them at once', async () => {
    expect(
      await writeAtomically(
        directory,
        new Map([
          ['a', file('1')],
          ['d/b', file('2', 0o400)],
        ]),
        't1',
      ),
    ).toBe(true);
    expect([await read('a'), await read('d/b')]).toEqual(['1', '2']);
    expect(await readlink(join(directory, 'a'))).toBe('..data/a');
    expect((await stat(join(directory, 'd/b'))).mode & 0o777).toBe(0o400);
    const before = await readlink(join(directory, '..data'));
    expect(await writeAtomically(directory, new Map([['a', file('3')]]), 't2')).toBe(true);
    expect(await read('a')).toBe('3');
    expect((await readdir(directory)).filter((name) => !name.startsWith('..'))).toEqual(['a']);
    await expect(lstat(join(directory, before))).rejects.toThrow('ENOENT');
  });

  it('does nothing where nothing is new', async () => {
    const payload = new Map([['a', file('1')]]);
    await writeAtomically(directory, payload, 't1');
    const before = await readlink(join(directory, '..data'));
    expect(await writeAtomically(directory, payload, 't2')).toBe(false);
    expect(await readlink(join(directory, '..data'))).toBe(before);
  });

  it.each(['../a', '/a', '..a', 'a/../../b', ''])('refuses %j', async (path) => {
    await expect(writeAtomically(directory, new Map([[path, file('')]]), 't')).rejects.toThrow('invalid path');
  });
});

const configMap = { metadata: {}, data: { a: '1', b: '2' }, binaryData: { c: 'AAE=' } } as unknown as ConfigMap;
const secret = { metadata: {}, data: { k: Buffer.from('v').toString('base64') } } as unknown as Secret;
const shown = (payload: ReadonlyMap<string, { data: Uint8Array; mode: number }>) =>
  Object.fromEntries(
    [...payload].map(([path, { data, mode }]) => [path, `${Buffer.from(data).toString('latin1')} ${mode.toString(8)}`]),
  );

describe('payloads', () => {
  it('has all keys, or those that are chosen', () => {
    expect(shown(configMapPayload(configMap, undefined, 0o644, false))).toEqual({
      a: '1 644',
      b: '2 644',
      c: '\u0000\u0001 644',
    });
    expect(shown(configMapPayload(configMap, [{ key: 'a', path: 'x/y', mode: 0o400 }], 0o644, false))).toEqual({
      'x/y': '1 400',
    });
    expect(shown(secretPayload(secret, undefined, 0o600, false))).toEqual({ k: 'v 600' });
  });

  it('complains of keys that are not there, unless they need not be', () => {
    const items = [{ key: 'no', path: 'p' }];
    expect(() => configMapPayload(configMap, items, 0o644, false)).toThrow(
      'configmap references non-existent config key: no',
    );
    expect(() => secretPayload(secret, items, 0o644, false)).toThrow('references non-existent secret key: no');
    expect(configMapPayload(configMap, items, 0o644, true).size).toBe(0);
  });

  const context = (pod: Pod) => ({
    pod,
    podIps: ['10.0.0.7'],
    hostIps: ['192.0.2.1'],
    node: undefined,
    objects: { get: (async (kind: string) => (kind === 'secrets' ? secret : configMap)) as never },
    token: async ({ audience, seconds }: { audience: string; seconds: number }) => `${audience}/${seconds}`,
  });

  it('shows fields of the pod', () => {
    const pod = podOf(
      { containers: [container('a', { resources: { limits: { cpu: '2' } } })] },
      { labels: { l: 'v' } },
    );
    const items = [
      { path: 'labels', fieldRef: { fieldPath: 'metadata.labels' } },
      { path: 'cpu', resourceFieldRef: { containerName: 'a', resource: 'limits.cpu', divisor: '1' } },
    ];
    expect(shown(downwardPayload(items, 0o644, context(pod)))).toEqual({ labels: 'l="v" 644', cpu: '2 644' });
  });

  const two = (one: number, other: number) => [
    container('a', { securityContext: { runAsUser: one } }),
    container('b', { securityContext: { runAsUser: other } }),
  ];
  it.each([
    ['nobody in particular', { containers: [container('a')] }, 0o644, undefined],
    ['one user', { containers: [container('a')], securityContext: { runAsUser: 7 } }, 0o600, 7],
    ['one user of two containers', { containers: two(7, 7) }, 0o600, 7],
    ['two users', { containers: two(7, 8) }, 0o644, undefined],
    ['a group', { containers: [container('a')], securityContext: { fsGroup: 7 } }, 0o640, undefined],
    ['a user and a group', { containers: [container('a')], securityContext: { runAsUser: 7, fsGroup: 8 } }, 0o640, 7],
  ])('gives a token to %s', async (_, spec, mode, uid) => {
    const sources = [
      { configMap: { name: 'c' } },
      { serviceAccountToken: { path: 'token', audience: 'x', expirationSeconds: 600 } },
    ];
    const { files } = await projectedPayload(sources, 0o644, context(podOf(spec)));
    expect(shown(files)).toMatchObject({ a: '1 644', token: `x/600 ${mode.toString(8)}` });
    expect(files.get('token')?.uid).toBe(uid);
  });

  it('of projections say what there are no files of', async () => {
    const sources = [{ podCertificate: { signerName: 's.io/s', keyType: 'ED25519', keyPath: 'k' } }];
    const told = projectedPayload(sources, 0o644, context(podOf({ containers: [] })));
    await expect(told).rejects.toThrow('projections of podCertificate are not supported');
  });
});

describe('resolveInside', () => {
  it('makes what is not there, with the mode of what it is in', async () => {
    expect(await resolveInside(directory, 'a/b')).toBe(join(directory, 'a/b'));
    expect((await stat(join(directory, 'a/b'))).mode & 0o777).toBe((await stat(directory)).mode & 0o777);
  });

  it('does not follow links out of the volume', async () => {
    await symlink('/etc', join(directory, 'out'));
    await expect(resolveInside(directory, 'out/passwd')).rejects.toThrow('leads out of the volume');
  });
});

describe('checkHostPath', () => {
  it.each([
    ['Directory', 'dir', true],
    ['Directory', 'file', false],
    ['File', 'file', true],
    ['File', 'none', false],
    ['DirectoryOrCreate', 'none', true],
    ['FileOrCreate', 'none', true],
    ['Socket', 'file', false],
    ['', 'none', true],
  ])('%s of %s', async (type, name, ok) => {
    await mkdir(join(directory, 'dir'));
    await writeFile(join(directory, 'file'), '');
    const check = checkHostPath({ path: join(directory, name), type });
    await (ok ? expect(check).resolves.toBeUndefined() : expect(check).rejects.toThrow('hostPath type check failed'));
  });
});

describe('hosts', () => {
  it('of a pod', () => {
    const aliases = [{ ip: '1.2.3.4', hostnames: ['a', 'b'] }];
    expect(podHosts({ podIps: ['10.0.0.7'], hostname: 'web', domain: 'sub.ns.svc.cluster.local', aliases })).toBe(
      '# Kubernetes-managed hosts file.\n127.0.0.1\tlocalhost\n::1\tlocalhost ip6-localhost ip6-loopback\n' +
        'fe00::0\tip6-localnet\nfe00::0\tip6-mcastprefix\nfe00::1\tip6-allnodes\nfe00::2\tip6-allrouters\n' +
        '10.0.0.7\tweb.sub.ns.svc.cluster.local\tweb\n\n# Entries added by HostAliases.\n1.2.3.4\ta\tb\n',
    );
    expect(hostHosts('127.0.0.1 x\n', [])).toBe('# Kubernetes-managed hosts file (host network).\n127.0.0.1 x\n');
  });
});

describe('mountsOf', () => {
  const mounts = (volumeMount: object) => {
    const spec = container('a', {
      volumeMounts: [{ name: 'v', mountPath: '/data', ...volumeMount }],
      terminationMessagePath: '',
    });
    return mountsOf({
      pod: podOf({ containers: [spec] }),
      container: { role: 'regular', spec },
      podDirectory: directory,
      volumes: new Map([['v', { path: directory, readOnly: false }]]),
      imageVolumes: new Map(),
      env: new Map([
        ['POD', 'web'],
        ['EVIL', '/abs'],
      ]),
      hosts: { podIps: [], hostname: 'web', domain: '', aliases: [] },
      recursiveReadOnly: true,
      id: '1',
    });
  };

  it('shows a volume, or a part of it', async () => {
    expect(await mounts({ readOnly: true })).toMatchObject([
      { containerPath: '/data', hostPath: directory, readOnly: true },
    ]);
    expect(await mounts({ subPathExpr: 'logs/$(POD)' })).toMatchObject([{ hostPath: join(directory, 'logs/web') }]);
  });

  it.each([
    [{ subPathExpr: '$(EVIL)' }, 'error SubPath `/abs` must not be an absolute path'],
    [{ subPath: 'a/../b' }, "unable to provision SubPath `a/../b`: must not contain '..'"],
    [{ subPathExpr: '$(NO)' }, 'missing value for "NO"'],
    [{ name: 'w' }, 'cannot find volume "w" to mount into container "a"'],
  ])('%j', async (volumeMount, message) => {
    await expect(mounts(volumeMount)).rejects.toThrow(message);
  });
});
