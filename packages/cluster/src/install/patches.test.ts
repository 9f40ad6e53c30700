import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type Patch, patched, readPatches } from './patches.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'keelson-patches-'));
});
afterEach(() => rm(folder, { recursive: true }));

describe('a folder of patches', () => {
  test('has files by their names, in order', async () => {
    const body = '{"metadata": {"labels": {"a": "b"}}}';
    for (const name of [
      'kube-apiserver1+merge.yaml',
      'kube-apiserver0.json',
      'etcd+json.yaml',
      'kubeletconfiguration+strategic.yaml',
      'README.md',
      'nonsense.yaml',
    ])
      await writeFile(join(folder, name), name.includes('json.yaml') ? '[]' : body);
    await writeFile(join(folder, 'kube-scheduler.yaml'), 'a: 1\n---\nb: 2\n');
    const read = await readPatches(folder);
    expect(read.map(({ target, type }) => `${target} ${type}`)).toEqual([
      'etcd json',
      'kube-apiserver strategic',
      'kube-apiserver merge',
      'kube-scheduler strategic',
      'kube-scheduler strategic',
      'kubeletconfiguration strategic',
    ]);
  });

  test.each([
    ['etcd+x.yaml', 'a: 1', /behind its \+ has to stand json, merge or strategic/],
    ['etcd.yaml', '{', /is no YAML/],
  ])('%s of %j is refused', async (name, text, message) => {
    await writeFile(join(folder, name), text);
    await expect(readPatches(folder)).rejects.toThrow(message);
  });

  test('has to be there', async () => {
    await expect(readPatches(join(folder, 'none'))).rejects.toThrow(/the folder of patches cannot be read/);
  });
});

describe('a patch', () => {
  const pod = { spec: { containers: [{ name: 'etcd', image: 'i' }] }, status: {} };
  const of = (type: Patch['type'], body: unknown): Patch => ({ file: 'f', target: 'etcd', type, body });

  test.each([
    ['strategic', { spec: { containers: [{ name: 'etcd', env: [] }] } }, { name: 'etcd', image: 'i', env: [] }],
    ['merge', { spec: { containers: [{ name: 'x' }] } }, { name: 'x' }],
    ['json', [{ op: 'replace', path: '/spec/containers/0/image', value: 'j' }], { name: 'etcd', image: 'j' }],
  ] as const)('that is %s', (type, body, container) => {
    expect(patched([of(type, body)], 'etcd', pod)).toEqual({ ...pod, spec: { containers: [container] } });
    expect(patched([of(type, body)], 'kube-apiserver', pod)).toEqual(pod);
  });

  test('that does not apply', () => {
    expect(() => patched([of('json', [{ op: 'remove', path: '/a/b' }])], 'etcd', pod)).toThrow(/f does not apply/);
  });
});
