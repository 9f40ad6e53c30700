import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ManualClock } from '@keelson/api/clock';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { startTestServer, type TestServer } from '../webhook/testing.ts';
import { imagePolicyConfig, imagePolicyWebhook } from './imagepolicy.ts';
import { request } from './testing.ts';

const clock = new ManualClock(1_000_000);
let directory: string;
let server: TestServer;
let says: { status: number; body: string };
beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), 'keelson-images-'));
  server = await startTestServer(() => says);
  writeFileSync(join(directory, 'kubeconfig'), server.kubeconfig('/images'));
});
beforeEach(() => {
  server.received.length = 0;
  answer({ allowed: true });
});
afterAll(async () => {
  await server.close();
  rmSync(directory, { recursive: true });
});

function answer(status: object, more: object = {}): void {
  says = { status: 200, body: JSON.stringify({ ...more, status }) };
}

const plugin = (more: object = {}) =>
  imagePolicyWebhook(imagePolicyConfig({ imagePolicy: { kubeConfigFile: join(directory, 'kubeconfig'), ...more } }), {
    clock,
    random: () => 0,
  });

const pod = (annotations: Record<string, string> = {}) => ({
  kind: 'Pod',
  metadata: { name: 'p', annotations },
  spec: {
    containers: [{ name: 'c', image: 'a' }],
    initContainers: [{ name: 'i', image: 'b' }],
    ephemeralContainers: [{ name: 'e', image: 'd' }],
  },
});

describe('a webhook for images', () => {
  it('is shown images and what annotations are meant for it', async () => {
    const asked = request('CREATE', 'pods', pod({ 'x.image-policy.k8s.io/y': '1', other: '2' }));
    await plugin().validate!(asked);
    expect(JSON.parse(server.received[0]!.body)).toEqual({
      kind: 'ImageReview',
      apiVersion: 'imagepolicy.k8s.io/v1alpha1',
      metadata: {},
      spec: {
        containers: [{ image: 'a' }, { image: 'b' }],
        annotations: { 'x.image-policy.k8s.io/y': '1' },
        namespace: 'ns',
      },
      status: { allowed: false },
    });
  });

  it('is shown the images of ephemeral containers, and of no other subresource', async () => {
    const { handles, validate } = plugin();
    await validate!(request('UPDATE', 'pods', pod(), { subresource: 'ephemeralcontainers' }));
    expect(JSON.parse(server.received[0]!.body)).toMatchObject({ spec: { containers: [{ image: 'd' }] } });
    const handled = (['', 'ephemeralcontainers', 'status', 'binding'] as const).map((each) =>
      handles('UPDATE', 'pods', each),
    );
    expect(handled).toEqual([true, true, false, false]);
    expect(handles('DELETE', 'pods', '')).toBe(false);
  });

  it.each([
    [{ allowed: false }, 'pods "p" is forbidden: one or more images rejected by webhook backend'],
    [
      { allowed: false, reason: 'old' },
      'pods "p" is forbidden: image policy webhook backend denied one or more images: old',
    ],
  ])('refuses: %j', async (status, message) => {
    answer({ ...status, auditAnnotations: { why: 'so' } });
    const asked = request('CREATE', 'pods', pod());
    await expect(plugin().validate!(asked)).rejects.toThrow(expect.objectContaining({ code: 403, message }));
    expect(asked.annotations).toEqual({ 'imagepolicywebhook.image-policy.k8s.io/why': 'so' });
  });

  it('is not asked again while its answer holds', async () => {
    const images = plugin({ allowTTL: 10 });
    const ask = () => images.validate!(request('CREATE', 'pods', pod()));
    await ask();
    clock.advance(9_999);
    await ask();
    expect(server.received).toHaveLength(1);
    clock.advance(2);
    await ask();
    expect(server.received).toHaveLength(2);
  });

  it('that fails refuses, or allows and says so', async () => {
    says = { status: 404, body: 'nope' };
    const refused = plugin().validate!(request('CREATE', 'pods', pod()));
    await expect(refused).rejects.toThrow(expect.objectContaining({ code: 403 }));
    const asked = request('CREATE', 'pods', pod());
    await plugin({ defaultAllow: true }).validate!(asked);
    expect(asked.annotations).toEqual({ 'imagepolicywebhook.image-policy.k8s.io/failed-open': 'true' });
    expect(asked.object!.metadata.annotations).toEqual({ 'alpha.image-policy.k8s.io/failed-open': 'true' });
  });
});

it.each([
  [undefined, 'no config specified'],
  [{ imagePolicy: { allowTTL: 1801 } }, 'valid value is between 1s and 30m0s, got 30m1s'],
  [{ imagePolicy: { denyTTL: -5 } }, 'valid value is between 1s and 30m0s, got -5s'],
  [{ imagePolicy: { retryBackoff: 300_001 } }, 'valid value is between 1ns and 5m0s, got 5m0.001s'],
])('%j is no configuration', (given, message) => {
  expect(() => imagePolicyConfig(given)).toThrow(message);
});

it('has times of its own where none are said, and none for -1', () => {
  expect(imagePolicyConfig({ imagePolicy: { kubeConfigFile: 'k', denyTTL: -1 } })).toEqual({
    kubeConfigFile: 'k',
    allowTtlMs: 300_000,
    denyTtlMs: 0,
    firstPauseMs: 500,
    defaultAllow: false,
  });
});
