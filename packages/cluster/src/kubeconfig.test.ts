import { mkdtemp, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readYaml } from '@keelson/api/codec/yaml';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type ClusterAccess, writeKubeconfig } from './kubeconfig.ts';

const access: ClusterAccess = {
  name: 'keelson',
  server: 'https://127.0.0.1:6443',
  certificateAuthority: 'CA',
  clientCertificate: 'CERT',
  clientKey: 'KEY',
};

let directory: string;
let file: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'keelson-kubeconfig-'));
  file = join(directory, 'nested', 'config');
});
afterEach(() => rm(directory, { recursive: true }));

const read = async (path = file) => readYaml(await readFile(path, 'utf8')) as Record<string, { name: string }[]>;

test('a new file reaches the cluster and is private', async () => {
  expect(await writeKubeconfig(file, access)).toBe(true);
  expect(await read()).toEqual({
    apiVersion: 'v1',
    kind: 'Config',
    preferences: {},
    clusters: [
      { name: 'keelson', cluster: { server: 'https://127.0.0.1:6443', 'certificate-authority-data': btoa('CA') } },
    ],
    users: [{ name: 'keelson', user: { 'client-certificate-data': btoa('CERT'), 'client-key-data': btoa('KEY') } }],
    contexts: [{ name: 'keelson', context: { cluster: 'keelson', user: 'keelson' } }],
    'current-context': 'keelson',
  });
  expect((await stat(file)).mode & 0o777).toBe(0o600);
});

test('written twice, the entries are replaced', async () => {
  await writeKubeconfig(file, access);
  await writeKubeconfig(file, { ...access, server: 'https://127.0.0.1:7443' });
  const { clusters } = await read();
  expect(clusters).toMatchObject([{ name: 'keelson', cluster: { server: 'https://127.0.0.1:7443' } }]);
});

const others = `
apiVersion: v1
kind: Config
clusters:
- {name: prod, cluster: {server: "https://prod.example", insecure-skip-tls-verify: true}}
users:
- {name: me, user: {exec: {command: login}}}
contexts:
- {name: prod, context: {cluster: prod, user: me, namespace: "yes"}}
current-context: prod
extensions: [{name: x, extension: {a: 1}}]
`;

test('another cluster in the file stays, and stays current', async () => {
  const path = join(directory, 'config');
  await writeFile(path, others, { mode: 0o644 });
  expect(await writeKubeconfig(path, access)).toBe(false);
  const merged = await read(path);
  expect(merged['current-context']).toBe('prod');
  expect(merged.clusters!.map((entry) => entry.name)).toEqual(['prod', 'keelson']);
  expect(merged.contexts![0]).toEqual({ name: 'prod', context: { cluster: 'prod', user: 'me', namespace: 'yes' } });
  expect(merged.users![0]).toEqual({ name: 'me', user: { exec: { command: 'login' } } });
  expect(merged.extensions).toEqual([{ name: 'x', extension: { a: 1 } }]);
});

test.each(['', 'clusters: null\ncurrent-context: gone\n'])('%j: nothing to keep', async (text) => {
  const path = join(directory, 'config');
  await writeFile(path, text);
  expect(await writeKubeconfig(path, access)).toBe(true);
});

test('a symbolic link stays one', async () => {
  const link = join(directory, 'link');
  const path = join(directory, 'config');
  await writeFile(path, others);
  await symlink(path, link);
  await writeKubeconfig(link, access);
  expect((await read(path)).clusters).toHaveLength(2);
});

test.each([
  ['kind: Pod\n', /is no kubeconfig/],
  ['just text\n', /is no kubeconfig/],
  ['clusters: 3\n', /is no kubeconfig/],
  ['a: [b\n', /is no YAML/],
])('%j is left alone', async (text, message) => {
  const path = join(directory, 'config');
  await writeFile(path, text);
  await expect(writeKubeconfig(path, access)).rejects.toThrow(message);
  expect(await readFile(path, 'utf8')).toBe(text);
});
