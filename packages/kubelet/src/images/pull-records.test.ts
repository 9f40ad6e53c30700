import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { manualWorld } from '@keelson/client/testing/world';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Image } from '../runtime/images.ts';
import type { PullSecret, PullSource } from './credentials.ts';
import { PullRecords, type VerificationPolicy } from './pull-records.ts';

let directory: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'keelson-pulls-'));
});
afterEach(() => rm(directory, { recursive: true, force: true }));

const { clock } = manualWorld();
const APP = 'quay.io/team/app:1';
const REF = 'sha256:app';

async function open(
  policy: VerificationPolicy = 'NeverVerifyPreloadedImages',
  allowlist: string[] = [],
  there: Image[] = [],
) {
  const records = new PullRecords({ directory, clock, policy, allowlist });
  await records.restore(async () => there);
  const pulled = async (image: string, ref: string, secret?: PullSecret) => {
    await records.begin(image);
    await records.succeeded(image, ref, secret && { secret });
  };
  const allows = (secrets: PullSecret[] = [], image = APP, ref = REF) =>
    records.allows(image, ref, async () => secrets.map((secret) => ({ secret })));
  return { records, pulled, allows };
}

const secret = (name: string, credentialHash = 'h', uid = `uid-${name}`): PullSecret => ({
  uid,
  namespace: 'ns',
  name,
  credentialHash,
});

describe('an image that is here', () => {
  it('is for all when nobody has pulled it, or it was pulled without credentials', async () => {
    const { pulled, allows } = await open();
    expect(await allows()).toBe(true);
    await pulled(APP, REF);
    expect(await allows()).toBe(true);
  });

  it('is for pods of the account that it was opened for, and of the secret beside it', async () => {
    const { records, allows } = await open();
    const account = (name: string, uid = name) => ({ serviceAccount: { uid, namespace: 'ns', name } });
    await records.begin(APP);
    await records.succeeded(APP, REF, account('builder'));
    const as = (source: PullSource) => records.allows(APP, REF, async () => [source]);
    expect(await allows([secret('a')])).toBe(false);
    expect(await as(account('other'))).toBe(false);
    expect(await as(account('builder', 'made again'))).toBe(false);
    expect(await as(account('builder'))).toBe(true);
    await records.succeeded(APP, REF, { secret: secret('a') });
    await records.succeeded(APP, REF, account('other'));
    expect(await Promise.all([allows([secret('a')]), as(account('builder')), as(account('other'))])).toEqual([
      true,
      true,
      true,
    ]);
  });

  it('is for those with the secret that has opened it, by whatever name', async () => {
    const { pulled, allows } = await open();
    await pulled(APP, REF, secret('a'));
    expect(await allows()).toBe(false);
    expect(await allows([secret('b', 'other')])).toBe(false);
    expect(await allows([secret('a')])).toBe(true);
    expect(await allows([secret('a', 'h', 'made again')])).toBe(true);
    expect(await allows([secret('copy')])).toBe(true);
    expect(await allows([secret('copy', 'rotated')])).toBe(true);
    expect(await allows([secret('third', 'rotated')])).toBe(true);
  });

  it('is for all once somebody got it without credentials', async () => {
    const { pulled, allows } = await open();
    await pulled(APP, REF, secret('a'));
    await pulled(APP, REF);
    expect(await allows()).toBe(true);
  });

  it('has to be got by each of its names', async () => {
    const { pulled, allows } = await open();
    await pulled(APP, REF);
    expect(await allows([], 'quay.io/team/app:2')).toBe(true);
    expect(await allows([], 'quay.io/other/app:1')).toBe(false);
  });

  it('stays closed after a restart', async () => {
    await (await open()).pulled(APP, REF, secret('a'));
    const { allows } = await open();
    expect(await allows()).toBe(false);
    expect(await allows([secret('a')])).toBe(true);
  });

  it('is closed to all whose pull was under way when the kubelet ended, or whose record is broken', async () => {
    await (await open()).records.begin(APP);
    const image: Image = { id: REF, tags: [APP], digests: [], size: 1, username: '', pinned: false };
    const { allows } = await open('NeverVerifyPreloadedImages', [], [image]);
    expect(await readdir(join(directory, 'pulling'))).toEqual([]);
    expect(await allows([secret('a')])).toBe(false);
    const [file] = await readdir(join(directory, 'pulled'));
    await writeFile(join(directory, 'pulled', file!), '{');
    expect(await allows([secret('a')])).toBe(false);
  });

  it('is closed while it is being pulled, and open again when that fails', async () => {
    const { records, allows } = await open();
    await records.begin(APP);
    await records.begin(APP);
    expect(await allows()).toBe(false);
    await records.failed(APP);
    expect(await allows()).toBe(false);
    await records.failed(APP);
    expect(await allows()).toBe(true);
  });

  it.each<[VerificationPolicy, string[], boolean, boolean]>([
    ['NeverVerify', [], true, true],
    ['NeverVerifyPreloadedImages', [], true, false],
    ['NeverVerifyAllowlistedImages', ['quay.io/team/app'], true, true],
    ['NeverVerifyAllowlistedImages', ['quay.io/team/*'], true, true],
    ['NeverVerifyAllowlistedImages', ['quay.io/other/*', 'quay.io/team'], false, false],
    ['AlwaysVerify', [], false, false],
  ])('under %s (%j)', async (policy, allowlist, preloaded, pulledBefore) => {
    const { pulled, allows } = await open(policy, allowlist);
    expect(await allows()).toBe(preloaded);
    await pulled(APP, REF, secret('a'));
    expect(await allows()).toBe(pulledBefore);
    expect(await allows([secret('a')])).toBe(true);
  });
});

it('records are in the form of upstream’s kubelet, and go with their images', async () => {
  const { records, pulled } = await open();
  await pulled(APP, REF, secret('a'));
  const [file] = await readdir(join(directory, 'pulled'));
  expect(file).toMatch(/^sha256-[0-9a-f]{64}$/);
  expect(JSON.parse(await readFile(join(directory, 'pulled', file!), 'utf8'))).toEqual({
    kind: 'ImagePulledRecord',
    apiVersion: 'kubelet.config.k8s.io/v1beta1',
    lastUpdatedTime: '2026-01-01T00:00:00Z',
    imageRef: REF,
    credentialMapping: { 'quay.io/team/app': { kubernetesSecrets: [secret('a')] } },
  });
  await records.prune([], clock.now() - 1);
  expect(await readdir(join(directory, 'pulled'))).toEqual([file]);
  await records.prune([REF], clock.now() + 60_000);
  expect(await readdir(join(directory, 'pulled'))).toEqual([file]);
  await records.prune([], clock.now() + 60_000);
  expect(await readdir(join(directory, 'pulled'))).toEqual([]);
});
