import type { Pod, ResourceQuota } from '@keelson/api/generated/types/core/v1';
import { toResourceList } from '@keelson/api/quota/amounts';
import { describe, expect, test } from 'vitest';
import { type IsEnabled, isEnabledByDefault } from '../../gates.ts';
import type { AdmissionAttributes } from '../plugin.ts';
import { type FakeAttributes, fakeWorld, type Given, pod, request } from '../testing.ts';
import { quotaConfig } from './config.ts';
import { evaluatorsOf, resourceQuota } from './index.ts';

function quota(name: string, hard: Record<string, string>, more: Given<ResourceQuota> = {}): Given<ResourceQuota> {
  const used = Object.fromEntries(Object.keys(hard).map((key) => [key, '0']));
  return {
    metadata: { name, namespace: 'ns', resourceVersion: '1' },
    spec: { hard },
    ...more,
    status: { hard, used, ...more.status },
  };
}

function setUp(quotas: Given<ResourceQuota>[] = [], config?: object) {
  const world = fakeWorld();
  for (const q of quotas) world.objects.put('resourcequotas', q);
  const plugin = resourceQuota(world, quotaConfig(config));
  return {
    world,
    validate: async (a: FakeAttributes): Promise<void> => plugin.validate!(a),
    used: async (name: string) => (await world.objects.get('resourcequotas', 'ns', name))!.status!.used,
  };
}

function asking(resources: object, spec: Given<Pod['spec']> = {}): Pod {
  return pod({ containers: [{ name: 'c', resources }], ...spec });
}

function creating(object: object, resource = 'pods'): FakeAttributes {
  return request('CREATE', resource, object);
}

describe('a quota', () => {
  test('is charged with what is let in, until it is full', async () => {
    const { validate, used } = setUp([quota('q', { pods: '2', 'requests.cpu': '1' })]);
    const a = asking({ requests: { cpu: '600m' } });
    await validate(creating(a));
    expect(await used('q')).toEqual({ pods: '1', 'requests.cpu': '600m' });
    await expect(validate(creating(a))).rejects.toMatchObject({
      code: 403,
      message:
        'pods "p" is forbidden: exceeded quota: q, requested: requests.cpu=600m, used: requests.cpu=600m, limited: requests.cpu=1',
    });
    await validate(creating(asking({ requests: { cpu: '400m' } })));
    await expect(validate(creating(asking({ requests: { cpu: '1m' } })))).rejects.toThrow(
      'exceeded quota: q, requested: pods=1,requests.cpu=1m, used: pods=2,requests.cpu=1, limited: pods=2,requests.cpu=1',
    );
  });

  test('tells of what it lacks by name', async () => {
    const { validate } = setUp([quota('q', { services: '0', 'services.loadbalancers': '0' })]);
    const service = { metadata: { name: 's', namespace: 'ns' }, spec: { type: 'LoadBalancer', ports: [{ port: 80 }] } };
    await expect(validate(creating(service, 'services'))).rejects.toThrow(
      'requested: services=1,services.loadbalancers=1, used: services=0,services.loadbalancers=0, limited: services=0,',
    );
  });

  test('wants its resources stated', async () => {
    const { validate } = setUp([quota('q', { cpu: '1', 'limits.memory': '1Gi', 'requests.storage': '1' })]);
    const two = pod({ containers: [{ name: 'b' }, { name: 'a', resources: { requests: { cpu: '1' } } }] as never });
    await expect(validate(creating(two))).rejects.toThrow(
      'pods "p" is forbidden: failed quota: q: must specify cpu for: b; limits.memory for: a,b',
    );
    await validate(creating(asking({}, { resources: { requests: { cpu: '1' } } })));
  });

  test('is of no use before its usage is known', async () => {
    const { validate } = setUp([quota('q', { pods: '1', 'count/pods': '3' }, { status: { used: {} } })]);
    await expect(validate(creating(pod()))).rejects.toThrow('status unknown for quota: q, resources: count/pods,pods');
  });

  test('without anything in its status does nothing yet', async () => {
    const { validate, world } = setUp([quota('q', { pods: '0' }, { status: { hard: {} } })]);
    await validate(creating(pod()));
    expect(world.quotas).toEqual([]);
  });

  test('is not charged by dry runs', async () => {
    const { validate, world } = setUp([quota('q', { pods: '1' })]);
    for (let i = 0; i < 3; i++) await validate({ ...creating(pod()), dryRun: true });
    expect(world.quotas).toEqual([]);
  });

  test('is written once for requests that come together', async () => {
    const { validate, world, used } = setUp([quota('q', { 'count/configmaps': '3' })]);
    const results = await Promise.allSettled(
      Array.from({ length: 6 }, () => validate(creating({ metadata: { name: 'm' } }, 'configmaps'))),
    );
    expect(results.filter((r) => r.status === 'fulfilled')).toHaveLength(3);
    expect(await used('q')).toEqual({ 'count/configmaps': '3' });
    expect(world.quotas.length).toBeLessThan(3);
  });

  test('that changed meanwhile is looked at again', async () => {
    const { validate, world, used } = setUp([quota('q', { pods: '5' })]);
    const write = world.updateQuotaStatus;
    let conflicts = 2;
    const plugin = resourceQuota(
      {
        ...world,
        updateQuotaStatus: (q) => {
          if (conflicts-- > 0)
            world.objects.put(
              'resourcequotas',
              quota('q', { pods: '5' }, { metadata: { name: 'q', namespace: 'ns', resourceVersion: `1${conflicts}` } }),
            );
          return write(q);
        },
      },
      [],
    );
    await plugin.validate!(creating(pod()));
    expect(await used('q')).toEqual({ pods: '1' });
    await validate(creating(pod()));
  });

  test('that always changes fails the request', async () => {
    const { world } = setUp([quota('q', { pods: '5' })]);
    const failing = { ...world, updateQuotaStatus: () => Promise.reject(new Error('changed')) };
    await expect(resourceQuota(failing, []).validate!(creating(pod()))).rejects.toThrow('changed');
  });
});

describe('scopes', () => {
  test.each<[string, Given<Pod['spec']>, string[]]>([
    ['Terminating', { activeDeadlineSeconds: 1 }, ['Terminating', 'BestEffort']],
    ['a running pod', {}, ['NotTerminating', 'BestEffort']],
    ['a pod with requests', asking({ requests: { cpu: '1' } }).spec as never, ['NotTerminating', 'NotBestEffort']],
    ['a priority', { priorityClassName: 'high' }, ['NotTerminating', 'BestEffort', 'PriorityClass', 'high']],
    ['another priority', { priorityClassName: 'low' }, ['NotTerminating', 'BestEffort', 'PriorityClass', 'not high']],
    [
      'affinity',
      { affinity: { podAffinity: { requiredDuringSchedulingIgnoredDuringExecution: [{ namespaces: ['x'] }] } } },
      ['NotTerminating', 'BestEffort', 'CrossNamespacePodAffinity'],
    ],
  ])('count %s', async (_, spec, counted) => {
    const scopes = ['Terminating', 'NotTerminating', 'BestEffort', 'NotBestEffort', 'PriorityClass'];
    const selecting = (operator: string) => ({
      scopeSelector: { matchExpressions: [{ scopeName: 'PriorityClass', operator, values: ['high'] }] },
    });
    const { validate, world } = setUp([
      ...[...scopes, 'CrossNamespacePodAffinity'].map((s) => quota(s, { pods: '1' }, { spec: { scopes: [s] } })),
      quota('high', { pods: '1' }, { spec: selecting('In') }),
      quota('not high', { pods: '1' }, { spec: { scopes: ['PriorityClass'], ...selecting('NotIn') } }),
    ]);
    await validate(creating(pod(spec)));
    expect(world.quotas.map((q) => q.metadata.name).sort()).toEqual([...counted].sort());
  });
});

describe('updates', () => {
  const service = (type: string, ports: number, more: object = {}) => ({
    metadata: { name: 's' },
    spec: { type, ports: Array.from({ length: ports }, () => ({})), ...more },
  });
  const updating = (from: object, to: object, resource: string, subresource = '') =>
    request('UPDATE', resource, to, { oldObject: from as AdmissionAttributes['oldObject'], subresource });

  test('are charged with what is more than before', async () => {
    const hard = { services: '1', 'services.nodeports': '3', 'services.loadbalancers': '1' };
    const { validate, used } = setUp([quota('q', hard)]);
    await validate(updating(service('ClusterIP', 2), service('NodePort', 2), 'services'));
    expect(await used('q')).toEqual({ services: '0', 'services.nodeports': '2', 'services.loadbalancers': '0' });
    await validate(updating(service('NodePort', 2), service('ClusterIP', 2), 'services'));
    expect(await used('q')).toMatchObject({ 'services.nodeports': '2' });
    const none = { allocateLoadBalancerNodePorts: false };
    await validate(updating(service('NodePort', 2), service('LoadBalancer', 3, none), 'services'));
    expect(await used('q')).toMatchObject({ 'services.loadbalancers': '1', 'services.nodeports': '2' });
  });

  test('of statuses are counted though there is no room', async () => {
    const { validate, used } = setUp([quota('q', { 'requests.storage': '1Gi' })]);
    const claim = (allocated?: string) => ({
      metadata: { name: 'c' },
      spec: { resources: { requests: { storage: '1Gi' } } },
      status: allocated ? { allocatedResources: { storage: allocated } } : {},
    });
    await validate(updating(claim(), claim('3Gi'), 'persistentvolumeclaims', 'status'));
    expect(await used('q')).toEqual({ 'requests.storage': '2Gi' });
  });

  test('of pods matter when they come into another scope', async () => {
    const { validate, used } = setUp([quota('q', { pods: '1' }, { spec: { scopes: ['Terminating'] } })]);
    await validate(updating(pod(), pod({ priority: 1 }), 'pods'));
    await validate(updating(pod(), pod({ activeDeadlineSeconds: 1 }), 'pods'));
    expect(await used('q')).toEqual({ pods: '1' });
  });
});

describe('usage', () => {
  const NOW = new Date('2026-01-02T03:04:05Z');
  async function usage(
    resource: string,
    object: object,
    isEnabled: IsEnabled = isEnabledByDefault,
  ): Promise<Record<string, string>> {
    const { objects } = fakeWorld();
    objects.put('deviceclasses.resource.k8s.io', {
      metadata: { name: 'gpu' },
      spec: { extendedResourceName: 'example.com/gpu' },
    });
    return toResourceList(
      await evaluatorsOf({ objects, now: () => NOW, isEnabled })
        .get(resource)!
        .usage(object as never),
    );
  }

  test.each<[string, object, Record<string, string>]>([
    [
      'a pod with sidecars, overhead and devices',
      pod({
        containers: [
          { name: 'c', resources: { requests: { cpu: '1', 'example.com/gpu': '2' }, limits: { memory: '1Gi' } } },
        ],
        initContainers: [
          { name: 's', restartPolicy: 'Always', resources: { requests: { cpu: '100m', 'hugepages-2Mi': '4Mi' } } },
          { name: 'i', resources: { requests: { cpu: '2' } } },
        ],
        overhead: { cpu: '50m', memory: '1Mi' },
      }),
      {
        'count/pods': '1',
        pods: '1',
        cpu: '2150m',
        'requests.cpu': '2150m',
        memory: '1Mi',
        'requests.memory': '1Mi',
        'limits.memory': '1025Mi',
        'hugepages-2Mi': '4Mi',
        'requests.hugepages-2Mi': '4Mi',
        'requests.example.com/gpu': '2',
      },
    ],
    ['a pod that is over', { ...pod(), status: { phase: 'Succeeded' } }, { 'count/pods': '1' }],
    [
      'a pod that should be gone',
      pod({}, { deletionTimestamp: '2026-01-02T03:00:00Z', deletionGracePeriodSeconds: 30 } as never),
      { 'count/pods': '1' },
    ],
    [
      'a pod that is being resized',
      {
        ...asking({ requests: { cpu: '1' } }),
        status: {
          containerStatuses: [{ name: 'c', resources: { requests: { cpu: '2' } }, allocatedResources: { cpu: '3' } }],
        },
      },
      { 'count/pods': '1', pods: '1', cpu: '3', 'requests.cpu': '3' },
    ],
  ])('of %s', async (_, object, expected) => {
    expect(await usage('pods', object)).toEqual(expected);
  });

  test('of a claim is counted by class too', async () => {
    const claim = { metadata: {}, spec: { storageClassName: 'gold', resources: { requests: { storage: '1500m' } } } };
    expect(await usage('persistentvolumeclaims', claim)).toEqual({
      'count/persistentvolumeclaims': '1',
      persistentvolumeclaims: '1',
      'requests.storage': '2',
      'gold.storageclass.storage.k8s.io/persistentvolumeclaims': '1',
      'gold.storageclass.storage.k8s.io/requests.storage': '2',
    });
  });

  test('of devices is what may be taken at most, under both names', async () => {
    const exactly = { deviceClassName: 'gpu', allocationMode: 'ExactCount', count: 2 };
    const requests = [
      { exactly },
      {
        firstAvailable: [
          { ...exactly, count: 1 },
          { ...exactly, count: 3 },
        ],
      },
      { exactly: { deviceClassName: 'nic', allocationMode: 'All' } },
    ];
    expect(await usage('resourceclaims.resource.k8s.io', { metadata: {}, spec: { devices: { requests } } })).toEqual({
      'count/resourceclaims.resource.k8s.io': '1',
      'gpu.deviceclass.resource.k8s.io/devices': '5',
      'requests.deviceclass.resource.kubernetes.io/gpu': '5',
      'requests.example.com/gpu': '5',
      'nic.deviceclass.resource.k8s.io/devices': '32',
      'requests.deviceclass.resource.kubernetes.io/nic': '32',
    });
    const spec = { devices: { requests: [{ exactly }] } };
    const withoutNames = (gate: string) => gate !== 'DRAExtendedResource';
    expect(await usage('resourceclaims.resource.k8s.io', { metadata: {}, spec }, withoutNames)).toEqual({
      'count/resourceclaims.resource.k8s.io': '1',
      'gpu.deviceclass.resource.k8s.io/devices': '2',
    });
  });

  test('of a pod is what it states as a whole while that has a meaning', async () => {
    const whole = pod({
      resources: { requests: { cpu: '3' } },
      containers: [{ name: 'c', resources: { requests: { cpu: '1' } } }],
    });
    expect(await usage('pods', whole)).toMatchObject({ cpu: '3' });
    expect(await usage('pods', whole, (gate) => gate !== 'PodLevelResources')).toMatchObject({ cpu: '1' });
  });
});

describe('what is limited by configuration', () => {
  const limited = (item: object) => ({
    apiVersion: 'apiserver.config.k8s.io/v1',
    kind: 'ResourceQuotaConfiguration',
    limitedResources: [{ resource: 'pods', ...item }],
  });

  test('needs a quota for its resources', async () => {
    const config = limited({ matchContains: ['cpu'] });
    const a = asking({ requests: { cpu: '1' } });
    await expect(setUp([], config).validate(creating(a))).rejects.toThrow(
      'pods "p" is forbidden: insufficient quota to consume: cpu,requests.cpu',
    );
    await setUp([quota('q', { cpu: '1', 'requests.cpu': '1' })], config).validate(creating(a));
    await setUp([], config).validate(creating(pod()));
  });

  test('needs a quota for its scopes', async () => {
    const requirement = { scopeName: 'PriorityClass', operator: 'In', values: ['high'] };
    const config = limited({ matchScopes: [requirement] });
    const a = pod({ priorityClassName: 'high' });
    await expect(setUp([], config).validate(creating(a))).rejects.toMatchObject({
      code: 500,
      message: 'insufficient quota to match these scopes: [{PriorityClass In [high]}]',
    });
    const covering = quota('q', { pods: '1' }, { spec: { scopeSelector: { matchExpressions: [requirement] } } });
    await setUp([covering], config).validate(creating(a));
  });

  test('names a resource', () => {
    expect(() => quotaConfig(limited({ resource: '' }))).toThrow('limitedResources[0].resource: Required value');
  });
});
