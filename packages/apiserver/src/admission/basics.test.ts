import type { Pod } from '@keelson/api/generated/types/core/v1';
import { describe, expect, test } from 'vitest';
import { AdmissionChain } from './chain.ts';
import { namespaceAutoProvision, namespaceExists, namespaceLifecycle } from './namespace.ts';
import { type AdmissionPlugin, refuse } from './plugin.ts';
import { admissionChain, enabledPlugins, PLUGIN_ORDER } from './plugins.ts';
import { priority } from './priority.ts';
import { serviceAccount } from './serviceaccount.ts';
import { account, fakeWorld, pod, request } from './testing.ts';
import { defaultTolerationSeconds, taintNodesByCondition } from './tolerations.ts';

describe('the chain', () => {
  test('asks who handles a request, in order, until one refuses', async () => {
    const log: string[] = [];
    const plugin = (name: string, handled: string): AdmissionPlugin => ({
      name,
      handles: (operation, resource, subresource) => `${operation} ${resource}/${subresource}` === handled,
      mutate: () => {
        log.push(name);
      },
      validate: (a) => {
        throw refuse(a, name);
      },
    });
    const handled = 'CREATE things.example.com/';
    const chain = new AdmissionChain([
      plugin('a', handled),
      plugin('b', 'UPDATE things.example.com/'),
      plugin('c', handled),
    ]);
    const asked = request('CREATE', 'things.example.com', { metadata: { generateName: 'x-' } });
    await chain.mutate(asked);
    expect(log).toEqual(['a', 'c']);
    await expect(chain.validate(asked)).rejects.toThrow('things.example.com "x-" is forbidden: a');
  });

  test('has the plugins that are on, in their order', () => {
    expect(
      enabledPlugins({
        enableAdmissionPlugins: ['AlwaysPullImages', 'NodeRestriction'],
        disableAdmissionPlugins: ['Priority'],
      }).slice(0, 8),
    ).toEqual([
      'NamespaceLifecycle',
      'LimitRanger',
      'ServiceAccount',
      'NodeRestriction',
      'TaintNodesByCondition',
      'AlwaysPullImages',
      'PodSecurity',
      'DefaultTolerationSeconds',
    ]);
    expect(PLUGIN_ORDER).toHaveLength(41);
    expect(() => enabledPlugins({ enableAdmissionPlugins: ['X'], disableAdmissionPlugins: [] })).toThrow(
      'enable-admission-plugins plugin "X" is unknown',
    );
    expect(() => enabledPlugins({ enableAdmissionPlugins: [], disableAdmissionPlugins: ['X'] })).toThrow(
      'disable-admission-plugins plugin "X" is unknown',
    );
    expect(() =>
      enabledPlugins({ enableAdmissionPlugins: ['Priority'], disableAdmissionPlugins: ['Priority'] }),
    ).toThrow('[Priority] in enable-admission-plugins and disable-admission-plugins overlapped');
  });

  test('are those that are listed and no others, where there is such a list', () => {
    const only = (...onlyAdmissionPlugins: string[]) =>
      enabledPlugins({ onlyAdmissionPlugins, enableAdmissionPlugins: [], disableAdmissionPlugins: [] });
    expect(only('ResourceQuota', 'NamespaceLifecycle')).toEqual(['NamespaceLifecycle', 'ResourceQuota']);
    expect(() => only('X')).toThrow('admission-control plugin "X" is unknown');
  });

  test('takes what the caller gives', async () => {
    const seen: string[] = [];
    const given: AdmissionPlugin = {
      name: 'ValidatingAdmissionWebhook',
      handles: () => true,
      validate: () => {
        seen.push('webhook');
      },
    };
    await admissionChain({ enableAdmissionPlugins: [], disableAdmissionPlugins: [] }, fakeWorld(), [given]).validate(
      request('CREATE', 'configmaps', { metadata: {} }),
    );
    expect(seen).toEqual(['webhook']);
  });
});

describe('namespaces', () => {
  test('that are missing or going refuse what is new', async () => {
    const world = fakeWorld();
    world.objects.put('namespaces', { metadata: { name: 'going' }, status: { phase: 'Terminating' } });
    const plugin = namespaceLifecycle(world);
    const create = (namespace: string) =>
      plugin.mutate!(request('CREATE', 'configmaps', { metadata: { name: 'a' } }, { namespace }));
    await create('ns');
    await expect(create('nope')).rejects.toThrow('namespaces "nope" not found');
    await expect(create('going')).rejects.toMatchObject({
      message:
        'configmaps "a" is forbidden: unable to create new content in namespace going because it is being terminated',
      details: {
        causes: [
          {
            reason: 'NamespaceTerminating',
            message: 'namespace going is being terminated',
            field: 'metadata.namespace',
          },
        ],
      },
    });
    await plugin.mutate!(request('UPDATE', 'configmaps', { metadata: {} }, { namespace: 'going' }));
    await plugin.mutate!(request('DELETE', 'configmaps', undefined, { namespace: 'nope' }));
  });

  test('of the system stay', async () => {
    const remove = (name: string) =>
      namespaceLifecycle(fakeWorld()).mutate!(
        request('DELETE', 'namespaces', undefined, { name, kind: { group: '', version: 'v1', kind: 'Namespace' } }),
      );
    await expect(remove('kube-system')).rejects.toThrow(
      'namespaces "kube-system" is forbidden: this namespace may not be deleted',
    );
    await remove('kube-node-lease');
  });

  test('are made where that is wanted', async () => {
    const world = fakeWorld();
    await namespaceAutoProvision(world).mutate!(
      request('CREATE', 'configmaps', { metadata: {} }, { namespace: 'new' }),
    );
    expect(world.created).toEqual(['new']);
    await expect(
      namespaceExists(world).validate!(request('UPDATE', 'configmaps', { metadata: {} }, { namespace: 'new' })),
    ).rejects.toThrow('namespaces "new" not found');
  });

  test('of another group are in a namespace as all else', async () => {
    const world = fakeWorld();
    const theirs = request(
      'CREATE',
      'namespaces.example.com',
      { kind: 'Namespace', metadata: {} },
      { namespace: 'new' },
    );
    await expect(namespaceExists(world).validate!(theirs)).rejects.toThrow('namespaces "new" not found');
    await namespaceAutoProvision(world).mutate!(theirs);
    expect(world.created).toEqual(['new']);
    const own = request('CREATE', 'namespaces', { kind: 'Namespace', metadata: {} }, { namespace: 'newer' });
    await namespaceExists(world).validate!(own);
    await namespaceAutoProvision(world).mutate!(own);
    expect(world.created).toEqual(['new']);
  });
});

describe('service accounts', () => {
  const admit = async (given: Pod, world = fakeWorld()): Promise<Pod> => {
    await serviceAccount(world).mutate!(request('CREATE', 'pods', given));
    return given;
  };
  const mount = (p: Pod) => p.spec.containers![0]!.volumeMounts;

  test('are named, and their token mounted', async () => {
    const { spec } = await admit(pod({ initContainers: [{ name: 'i' }] }));
    expect(spec).toMatchObject({ serviceAccountName: 'default', serviceAccount: 'default' });
    expect(spec.initContainers![0]!.volumeMounts).toEqual([
      { name: 'kube-api-access-abcde', readOnly: true, mountPath: '/var/run/secrets/kubernetes.io/serviceaccount' },
    ]);
    expect(spec.volumes).toEqual([
      {
        name: 'kube-api-access-abcde',
        projected: {
          defaultMode: 420,
          sources: [
            { serviceAccountToken: { expirationSeconds: 3607, path: 'token' } },
            { configMap: { name: 'kube-root-ca.crt', items: [{ key: 'ca.crt', path: 'ca.crt' }] } },
            {
              downwardAPI: {
                items: [{ path: 'namespace', fieldRef: { apiVersion: 'v1', fieldPath: 'metadata.namespace' } }],
              },
            },
          ],
        },
      },
    ]);
  });

  test.each<[string, Parameters<typeof pod>[0], boolean | undefined, boolean]>([
    ['neither says', {}, undefined, true],
    ['the account does not want it', {}, false, false],
    ['the pod wins', { automountServiceAccountToken: true }, false, true],
    ['the pod wins the other way', { automountServiceAccountToken: false }, true, false],
    [
      'a mount is there',
      {
        containers: [
          { name: 'c', volumeMounts: [{ mountPath: '/var/run/secrets/kubernetes.io/serviceaccount', name: 'v' }] },
        ],
      },
      undefined,
      false,
    ],
  ])('mount their token when %s', async (_, spec, ofAccount, mounted) => {
    const world = fakeWorld();
    world.objects.put(
      'serviceaccounts',
      account('default', ofAccount === undefined ? {} : { automountServiceAccountToken: ofAccount }),
    );
    const admitted = await admit(pod(spec), world);
    expect(mount(admitted)?.some((m) => m.name.startsWith('kube-api-access-')) ?? false).toBe(mounted);
    expect(admitted.spec.volumes?.length ?? 0).toBe(mounted ? 1 : 0);
  });

  test('lend their pull secrets', async () => {
    const world = fakeWorld();
    world.objects.put('serviceaccounts', account('s', { imagePullSecrets: [{ name: 'x' }] }));
    expect((await admit(pod({ serviceAccountName: 's' }), world)).spec.imagePullSecrets).toEqual([{ name: 'x' }]);
    const own = pod({ serviceAccountName: 's', imagePullSecrets: [{ name: 'own' }] });
    expect((await admit(own, world)).spec.imagePullSecrets).toEqual([{ name: 'own' }]);
  });

  test('must exist; the default one is waited for', async () => {
    const world = fakeWorld();
    await expect(admit(pod({ serviceAccountName: 'nope' }), world)).rejects.toThrow(
      'pods "p" is forbidden: error looking up service account ns/nope: serviceaccount "nope" not found',
    );
    expect(world.waited).toHaveLength(0);
    const elsewhere = request('CREATE', 'pods', pod(), { namespace: 'other' });
    await expect(serviceAccount(world).mutate!(elsewhere)).rejects.toThrow(
      'error looking up service account other/default',
    );
    expect(world.waited).toHaveLength(9);
  });

  test.each<[Parameters<typeof pod>[0], string | undefined]>([
    [{}, undefined],
    [{ serviceAccountName: 'default' }, 'a mirror pod may not reference service accounts'],
    [{ volumes: [{ name: 'v', secret: { secretName: 's' } }] }, 'a mirror pod may not reference secrets'],
    [
      { volumes: [{ name: 'v', projected: { sources: [{ serviceAccountToken: { path: 't' } }] } }] },
      'a mirror pod may not use ServiceAccountToken volume projections',
    ],
  ])('and mirror pods do not go together: %j', async (spec, problem) => {
    const mirror = pod(spec, { annotations: { 'kubernetes.io/config.mirror': 'x' } });
    const before = structuredClone(mirror);
    if (problem) await expect(admit(mirror)).rejects.toThrow(`pods "p" is forbidden: ${problem}`);
    else expect(await admit(mirror)).toEqual(before);
  });

  test.each<[Parameters<typeof pod>[0], string]>([
    [
      { volumes: [{ name: 'v', secret: { secretName: 'x' } }] },
      'volume with secret.secretName="x" is not allowed because service account s does not reference that secret',
    ],
    [
      { containers: [{ name: 'c', env: [{ name: 'E', valueFrom: { secretKeyRef: { name: 'x', key: 'k' } } }] }] },
      'container c with envVar E referencing secret.secretName="x" is not allowed because service account s does not reference that secret',
    ],
    [
      { initContainers: [{ name: 'i', envFrom: [{ secretRef: { name: 'x' } }] }] },
      'init container i with envFrom referencing secret.secretName="x" is not allowed because service account s does not reference that secret',
    ],
    [
      { imagePullSecrets: [{ name: 'x' }] },
      'imagePullSecrets[0].name="x" is not allowed because service account s does not reference that imagePullSecret',
    ],
  ])('may restrict secrets: %#', async (spec, problem) => {
    const world = fakeWorld();
    const metadata = { name: 's', namespace: 'ns', annotations: { 'kubernetes.io/enforce-mountable-secrets': 'true' } };
    world.objects.put('serviceaccounts', { metadata, secrets: [{ name: 'ok' }] });
    await expect(admit(pod({ ...spec, serviceAccountName: 's' }), world)).rejects.toThrow(problem);
  });
});

describe('priority', () => {
  const CLASSES = 'priorityclasses.scheduling.k8s.io';
  const world = fakeWorld();
  world.objects.put(CLASSES, { metadata: { name: 'high' }, value: 7, preemptionPolicy: 'Never' });
  const plugin = priority(world);

  test('comes from the class', async () => {
    const given = pod({ priorityClassName: 'high' });
    await plugin.mutate!(request('CREATE', 'pods', given));
    expect(given.spec).toMatchObject({ priority: 7, preemptionPolicy: 'Never' });
  });
  test.each([
    [
      { priority: 5 },
      'the integer value of priority (5) must not be provided in pod spec; priority admission controller computed 0 from the given PriorityClass name',
    ],
    [
      { preemptionPolicy: 'Never' },
      'the string value of PreemptionPolicy (Never) must not be provided in pod spec; priority admission controller computed PreemptLowerPriority from the given PriorityClass name',
    ],
    [{ priorityClassName: 'nope' }, 'no PriorityClass with name nope was found'],
  ])('%j is refused', async (spec, problem) => {
    await expect(plugin.mutate!(request('CREATE', 'pods', pod(spec)))).rejects.toThrow(
      `pods "p" is forbidden: ${problem}`,
    );
  });
  test('has one default', async () => {
    const first = { metadata: { name: 'first' }, value: 1, globalDefault: true };
    const other = fakeWorld();
    const validate = (object: object, operation: 'CREATE' | 'UPDATE') =>
      priority(other).validate!(request(operation, CLASSES, object));
    await validate(first, 'CREATE');
    other.objects.put(CLASSES, first);
    await validate(first, 'UPDATE');
    await expect(validate({ ...first, metadata: { name: 'second' } }, 'CREATE')).rejects.toThrow(
      'priorityclasses.scheduling.k8s.io "second" is forbidden: PriorityClass first is already marked as default. Only one default can exist',
    );
    const given = pod();
    await priority(other).mutate!(request('CREATE', 'pods', given));
    expect(given.spec).toMatchObject({ priority: 1, priorityClassName: 'first' });
  });
  test('survives an update that leaves it out', async () => {
    const given = pod();
    await plugin.mutate!(request('UPDATE', 'pods', given, { oldObject: { metadata: {}, spec: { priority: 3 } } }));
    expect(given.spec.priority).toBe(3);
  });
});

test.each([
  [[], ['node.kubernetes.io/not-ready', 'node.kubernetes.io/unreachable']],
  [
    [{ key: 'node.kubernetes.io/not-ready', effect: 'NoExecute' }],
    ['node.kubernetes.io/not-ready', 'node.kubernetes.io/unreachable'],
  ],
  [[{ operator: 'Exists' }], [undefined]],
  [
    [{ operator: 'Exists', effect: 'NoSchedule' }],
    [undefined, 'node.kubernetes.io/not-ready', 'node.kubernetes.io/unreachable'],
  ],
])('tolerations added to %j', async (tolerations, keys) => {
  const given = pod(tolerations.length ? { tolerations } : {});
  await defaultTolerationSeconds({ notReadySeconds: 300, unreachableSeconds: 300 }).mutate!(
    request('CREATE', 'pods', given),
  );
  expect(given.spec.tolerations!.map((t) => t.key)).toEqual(keys);
});

test('a new node is tainted once', async () => {
  const node: { metadata: object; spec: { taints?: unknown[] } } = { metadata: { name: 'n' }, spec: {} };
  for (let i = 0; i < 2; i++) await taintNodesByCondition().mutate!(request('CREATE', 'nodes', node));
  expect(node.spec.taints).toEqual([{ key: 'node.kubernetes.io/not-ready', effect: 'NoSchedule' }]);
});
