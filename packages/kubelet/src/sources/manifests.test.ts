import { execFileSync } from 'node:child_process';
import { rmSync, writeFileSync } from 'node:fs';
import { mkdir, mkdtemp, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { manualWorld } from '@keelson/client/testing/world';
import { afterEach, beforeEach, expect, it, test, vi } from 'vitest';
import { Manifests } from './manifests.ts';
import { staticPod } from './static-pod.ts';

let directory: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'keelson-manifests-'));
});
afterEach(() => rm(directory, { recursive: true, force: true }));

const manifest = (name: string, image = 'i:v1') =>
  JSON.stringify({ apiVersion: 'v1', kind: 'Pod', metadata: { name }, spec: { containers: [{ name: 'c', image }] } });

/** A folder that is looked at when the test says so; what is told of it, in order. */
function folder() {
  const told: string[] = [];
  const manifests = new Manifests({
    path: directory,
    nodeName: 'n1',
    world: manualWorld(),
    put: ({ metadata, spec }) => void told.push(`put ${metadata.name} ${spec.containers?.[0]?.image}`),
    remove: ({ metadata, spec }) => void told.push(`remove ${metadata.name} ${spec.containers?.[0]?.image}`),
    broken: (file, problem) => void told.push(`${file.slice(directory.length + 1)}: ${problem}`),
  });
  return {
    write: (file: string, text: string) => writeFile(join(directory, file), text),
    remove: (file: string) => rm(join(directory, file)),
    async seen() {
      await manifests.scan();
      return told.splice(0).map((line) => line.replaceAll(`${directory}/`, ''));
    },
  };
}

it('tells of pods that come, change and go', async () => {
  const { write, remove, seen } = folder();
  await write('a.yaml', manifest('a'));
  await write('.b.yaml.swp', manifest('b'));
  expect(await seen()).toEqual(['put a-n1 i:v1']);
  expect(await seen()).toEqual([]);
  await write('a.yaml', manifest('a', 'i:v2'));
  expect(await seen()).toEqual(['remove a-n1 i:v1', 'put a-n1 i:v2']);
  await remove('a.yaml');
  expect(await seen()).toEqual(['remove a-n1 i:v2']);
});

it('lets the pod of a manifest that breaks be, and says once what is wrong', async () => {
  const { write, remove, seen } = folder();
  await write('a.yaml', manifest('a'));
  await write('b.yaml', manifest('b'));
  await seen();
  await write('a.yaml', 'kind: [');
  expect(await seen()).toEqual([expect.stringMatching(/^a.yaml: a.yaml: couldn't parse as pod\(.*\), please check/)]);
  expect(await seen()).toEqual([]);
  await write('a.yaml', manifest('a'));
  expect(await seen()).toEqual([]);
  await write('a.yaml', '');
  await remove('b.yaml');
  expect(await seen()).toEqual([expect.stringMatching(/^a.yaml/), 'remove b-n1 i:v1']);
  await remove('a.yaml');
  expect(await seen()).toEqual(['remove a-n1 i:v1']);
});

it('runs one pod of a name', async () => {
  const { write, remove, seen } = folder();
  await write('a.yaml', manifest('a'));
  await write('a.yaml.bak', manifest('a', 'i:v0'));
  expect(await seen()).toEqual(['a.yaml.bak: a pod of this name is in a.yaml already', 'put a-n1 i:v1']);
  expect(await seen()).toEqual([]);
  await remove('a.yaml');
  expect(await seen()).toEqual(['remove a-n1 i:v1', 'put a-n1 i:v0']);
});

it('begins anew with a manifest that was removed and made again at once, not with one that was replaced', async () => {
  const told: string[] = [];
  const world = manualWorld();
  const manifests = new Manifests({
    path: directory,
    nodeName: 'n1',
    world,
    put: ({ metadata }) => void told.push(`put ${metadata.name}`),
    remove: ({ metadata }) => void told.push(`remove ${metadata.name}`),
    broken: () => {},
  });
  const settled = (...lines: string[]) =>
    vi.waitFor(() => {
      world.clock.advance(1000);
      expect(told).toEqual(lines);
    }, 10_000);
  const file = join(directory, 'a.yaml');
  writeFileSync(file, manifest('a'));
  await manifests.start();
  try {
    rmSync(file);
    writeFileSync(file, manifest('a'));
    await settled('put a-n1', 'remove a-n1', 'put a-n1');
    told.length = 0;
    await writeFile(join(directory, '.a.yaml.new'), manifest('a'));
    await rename(join(directory, '.a.yaml.new'), file);
    await writeFile(join(directory, 'b.yaml'), manifest('b'));
    await settled('put b-n1');
  } finally {
    manifests.stop();
  }
});

const source = { file: '/m/a.yaml', nodeName: 'N1', now: '2026-01-01T00:00:00Z' };
const pod = (spec: object) =>
  Buffer.from(JSON.stringify({ apiVersion: 'v1', kind: 'Pod', metadata: { name: 'a' }, spec }));

test('a static pod is bound, named after its node, and known by its contents', () => {
  const made = staticPod(pod({ containers: [] }), source);
  expect(made.metadata).toMatchObject({
    name: 'a-n1',
    namespace: 'default',
    uid: expect.stringMatching(/^[0-9a-f]{32}$/),
  });
  expect(made.metadata.annotations).toMatchObject({
    'kubernetes.io/config.hash': made.metadata.uid,
    'kubernetes.io/config.seen': source.now,
    'kubernetes.io/config.source': 'file',
  });
  expect(made.spec).toMatchObject({ nodeName: 'N1', tolerations: [{ operator: 'Exists', effect: 'NoExecute' }] });
  const again = staticPod(pod({ containers: [] }), { ...source, now: '2027-01-01T00:00:00Z' });
  expect(again.metadata.uid).toBe(made.metadata.uid);
});

test.each<[string, object | string, string]>([
  ['nothing', '', "couldn't parse as pod("],
  ['another kind', '{"apiVersion": "v1", "kind": "Secret"}', 'it is Secret of v1, not Pod of v1'],
  ['a text for a number', { hostNetwork: 'yes' }, "couldn't parse as pod("],
  ['no name', '{"apiVersion": "v1", "kind": "Pod"}', 'invalid pod: name is needed for the pod'],
  ['an account', { serviceAccountName: 'x' }, 'static pods may not reference serviceaccounts'],
  [
    'a secret in the environment',
    { containers: [{ name: 'c', envFrom: [{ secretRef: { name: 's' } }] }] },
    'reference secrets',
  ],
  [
    'a config map',
    { volumes: [{ name: 'v', configMap: { name: 'c' } }] },
    'reference configmaps (via configmap volumes)',
  ],
  [
    'a projected token',
    { volumes: [{ name: 'v', projected: { sources: [{ downwardAPI: {} }, { serviceAccountToken: { path: 't' } }] } }] },
    'reference serviceaccounts (via projected volumes)',
  ],
])('no static pod: %s', (_, spec, message) => {
  expect(() => staticPod(typeof spec === 'string' ? Buffer.from(spec) : pod(spec), source)).toThrow(message);
});

test('pods that want objects of the API are run where rules let them', () => {
  const rules = { defaults: () => {}, validate: () => [], mayReference: true };
  const made = staticPod(pod({ serviceAccountName: 's', containers: [] }), { ...source, rules });
  expect(made.spec.serviceAccountName).toBe('s');
});

test('rules are applied, the names and the node known', () => {
  const rules = {
    mayReference: false,
    defaults: ({ spec }: { spec: { schedulerName?: string } }) => {
      spec.schedulerName = 'ruled';
    },
    validate: ({ metadata, spec }: { metadata: { name?: string }; spec: { schedulerName?: string } }) => [
      `${metadata.name}: ${spec.schedulerName}`,
      'and more',
    ],
  };
  expect(() => staticPod(pod({}), { ...source, rules })).toThrow('invalid pod: [a-n1: ruled and more]');
});

it('lets pods be as long as their manifests cannot be found out', async () => {
  const { write, seen } = folder();
  await write('a.yaml', manifest('a'));
  expect(await seen()).toEqual(['put a-n1 i:v1']);
  await rename(directory, `${directory}-away`);
  // A link to itself, so that nobody can read it, root neither.
  await symlink(directory, directory);
  expect(await seen()).toEqual([]);
  await rm(directory);
  await rename(`${directory}-away`, directory);
  expect(await seen()).toEqual([]);
});

it('reads files alone, none that is too large', async () => {
  const { write, seen } = folder();
  execFileSync('mkfifo', [join(directory, 'pipe')]);
  await mkdir(join(directory, 'folder'));
  await write('a.yaml', manifest('a').padEnd(10 * 1024 * 1024 + 1));
  expect(await seen()).toEqual(['a.yaml: the read limit is reached']);
  await write('a.yaml', manifest('a').padEnd(10 * 1024 * 1024));
  expect(await seen()).toEqual(['put a-n1 i:v1']);
});
