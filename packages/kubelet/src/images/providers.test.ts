import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { silent } from '@keelson/client';
import { manualWorld } from '@keelson/client/testing/world';
import { describe, expect, it } from 'vitest';
import { CredentialProviders, type ProviderConfiguration, type Run } from './providers.ts';

const apiVersion = 'credentialprovider.kubelet.k8s.io/v1';
const ecr: ProviderConfiguration = {
  name: 'ecr',
  matchImages: ['*.ecr.example.com', 'registry.example.com/team'],
  defaultCacheMs: 60_000,
  apiVersion,
  args: ['get'],
  env: [{ name: 'PROFILE', value: 'p' }],
};
const IMAGE = 'a.ecr.example.com/app';

function asked(answer: object | Error, configuration: Partial<ProviderConfiguration> = {}) {
  const calls: { program: string; args: readonly string[]; image: string; profile: string | undefined }[] = [];
  const complaints: string[] = [];
  const run: Run = async (program, args, env, input) => {
    calls.push({ program, args, image: JSON.parse(input).image, profile: env.PROFILE });
    if (answer instanceof Error) throw answer;
    return JSON.stringify({ kind: 'CredentialProviderResponse', apiVersion, ...answer });
  };
  const world = manualWorld();
  const log = { ...silent, error: ({ error }: { error?: Error }) => void complaints.push(error!.message) };
  const providers = new CredentialProviders([{ ...ecr, ...configuration }], '/bin/dir', { ...world, log }, run);
  return { providers, calls, complaints, world };
}

const auth = { '*.ecr.example.com': { username: 'all', password: 'x' }, [IMAGE]: { username: 'app', password: 'y' } };

describe('providers of credentials', () => {
  it('are asked of images that match, and give what opens them, the closest first', async () => {
    const { providers, calls } = asked({ cacheKeyType: 'Image', auth });
    expect(await providers.for('docker.io/library/busybox')).toEqual([]);
    expect((await providers.for(IMAGE)).map(({ username }) => username)).toEqual(['app', 'all']);
    expect((await providers.for('b.ecr.example.com/other')).map(({ username }) => username)).toEqual(['all']);
    expect(calls).toEqual([
      { program: '/bin/dir/ecr', args: ['get'], image: IMAGE, profile: 'p' },
      { program: '/bin/dir/ecr', args: ['get'], image: 'b.ecr.example.com/other', profile: 'p' },
    ]);
  });

  it.each<[string, object, string[], number]>([
    ['for the image', { cacheKeyType: 'Image' }, [IMAGE, IMAGE, `${IMAGE}2`], 2],
    ['for the registry', { cacheKeyType: 'Registry' }, [IMAGE, `${IMAGE}2`, 'b.ecr.example.com/x'], 2],
    ['for all', { cacheKeyType: 'Global' }, [IMAGE, 'b.ecr.example.com/x', 'registry.example.com/team/x'], 1],
    ['for no time', { cacheKeyType: 'Global', cacheDuration: '0s' }, [IMAGE, IMAGE], 2],
  ])('answer %s', async (_, answer, images, times) => {
    const { providers, calls } = asked({ auth, ...answer });
    for (const image of images) await providers.for(image);
    expect(calls).toHaveLength(times);
  });

  it('are asked again when their answer holds no more', async () => {
    const { providers, calls, world } = asked({ cacheKeyType: 'Global', cacheDuration: '5m', auth });
    await providers.for(IMAGE);
    world.clock.advance(299_000);
    await providers.for(IMAGE);
    expect(calls).toHaveLength(1);
    world.clock.advance(1000);
    await Promise.all([providers.for(IMAGE), providers.for(IMAGE)]);
    expect(calls).toHaveLength(2);
  });

  it.each<[object | Error, string]>([
    [new Error('away'), 'away'],
    [{ cacheKeyType: 'Other', auth }, 'credential provider plugin did not return a valid cacheKeyType: Other'],
    [{ kind: 'Other' }, `the answer is no CredentialProviderResponse of ${apiVersion}`],
  ])('that fail are passed over: %s', async (answer, complaint) => {
    const { providers, complaints } = asked(answer);
    expect(await providers.for(IMAGE)).toEqual([]);
    expect(complaints).toEqual([complaint]);
  });

  it('are programs that read the request and write the answer', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'keelson-provider-'));
    const answer = { kind: 'CredentialProviderResponse', apiVersion, cacheKeyType: 'Image', auth };
    const script = `#!/bin/sh\ngrep -q '"image":"${IMAGE}"' || exit 3\necho '${JSON.stringify(answer)}'\n`;
    await writeFile(join(directory, 'ecr'), script);
    await chmod(join(directory, 'ecr'), 0o700);
    const complaints: string[] = [];
    const log = { ...silent, error: ({ error }: { error?: Error }) => void complaints.push(error!.message) };
    const providers = new CredentialProviders([ecr], directory, { ...manualWorld(), log });
    expect(await providers.for(IMAGE)).toEqual([
      { username: 'app', password: 'y' },
      { username: 'all', password: 'x' },
    ]);
    expect(await providers.for('b.ecr.example.com/x')).toEqual([]);
    expect(complaints).toEqual(['error execing credential provider plugin: 3']);
    await rm(directory, { recursive: true });
  });
});
