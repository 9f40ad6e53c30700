import 'reflect-metadata';
import { webcrypto } from 'node:crypto';
import { Pkcs10CertificateRequestGenerator } from '@peculiar/x509';
import { describe, expect, test } from 'vitest';
import type { Attributes, Decision } from '../authz/attributes.ts';
import { alwaysAdmit, alwaysDeny } from './always.ts';
import {
  certificateApproval,
  certificateSigning,
  certificateSubjectRestriction,
  clusterTrustBundleAttest,
} from './certificates.ts';
import { admissionConfiguration } from './configuration.ts';
import { defaultIngressClass, defaultStorageClass } from './defaultclasses.ts';
import { eventLimits, eventRateLimit } from './eventratelimit.ts';
import { ownerReferencesPermissionEnforcement } from './owners.ts';
import type { AdmissionAttributes } from './plugin.ts';
import { admissionChain } from './plugins.ts';
import { persistentVolumeClaimResize, storageObjectInUseProtection } from './storage.ts';
import { fakeWorld, request } from './testing.ts';

function updating(resource: string, from: object, to: object, subresource = ''): AdmissionAttributes {
  return request('UPDATE', resource, to, { oldObject: from as AdmissionAttributes['oldObject'], subresource });
}

/** Allows what the predicate does, and remembers the questions. */
function authorizing(allowed: (a: Attributes) => boolean) {
  const asked: Attributes[] = [];
  const authorize = (a: Attributes): Decision => {
    asked.push(a);
    return allowed(a) ? { decision: 'allow', reason: '' } : { decision: 'no-opinion', reason: 'no rule' };
  };
  return { asked, world: fakeWorld(authorize) };
}

test('AlwaysDeny denies, AlwaysAdmit does nothing', () => {
  const asked = request('CONNECT', 'pods', undefined, { name: 'p', subresource: 'exec' });
  expect(() => alwaysDeny().validate!(asked)).toThrow(
    'pods "p" is forbidden: admission control is denying all modifications',
  );
  expect(alwaysAdmit().handles('CREATE', 'pods', '')).toBe(false);
});

describe('default classes', () => {
  const world = fakeWorld();
  const put = (name: string, creationTimestamp: string, key: string) => {
    const metadata = { name, creationTimestamp, annotations: { [key]: 'true' } };
    world.objects.put('ingressclasses.networking.k8s.io', { metadata });
    world.objects.put('storageclasses.storage.k8s.io', { metadata });
  };
  for (const kind of ['ingressclass', 'storageclass']) {
    put(`old-${kind}`, '2025-01-01T00:00:00Z', `${kind}.kubernetes.io/is-default-class`);
    put(`b-${kind}`, '2026-01-01T00:00:00Z', `${kind}.kubernetes.io/is-default-class`);
  }
  put('a-storageclass', '2026-01-01T00:00:00Z', 'storageclass.beta.kubernetes.io/is-default-class');

  test.each([
    [{ metadata: {}, spec: {} }, 'b-ingressclass'],
    [{ metadata: {}, spec: { ingressClassName: '' } }, ''],
    [{ metadata: { annotations: { 'kubernetes.io/ingress.class': 'x' } }, spec: {} }, undefined],
  ])('of the ingress %j', async (ingress, expected) => {
    await defaultIngressClass(world).mutate!(request('CREATE', 'ingresses.networking.k8s.io', ingress));
    expect((ingress.spec as { ingressClassName?: string }).ingressClassName).toBe(expected);
  });

  test.each([
    [{ metadata: {}, spec: {} }, 'a-storageclass'],
    [{ metadata: {}, spec: { storageClassName: '' } }, ''],
    [{ metadata: { annotations: { 'volume.beta.kubernetes.io/storage-class': '' } }, spec: {} }, undefined],
  ])('of the claim %j', async (claim, expected) => {
    await defaultStorageClass(world).mutate!(request('CREATE', 'persistentvolumeclaims', claim));
    expect((claim.spec as { storageClassName?: string }).storageClassName).toBe(expected);
  });
});

test.each([
  ['persistentvolumes', 'kubernetes.io/pv-protection'],
  ['persistentvolumeclaims', 'kubernetes.io/pvc-protection'],
  ['volumeattributesclasses.storage.k8s.io', 'kubernetes.io/vac-protection'],
])('%s stay as long as they are in use', (resource, finalizer) => {
  const object: { metadata: { finalizers?: string[] } } = { metadata: { finalizers: ['x'] } };
  const { mutate, handles } = storageObjectInUseProtection(fakeWorld());
  expect(handles('CREATE', resource, '')).toBe(true);
  mutate!(request('CREATE', resource, object));
  mutate!(request('CREATE', resource, object));
  expect(object.metadata.finalizers).toEqual(['x', finalizer]);
});

test('attributes classes do not, where their gate is off', () => {
  const { handles } = storageObjectInUseProtection(fakeWorld(undefined, () => false));
  expect(handles('CREATE', 'volumeattributesclasses.storage.k8s.io', '')).toBe(false);
  expect(handles('CREATE', 'persistentvolumes', '')).toBe(true);
});

describe('claims', () => {
  const claim = (storage: string, storageClassName = 'gold', phase = 'Bound') => ({
    metadata: { name: 'c' },
    spec: { storageClassName, resources: { requests: { storage } } },
    status: { phase },
  });
  const world = fakeWorld();
  world.objects.put('storageclasses.storage.k8s.io', { metadata: { name: 'gold' }, allowVolumeExpansion: true });
  world.objects.put('storageclasses.storage.k8s.io', { metadata: { name: 'iron' } });
  const unsupported =
    'only dynamically provisioned pvc can be resized and the storageclass that provisions the pvc must support resize';

  test.each([
    ['grow', claim('1Gi'), claim('2Gi'), undefined],
    ['keep their size', claim('1Gi', 'iron'), claim('1024Mi', 'iron'), undefined],
    ['unbound', claim('1Gi', 'gold', 'Pending'), claim('2Gi'), 'Only bound persistent volume claims can be expanded'],
    ['of a class that cannot', claim('1Gi', 'iron'), claim('2Gi', 'iron'), unsupported],
    ['of another class', claim('1Gi', 'iron'), claim('2Gi', 'gold'), unsupported],
    ['of no class', claim('1Gi', ''), claim('2Gi', ''), unsupported],
  ])('%s', async (_, from, to, problem) => {
    const validating = persistentVolumeClaimResize(world).validate!(updating('persistentvolumeclaims', from, to));
    if (problem) await expect(validating).rejects.toThrow(`persistentvolumeclaims "c" is forbidden: ${problem}`);
    else await validating;
  });
});

describe('certificates', () => {
  const CSRS = 'certificatesigningrequests.certificates.k8s.io';
  const csr = (signerName: string, status: object = {}) => ({ metadata: { name: 'r' }, spec: { signerName }, status });

  test('are approved by who may approve for the signer, or for its domain', async () => {
    const { asked, world } = authorizing((a) => a.name === 'example.com/*');
    const { validate } = certificateApproval(world);
    await validate!(updating(CSRS, csr('example.com/a'), csr('other.com/x'), 'approval'));
    expect(asked.map(({ verb, apiGroup, resource, name }) => [verb, apiGroup, resource, name])).toEqual([
      ['approve', 'certificates.k8s.io', 'signers', 'example.com/a'],
      ['approve', 'certificates.k8s.io', 'signers', 'example.com/*'],
    ]);
    await expect(validate!(updating(CSRS, csr('other.com/a'), csr('other.com/a'), 'approval'))).rejects.toThrow(
      `${CSRS} "r" is forbidden: user not permitted to approve requests with signerName "other.com/a"`,
    );
  });

  test('are signed by who may sign; others may write the rest of the status', async () => {
    const { validate } = certificateSigning(authorizing(() => false).world);
    await validate!(updating(CSRS, csr('a/b'), csr('a/b'), 'status'));
    for (const status of [{ certificate: 'x' }, { conditions: [{ type: 'Failed' }] }])
      await expect(validate!(updating(CSRS, csr('a/b'), csr('a/b', status), 'status'))).rejects.toThrow(
        'user not permitted to sign requests with signerName "a/b"',
      );
  });

  test('make nobody a master', async () => {
    const keys = await webcrypto.subtle.generateKey({ name: 'ECDSA', namedCurve: 'P-256' }, true, ['sign', 'verify']);
    const asking = async (name: string) => {
      const made = await Pkcs10CertificateRequestGenerator.create({
        name,
        keys: keys as never,
        signingAlgorithm: { name: 'ECDSA', hash: 'SHA-256' },
      });
      return Buffer.from(made.toString('pem')).toString('base64');
    };
    const { validate } = certificateSubjectRestriction();
    const create = (spec: object) => validate!(request('CREATE', CSRS, { metadata: { name: 'r' }, spec }));
    const signerName = 'kubernetes.io/kube-apiserver-client';
    create({ signerName, request: await asking('CN=a, O=devs') });
    const master = await asking('CN=a, O=devs, O=system:masters');
    create({ signerName: 'kubernetes.io/other', request: master });
    expect(() => create({ signerName, request: master })).toThrow(
      `${CSRS} "r" is forbidden: use of kubernetes.io/kube-apiserver-client signer with system:masters group is not allowed`,
    );
    expect(() => create({ signerName, request: 'eA==' })).toThrow(
      'failed to parse CSR: PEM block type must be CERTIFICATE REQUEST',
    );
  });
});

describe('bundles of trust', () => {
  const BUNDLES = 'clustertrustbundles.certificates.k8s.io';
  const refused = `${BUNDLES} "b" is forbidden: user not permitted to attest for signerName "a.com/b"`;
  const bundle = (signerName: string, trustBundle = 'x', more: object = {}) => ({
    metadata: { name: 'b', ...more },
    spec: { signerName, trustBundle },
  });
  const creating = (signerName: string) => request('CREATE', BUNDLES, bundle(signerName));
  const finalized = bundle('a.com/b', 'x', { finalizers: ['f'] });

  test.each([
    ['by who may attest for the signer', ['a.com/b'], creating('a.com/b'), undefined],
    ['by who may attest for its domain', ['a.com/*'], creating('a.com/b'), undefined],
    ['by who may for another', ['a.com/c'], creating('a.com/b'), refused],
    ['of nobody by anybody', [], creating(''), undefined],
    ['with other certificates', [], updating(BUNDLES, bundle('a.com/b'), bundle('a.com/b', 'y')), refused],
    ['with other finalizers', [], updating(BUNDLES, bundle('a.com/b'), finalized), undefined],
  ])('%s', async (_, signers: string[], asked, problem) => {
    const world = fakeWorld(
      ({ name, verb }) => ({
        decision: verb === 'attest' && signers.includes(name) ? 'allow' : 'no-opinion',
        reason: '',
      }),
      () => true,
    );
    const plugin = clusterTrustBundleAttest(world);
    expect(plugin.handles(asked.operation, BUNDLES, '')).toBe(true);
    if (problem) await expect(plugin.validate!(asked)).rejects.toThrow(problem);
    else await plugin.validate!(asked);
  });

  test('without their gate nobody is asked', () => {
    const world = fakeWorld(undefined, () => false);
    expect(clusterTrustBundleAttest(world).handles('CREATE', BUNDLES, '')).toBe(false);
  });
});

describe('owners', () => {
  const object = (...ownerReferences: object[]) => ({ metadata: { name: 'x', ownerReferences } });
  const ref = (more: object = {}) => ({ apiVersion: 'apps/v1', kind: 'ReplicaSet', name: 'rs', uid: 'u', ...more });
  const blocking = { blockOwnerDeletion: true };

  function validating(allowed: (a: Attributes) => boolean, a: AdmissionAttributes) {
    const { asked, world } = authorizing(allowed);
    return { asked, done: ownerReferencesPermissionEnforcement(world).validate!(a) as Promise<void> };
  }

  test('may be set on new objects, and by who may delete old ones', async () => {
    await validating(() => false, request('CREATE', 'pods', object(ref()))).done;
    await validating(() => false, updating('pods', object(ref()), object(ref()))).done;
    const { asked, done } = validating(() => false, updating('pods', object(), object(ref()), 'scale'));
    await expect(done).rejects.toThrow(
      'pods "x" is forbidden: cannot set an ownerRef on a resource you can\'t delete: no rule, <nil>',
    );
    expect(asked).toMatchObject([
      { verb: 'delete', resource: 'pods', subresource: 'scale', namespace: 'ns', name: 'x' },
    ]);
  });

  test('wait only where who says so may finalize them', async () => {
    const { asked, done } = validating(() => false, request('CREATE', 'pods', object(ref(blocking))));
    await expect(done).rejects.toThrow(
      "cannot set blockOwnerDeletion if an ownerReference refers to a resource you can't set finalizers on: no rule, <nil>",
    );
    expect(asked).toMatchObject([
      { verb: 'update', apiGroup: '*', resource: '*', subresource: 'finalizers', name: '*' },
      {
        verb: 'update',
        apiGroup: 'apps',
        resource: 'replicasets',
        subresource: 'finalizers',
        name: 'rs',
        namespace: 'ns',
      },
    ]);
    await validating((a) => a.resource === '*', request('CREATE', 'pods', object(ref(blocking)))).done;
    const old = object(ref(blocking));
    await validating((a) => a.verb === 'delete', updating('pods', old, object(ref({ ...blocking, name: 'other' }))))
      .done;
  });

  test('are of a kind that there is', async () => {
    const node = { apiVersion: 'v1', kind: 'Node' };
    const { asked, done } = validating(
      (a) => a.resource === 'nodes',
      request('CREATE', 'pods', object(ref({ ...blocking, ...node }))),
    );
    await done;
    expect(asked.at(-1)!.namespace).toBe('');
    const unknown = request('CREATE', 'pods', object(ref({ ...blocking, kind: 'Thing' })));
    await expect(validating(() => false, unknown).done).rejects.toThrow(
      'cannot set blockOwnerDeletion in this case because cannot find RESTMapping for APIVersion apps/v1 Kind Thing: no matches for kind "Thing" in version "apps/v1"',
    );
  });
});

describe('EventRateLimit', () => {
  const kind = { apiVersion: 'eventratelimit.admission.k8s.io/v1alpha1', kind: 'Configuration' };
  const event = (namespace: string, more: Partial<AdmissionAttributes> = {}) =>
    request(
      'CREATE',
      'events',
      { metadata: { name: 'e' }, involvedObject: { kind: 'Pod', name: 'p' } },
      { namespace, ...more },
    );

  test('lets so many events in, then so many a second', () => {
    let time = 0;
    const limits = eventLimits({
      ...kind,
      limits: [
        { type: 'Namespace', qps: 2, burst: 2 },
        { type: 'SourceAndObject', qps: 10, burst: 100, cacheSize: 1 },
      ],
    });
    const { validate } = eventRateLimit({ now: () => new Date(time) }, limits);
    validate!(event('a'));
    validate!(event('a'));
    const refused = () => validate!(event('a'));
    expect(refused).toThrow('Too many requests: limit reached on type Namespace for key a');
    validate!(event('a', { dryRun: true }));
    validate!(event('b'));
    time = 500;
    validate!(event('a'));
    expect(refused).toThrow('limit reached');
  });

  test.each([
    [[], 'limits: Invalid value: null: must not be empty'],
    [
      [{ type: 'Pod', qps: 0, burst: 1, cacheSize: -1 }],
      '[limits[0].type: Unsupported value: "Pod": supported values: "Namespace", "Server", "SourceAndObject", "User", limits[0].qps: Invalid value: 0: must be positive, limits[0].cacheSize: Invalid value: -1: must not be negative]',
    ],
  ])('wants limits that make sense: %j', (limits, problem) => {
    expect(() => eventLimits({ ...kind, limits })).toThrow(problem);
  });
});

describe('the configuration of plugins', () => {
  const files =
    (others: Record<string, string> = {}) =>
    (path: string) =>
      others[path]!;
  const config = (...plugins: object[]) =>
    JSON.stringify({ apiVersion: 'apiserver.config.k8s.io/v1', kind: 'AdmissionConfiguration', plugins });

  test('is of the group that it is in today, or was in at first', () => {
    const inVersion = (apiVersion: string) => () =>
      admissionConfiguration(JSON.stringify({ apiVersion, kind: 'AdmissionConfiguration' }), files());
    expect([...inVersion('apiserver.k8s.io/v1alpha1')()]).toEqual([]);
    for (const other of ['apiserver.k8s.io/v1', 'apiserver.config.k8s.io/v1alpha1'])
      expect(inVersion(other)).toThrow('expected kind AdmissionConfiguration of apiserver.config.k8s.io/v1, got');
  });

  test('is in the file or in others', () => {
    const text = config({ name: 'A', configuration: { a: 1 } }, { name: 'B', path: 'b.yaml' }, { name: 'C', path: '' });
    expect([...admissionConfiguration(text, files({ 'b.yaml': '{"b":2}' }))]).toEqual([
      ['B', { b: 2 }],
      ['A', { a: 1 }],
    ]);
  });

  test('may be one from before there was a kind for it', () => {
    const given = { podNodeSelectorPluginConfig: { ns: 'a=b' } };
    expect([...admissionConfiguration(JSON.stringify(given), files())]).toEqual([['PodNodeSelector', given]]);
  });

  test.each([
    ['{}', 'expected kind AdmissionConfiguration of apiserver.config.k8s.io/v1, got  of '],
    [
      config({ name: 'A', file: 'x', data: 'y' }, { other: 'z' }),
      'strict decoding error: unknown field "plugins[0].data", unknown field "plugins[0].file", unknown field "plugins[1].other"',
    ],
    ['[]', 'the configuration must be an object'],
    [config({ name: 1 }), 'plugins[0].name must be a string'],
  ])('%s is none', (text, problem) => {
    expect(() => admissionConfiguration(text, files())).toThrow(problem);
  });

  test('reaches the plugins', () => {
    const options = { enableAdmissionPlugins: ['EventRateLimit'], disableAdmissionPlugins: [] };
    expect(() => admissionChain(options, fakeWorld())).toThrow(
      `couldn't init admission plugin "EventRateLimit": limits: Invalid value: null: must not be empty`,
    );
  });
});
