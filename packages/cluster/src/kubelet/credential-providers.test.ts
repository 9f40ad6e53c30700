import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isEnabledByDefault } from '@keelson/component/featuregate/featuregate';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { credentialProviders } from './credential-providers.ts';

let directory: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'keelson-providers-'));
  await writeFile(join(directory, 'ecr'), '#!/bin/sh\n');
  await chmod(join(directory, 'ecr'), 0o700);
});
afterEach(() => rm(directory, { recursive: true, force: true }));

const good = {
  name: 'ecr',
  matchImages: ['*.example.com'],
  defaultCacheDuration: '12h',
  apiVersion: 'credentialprovider.kubelet.k8s.io/v1',
};

const token = {
  serviceAccountTokenAudience: 'registry',
  cacheType: 'ServiceAccount',
  requireServiceAccount: true,
  requiredServiceAccountAnnotationKeys: ['example.com/Role'],
};

async function write(...providers: object[]): Promise<string> {
  const file = join(directory, 'config.yaml');
  const kind = { apiVersion: 'kubelet.config.k8s.io/v1', kind: 'CredentialProviderConfig' };
  await writeFile(file, JSON.stringify({ ...kind, providers }));
  return file;
}

const read = async (...providers: object[]) =>
  credentialProviders(await write(...providers), directory, isEnabledByDefault);

test('providers are what the file says, and none without a file', async () => {
  expect(await credentialProviders('', directory, isEnabledByDefault)).toBeUndefined();
  expect(await read({ ...good, args: ['a'] })).toEqual({
    directory,
    configurations: [
      {
        name: 'ecr',
        matchImages: ['*.example.com'],
        defaultCacheMs: 12 * 3_600_000,
        apiVersion: 'credentialprovider.kubelet.k8s.io/v1',
        args: ['a'],
        env: [],
      },
    ],
  });
});

test('a provider may be told of accounts; a folder has several files', async () => {
  const configuration = join(directory, 'config');
  await mkdir(configuration);
  const head = { apiVersion: 'kubelet.config.k8s.io/v1', kind: 'CredentialProviderConfig' };
  await expect(credentialProviders(configuration, directory, isEnabledByDefault)).rejects.toThrow(
    'no configuration files found',
  );
  await writeFile(join(configuration, 'b.yaml'), JSON.stringify({ ...head, providers: [{ ...good, name: 'gcr' }] }));
  await writeFile(
    join(configuration, 'a.json'),
    JSON.stringify({ ...head, providers: [{ ...good, tokenAttributes: token }] }),
  );
  await writeFile(join(configuration, 'c.txt'), 'nothing');
  await writeFile(join(directory, 'gcr'), '#!/bin/sh\n', { mode: 0o700 });
  const { configurations } = (await credentialProviders(configuration, directory, isEnabledByDefault))!;
  expect(configurations.map(({ name, token }) => [name, token])).toEqual([
    [
      'ecr',
      {
        audience: 'registry',
        cacheType: 'ServiceAccount',
        requiresAccount: true,
        requiredAnnotations: ['example.com/Role'],
        optionalAnnotations: [],
      },
    ],
    ['gcr', undefined],
  ]);
});

test.each<[object[], string]>([
  [[], 'providers: Required value: at least 1 item in plugins is required'],
  [[good, good], 'providers[1].name: Duplicate value: "ecr"'],
  [[{ ...good, name: '../ecr' }], "provider name cannot contain '/'"],
  [[{ ...good, apiVersion: 'v2' }], 'providers[0].apiVersion: Unsupported value: "v2"'],
  [[{ ...good, matchImages: [] }], 'providers[0].matchImages: Required value'],
  [[{ ...good, defaultCacheDuration: undefined }], 'providers[0].defaultCacheDuration: Required value'],
  [[{ ...good, tokenAttributes: {} }], 'providers[0].tokenAttributes.serviceAccountTokenAudience: Required value'],
  [
    [{ ...good, tokenAttributes: { ...token, requireServiceAccount: undefined } }],
    'requireServiceAccount: Required value',
  ],
  [
    [{ ...good, tokenAttributes: { ...token, cacheType: 'Pod' } }],
    'cacheType: Unsupported value: "Pod": supported values: "ServiceAccount", "Token"',
  ],
  [
    [{ ...good, apiVersion: 'credentialprovider.kubelet.k8s.io/v1beta1', tokenAttributes: token }],
    'tokenAttributes: Forbidden: tokenAttributes is only supported for credentialprovider.kubelet.k8s.io/v1 API version',
  ],
  [
    [{ ...good, tokenAttributes: { ...token, optionalServiceAccountAnnotationKeys: ['example.com/Role'] } }],
    'Invalid value: ["example.com/Role"]: annotation keys cannot be both required and optional',
  ],
  [
    [{ ...good, tokenAttributes: { ...token, requireServiceAccount: false } }],
    'requireServiceAccount cannot be false when requiredServiceAccountAnnotationKeys is set',
  ],
  [
    [{ ...good, tokenAttributes: { ...token, requiredServiceAccountAnnotationKeys: ['a b', 'c', 'c'] } }],
    'requiredServiceAccountAnnotationKeys: Duplicate value: "c"',
  ],
  [[{ ...good, name: 'gone' }], 'gone did not exist'],
])('%j is refused', async (providers, message) => {
  await expect(read(...providers)).rejects.toThrow(message);
});

test('nobody is told of accounts where the gate is off', async () => {
  const isEnabled = (gate: string) => gate !== 'KubeletServiceAccountTokenForCredentialProviders';
  const configured = credentialProviders(await write({ ...good, tokenAttributes: token }), directory, isEnabled);
  await expect(configured).rejects.toThrow(
    'providers[0].tokenAttributes: Forbidden: tokenAttributes is not supported when KubeletServiceAccountTokenForCredentialProviders feature gate is disabled',
  );
});
