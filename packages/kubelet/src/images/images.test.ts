import type { Secret } from '@keelson/api/generated/types/core/v1';
import type { EventRecorder } from '@keelson/client';
import { manualWorld } from '@keelson/client/testing/world';
import { describe, expect, it } from 'vitest';
import { containerReference } from '../pods/services.ts';
import type { Image, ImageCredentials } from '../runtime/images.ts';
import { RuntimeError } from '../runtime/runtime.ts';
import type { SandboxConfig } from '../runtime/sandbox.ts';
import { container, podOf } from '../testing/pods.ts';
import { credentialsFor } from './credentials.ts';
import { type ImageError, ImageManager } from './manager.ts';
import type { PullRecords } from './pull-records.ts';
import { parseReference, withDefaultTag } from './reference.ts';

describe('withDefaultTag', () => {
  it.each([
    ['busybox', 'busybox:latest'],
    ['busybox:1.36', 'busybox:1.36'],
    ['localhost:5000/a/b', 'localhost:5000/a/b:latest'],
    [`a@sha256:${'0'.repeat(64)}`, `a@sha256:${'0'.repeat(64)}`],
  ])('%s', (image, want) => expect(withDefaultTag(image)).toBe(want));

  it.each([
    [
      'Busybox',
      'couldn\'t parse image name "Busybox": invalid reference format: repository name (Busybox) must be lowercase',
    ],
    ['a b', 'couldn\'t parse image name "a b": invalid reference format'],
    ['', 'couldn\'t parse image name "": invalid reference format'],
  ])('refuses %j', (image, message) => expect(() => withDefaultTag(image)).toThrow(message));
});

describe('parseReference', () => {
  it.each([
    ['busybox', 'docker.io/library/busybox'],
    ['a/b', 'docker.io/a/b'],
    ['quay.io/a/b:1', 'quay.io/a/b'],
    ['localhost/x', 'localhost/x'],
  ])('%s', (image, repository) => expect(parseReference(image).repository).toBe(repository));
});

describe('credentialsFor', () => {
  const secret = (auths: object): Secret =>
    ({
      metadata: {},
      type: 'kubernetes.io/dockerconfigjson',
      data: { '.dockerconfigjson': Buffer.from(JSON.stringify({ auths })).toString('base64') },
    }) as Secret;
  const login = (name: string) => ({ auth: Buffer.from(`${name}:secret`).toString('base64') });

  it('finds what fits, the closest first', () => {
    const secrets = [secret({ 'quay.io': login('all'), 'quay.io/team': login('team'), 'ghcr.io': login('no') })];
    expect(credentialsFor('quay.io/team/app', secrets).map(({ username }) => username)).toEqual(['team', 'all']);
    expect(credentialsFor('quay.io/other/app', secrets)).toMatchObject([{ username: 'all', password: 'secret' }]);
  });

  it('knows the hub by its other names, and patterns', () => {
    expect(
      credentialsFor('docker.io/library/x', [secret({ 'https://index.docker.io/v1/': login('hub') })]),
    ).toHaveLength(1);
    expect(credentialsFor('a.example.com/x', [secret({ '*.example.com': login('any') })])).toHaveLength(1);
    expect(credentialsFor('a.b.example.com/x', [secret({ '*.example.com': login('any') })])).toHaveLength(0);
  });

  it('passes over what cannot be read', () => {
    expect(
      credentialsFor('quay.io/x', [
        { metadata: {}, type: 'kubernetes.io/dockercfg', data: { '.dockercfg': '!' } } as Secret,
      ]),
    ).toEqual([]);
  });
});

function manager(
  pull: (credentials: ImageCredentials | undefined) => Promise<string>,
  present: string[] = [],
  records?: PullRecords,
) {
  const world = manualWorld();
  const events: string[] = [];
  const recorder: EventRecorder = {
    event: (_about, type, reason, message) => void events.push(`${type} ${reason}: ${message}`),
  };
  const runtime = {
    images: async () => [],
    image: async ({ image }: { image: string }): Promise<Image | undefined> =>
      present.includes(image)
        ? { id: 'sha256:1', tags: [], digests: [], size: 42, username: '', pinned: false }
        : undefined,
    pullImage: async (_spec: unknown, credentials: ImageCredentials | undefined) => {
      const ref = await pull(credentials);
      present.push(ref);
      return ref;
    },
    removeImage: async () => {},
    imageFilesystems: async () => [],
  };
  const found: object[] = [];
  const images = new ImageManager({
    runtime,
    world,
    recorder,
    credentials: async () => [],
    serialize: true,
    records,
    ensured: (policy, each) => found.push({ policy, ...each }),
  });
  const pod = podOf({ containers: [container('a')] });
  const reference = containerReference(pod, { role: 'regular', spec: container('a') });
  const ensure = (image: string, policy: string) =>
    images
      .ensure({ pod, reference, image, policy, sandbox: { runtimeHandler: '' } as SandboxConfig })
      .catch((error: ImageError) => `${error.reason}: ${error.message}`);
  return { world, events, ensure, found };
}

describe('ImageManager', () => {
  it('pulls what is not there, and says so', async () => {
    const { ensure, events } = manager(async () => 'ref');
    expect(await ensure('a:1', 'IfNotPresent')).toBe('ref');
    expect(events).toEqual([
      'Normal Pulling: Pulling image "a:1"',
      'Normal Pulled: Successfully pulled image "a:1" in 0s (0s including waiting). Image size: 42 bytes.',
    ]);
  });

  it('takes what is there', async () => {
    const { ensure, events } = manager(() => Promise.reject(new Error('pulled')), ['a:latest']);
    expect(await ensure('a', 'IfNotPresent')).toBe('sha256:1');
    expect(events).toEqual([
      'Normal Pulled: Container image "a" already present on machine and can be accessed by the pod',
    ]);
  });

  it('pulls what is there for whom it is closed to, and does not show it where it must not pull', async () => {
    const records = {
      allows: async () => false,
      begin: async () => {},
      succeeded: async () => {},
      failed: async () => {},
    };
    const { ensure } = manager(async () => 'pulled', ['a:1'], records as unknown as PullRecords);
    expect(await ensure('a:1', 'IfNotPresent')).toBe('pulled');
    const never = 'ErrImageNeverPull: Container image "a:1" is not present with pull policy of Never';
    expect(await ensure('a:1', 'Never')).toBe(never);
  });

  it('never pulls where it must not', async () => {
    const { ensure, events } = manager(async () => 'ref');
    const message = 'Container image "a:1" is not present with pull policy of Never';
    expect(await ensure('a:1', 'Never')).toBe(`ErrImageNeverPull: ${message}`);
    expect(events).toEqual([`Warning ErrImageNeverPull: ${message}`]);
  });

  it('tells what it found', async () => {
    const records = {
      allows: async () => false,
      begin: async () => {},
      succeeded: async () => {},
      failed: async () => {},
    };
    const open = manager(async () => 'ref', ['here:1']);
    for (const [image, policy] of [
      ['here:1', 'IfNotPresent'],
      ['away:1', 'IfNotPresent'],
      ['here:1', 'Always'],
      ['none:1', 'Never'],
      ['A', 'Always'],
    ] as const)
      await open.ensure(image, policy);
    expect(open.found).toEqual([
      { policy: 'IfNotPresent', present: true, pullRequired: false },
      { policy: 'IfNotPresent', present: false, pullRequired: true },
      { policy: 'Always', pullRequired: true },
      { policy: 'Never', present: false },
      { policy: 'Always' },
    ]);
    const closed = manager(async () => 'ref', ['here:1'], records as unknown as PullRecords);
    await closed.ensure('here:1', 'Never');
    expect(closed.found).toEqual([{ policy: 'Never', present: true, pullRequired: true }]);
  });

  it('backs off, and remembers why', async () => {
    const { ensure, events, world } = manager(() => Promise.reject(new RuntimeError('Failed', 'no such image')));
    expect(await ensure('a:1', 'Always')).toBe('ErrImagePull: no such image');
    expect(await ensure('a:1', 'Always')).toBe(
      'ImagePullBackOff: Back-off pulling image "a:1": ErrImagePull: no such image',
    );
    expect(events.slice(1)).toEqual([
      'Warning Failed: Failed to pull image "a:1": no such image',
      'Normal BackOff: Back-off pulling image "a:1"',
    ]);
    world.clock.advance(10_000);
    expect(await ensure('a:1', 'Always')).toBe('ErrImagePull: no such image');
    world.clock.advance(10_000);
    expect(await ensure('a:1', 'Always')).toMatch(/^ImagePullBackOff/);
    world.clock.advance(10_000);
    expect(await ensure('a:1', 'Always')).toMatch(/^ErrImagePull/);
  });

  it.each([
    [
      'RegistryUnavailable',
      'RegistryUnavailable: down',
      'RegistryUnavailable: image pull failed for a:1 because the registry is unavailable: down',
    ],
    [
      'SignatureValidationFailed',
      'SignatureValidationFailed: bad',
      'SignatureValidationFailed: image pull failed for a:1 because the signature validation failed: bad',
    ],
  ] as const)('tells %s apart', async (code, message, want) => {
    const { ensure } = manager(() => Promise.reject(new RuntimeError(code, message)));
    expect(await ensure('a:1', 'Always')).toBe(want);
  });

  it('refuses names that are none', async () => {
    const { ensure } = manager(async () => 'ref');
    expect(await ensure('A', 'Always')).toMatch(
      /^InvalidImageName: Failed to apply default image tag "A": couldn't parse image name/,
    );
  });
});
