import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Pod } from '@keelson/api/generated/types/core/v1';
import { manualWorld } from '@keelson/client/testing/world';
import { silentLogger } from '@keelson/component/logs/logger';
import { describe, expect, it } from 'vitest';
import type { PodAccounts, TokenAttributes } from './accounts.ts';
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

const podOf = (name: string, serviceAccountName = 'builder') =>
  ({ metadata: { name, namespace: 'team', uid: name }, spec: { serviceAccountName, containers: [] } }) as object as Pod;
const pod = podOf('p');

/** Each pod has a token of its own. */
const accounts: PodAccounts = {
  account: async (namespace, name) => {
    if (name === 'gone') throw new Error('serviceaccounts "gone" not found');
    const annotations: Record<string, string> = name === 'plain' ? {} : { role: 'pull', other: 'x', tier: 'gold' };
    return { metadata: { namespace, name, uid: `uid-of-${name}`, annotations } };
  },
  token: async ({ metadata }, audience, uid) => `${audience}-${metadata.name}-${uid}`,
};

const token: TokenAttributes = {
  audience: 'reg',
  cacheType: 'ServiceAccount',
  requiresAccount: true,
  requiredAnnotations: ['role'],
  optionalAnnotations: ['tier', 'absent'],
};

function asked(answer: object | Error | string, configuration: Partial<ProviderConfiguration> = {}) {
  const calls: { program: string; args: readonly string[]; image: string; profile: string | undefined }[] = [];
  const told: unknown[] = [];
  const complaints: string[] = [];
  const run: Run = async (program, args, env, input) => {
    const { image, serviceAccountToken, serviceAccountAnnotations } = JSON.parse(input);
    calls.push({ program, args, image, profile: env.PROFILE });
    told.push([serviceAccountToken, serviceAccountAnnotations]);
    if (answer instanceof Error) throw answer;
    if (typeof answer === 'string') return answer;
    return JSON.stringify({ kind: 'CredentialProviderResponse', apiVersion, ...answer });
  };
  const world = manualWorld();
  const log = { ...silentLogger, error: ({ error }: { error?: Error }) => void complaints.push(error!.message) };
  const providers = new CredentialProviders(
    [{ ...ecr, ...configuration }],
    '/bin/dir',
    accounts,
    { ...world, log },
    run,
  );
  return { providers, calls, told, complaints, world };
}

const auth = { '*.ecr.example.com': { username: 'all', password: 'x' }, [IMAGE]: { username: 'app', password: 'y' } };

describe('providers of credentials', () => {
  it('are asked of images that match, and give what opens them, the closest first', async () => {
    const { providers, calls } = asked({ cacheKeyType: 'Image', auth });
    expect(await providers.for(pod, 'docker.io/library/busybox')).toEqual([]);
    expect((await providers.for(pod, IMAGE)).map(({ username }) => username)).toEqual(['app', 'all']);
    expect((await providers.for(pod, 'b.ecr.example.com/other')).map(({ username }) => username)).toEqual(['all']);
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
    for (const image of images) await providers.for(pod, image);
    expect(calls).toHaveLength(times);
  });

  it('are asked again when their answer holds no more', async () => {
    const { providers, calls, world } = asked({ cacheKeyType: 'Global', cacheDuration: '5m', auth });
    await providers.for(pod, IMAGE);
    world.clock.advance(299_000);
    await providers.for(pod, IMAGE);
    expect(calls).toHaveLength(1);
    world.clock.advance(1000);
    await Promise.all([providers.for(pod, IMAGE), providers.for(pod, IMAGE)]);
    expect(calls).toHaveLength(2);
  });

  it.each<[object | Error, string]>([
    [new Error('away'), 'away'],
    [{ cacheKeyType: 'Other', auth }, 'credential provider plugin did not return a valid cacheKeyType: Other'],
    [{ kind: 'Other' }, `the answer is no CredentialProviderResponse of ${apiVersion}`],
  ])('that fail are passed over: %s', async (answer, complaint) => {
    const { providers, complaints } = asked(answer);
    expect(await providers.for(pod, IMAGE)).toEqual([]);
    expect(complaints).toEqual([complaint]);
  });

  it('are told of the account of the pod, and whose the credentials are is known', async () => {
    const { providers, told } = asked({ cacheKeyType: 'Image', auth }, { token });
    const serviceAccount = { uid: 'uid-of-builder', namespace: 'team', name: 'builder' };
    expect(await providers.for(pod, IMAGE)).toEqual([
      { username: 'app', password: 'y', serviceAccount },
      { username: 'all', password: 'x', serviceAccount },
    ]);
    expect(told).toEqual([['reg-p-uid-of-builder', { role: 'pull', tier: 'gold' }]]);
  });

  it.each<[string, Partial<TokenAttributes>, Pod[], number]>([
    ['once for the pods of an account', {}, [podOf('a'), podOf('b')], 1],
    ['for each account', {}, [podOf('a'), podOf('a', 'other')], 2],
    ['for each token', { cacheType: 'Token' }, [podOf('a'), podOf('b'), podOf('a')], 2],
    ['not for accounts without the annotations', {}, [podOf('a', 'plain')], 0],
    ['not for pods without an account', {}, [podOf('a', '')], 0],
    ['for pods without one, where that is allowed', { requiresAccount: false }, [podOf('a', '')], 1],
  ])('with accounts are asked %s', async (_, attributes, pods, times) => {
    const { providers, calls } = asked({ cacheKeyType: 'Global', auth }, { token: { ...token, ...attributes } });
    for (const each of pods) await providers.for(each, IMAGE);
    expect(calls).toHaveLength(times);
  });

  it('may give the token back only where each is remembered apart', async () => {
    const answer = { cacheKeyType: 'Image', auth: { [IMAGE]: { username: 't', password: 'reg-p-uid-of-builder' } } };
    const strict = asked(answer, { token });
    expect(await strict.providers.for(pod, IMAGE)).toEqual([]);
    expect(strict.complaints[0]).toMatch(/^credential provider plugin returned the service account token/);
    const loose = asked(answer, { token: { ...token, cacheType: 'Token' } });
    expect(await loose.providers.for(pod, IMAGE)).toHaveLength(1);
  });

  it('are passed over where they answer no JSON, of which nothing is told', async () => {
    const { providers, complaints } = asked('{"password":hunter2}');
    expect(await providers.for(pod, IMAGE)).toEqual([]);
    expect(complaints).toEqual(['the answer of the credential provider plugin is no JSON']);
  });

  it('are passed over where the account is gone', async () => {
    const { providers, complaints } = asked({ cacheKeyType: 'Image', auth }, { token });
    expect(await providers.for(podOf('a', 'gone'), IMAGE)).toEqual([]);
    expect(complaints).toEqual(['failed to get service account: serviceaccounts "gone" not found']);
  });

  it('are programs that read the request and write the answer', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'keelson-provider-'));
    const answer = { kind: 'CredentialProviderResponse', apiVersion, cacheKeyType: 'Image', auth };
    const script = `#!/bin/sh\ngrep -q '"image":"${IMAGE}"' || exit 3\necho '${JSON.stringify(answer)}'\n`;
    await writeFile(join(directory, 'ecr'), script);
    await chmod(join(directory, 'ecr'), 0o700);
    const complaints: string[] = [];
    const log = { ...silentLogger, error: ({ error }: { error?: Error }) => void complaints.push(error!.message) };
    const providers = new CredentialProviders([ecr], directory, accounts, { ...manualWorld(), log });
    expect(await providers.for(pod, IMAGE)).toEqual([
      { username: 'app', password: 'y' },
      { username: 'all', password: 'x' },
    ]);
    expect(await providers.for(pod, 'b.ecr.example.com/x')).toEqual([]);
    expect(complaints).toEqual(['error execing credential provider plugin: 3']);
    await rm(directory, { recursive: true });
  });
});
