import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
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

async function read(...providers: object[]) {
  const file = join(directory, 'config.yaml');
  const kind = { apiVersion: 'kubelet.config.k8s.io/v1', kind: 'CredentialProviderConfig' };
  await writeFile(file, JSON.stringify({ ...kind, providers }));
  return credentialProviders(file, directory);
}

test('providers are what the file says, and none without a file', async () => {
  expect(await credentialProviders('', directory)).toBeUndefined();
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

test.each<[object[], string]>([
  [[], 'providers: Required value: at least 1 item in plugins is required'],
  [[good, good], 'providers[1].name: Duplicate value: "ecr"'],
  [[{ ...good, name: '../ecr' }], "provider name cannot contain '/'"],
  [[{ ...good, apiVersion: 'v2' }], 'providers[0].apiVersion: Unsupported value: "v2"'],
  [[{ ...good, matchImages: [] }], 'providers[0].matchImages: Required value'],
  [[{ ...good, defaultCacheDuration: undefined }], 'providers[0].defaultCacheDuration: Required value'],
  [[{ ...good, tokenAttributes: {} }], 'tokens of service accounts are not given to providers here'],
  [[{ ...good, name: 'gone' }], 'gone did not exist'],
])('%j is refused', async (providers, message) => {
  await expect(read(...providers)).rejects.toThrow(message);
});
