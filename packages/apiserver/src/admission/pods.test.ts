import type { Pod, Toleration } from '@keelson/api/generated/types/core/v1';
import { describe, expect, test } from 'vitest';
import { denyServiceExternalIPs, limitPodHardAntiAffinityTopology } from './denials.ts';
import { alwaysPullImages } from './images.ts';
import { nodeDeclaredFeatureValidator, podResizeValidator, podTopologyLabels } from './nodefit.ts';
import type { AdmissionAttributes, AdmissionPlugin } from './plugin.ts';
import { nodeSelectors, podNodeSelector } from './podnodeselector.ts';
import { podTolerationRestriction, tolerationConfig } from './podtolerationrestriction.ts';
import { runtimeClass } from './runtimeclass.ts';
import { active, fakeWorld, type Given, pod, request } from './testing.ts';
import { extendedResourceToleration } from './tolerations.ts';
import { covers, mergeTolerations } from './tolerationsets.ts';

async function admit(plugin: AdmissionPlugin, a: AdmissionAttributes): Promise<Pod> {
  await plugin.mutate?.(a);
  await plugin.validate?.(a);
  return a.object as unknown as Pod;
}

function creating(spec: Given<Pod['spec']> = {}, metadata: Pod['metadata'] = {}): AdmissionAttributes {
  return request('CREATE', 'pods', pod(spec, metadata));
}

function updating(from: object, to: object, more: Partial<AdmissionAttributes> = {}): AdmissionAttributes {
  return request('UPDATE', 'pods', to, { oldObject: from as AdmissionAttributes['oldObject'], ...more });
}

describe('AlwaysPullImages', () => {
  test('pulls images of containers and volumes', async () => {
    const { spec } = await admit(
      alwaysPullImages(),
      creating({
        initContainers: [{ name: 'i', imagePullPolicy: 'Never' }],
        ephemeralContainers: [{ name: 'e' }],
        volumes: [{ name: 'v', image: { reference: 'r' } }, { name: 'w' }],
      }),
    );
    expect(
      [...spec.initContainers!, ...spec.containers!, ...spec.ephemeralContainers!].map((c) => c.imagePullPolicy),
    ).toEqual(['Always', 'Always', 'Always']);
    expect(spec.volumes![0]!.image!.pullPolicy).toBe('Always');
  });

  test('leaves pods alone that run what they ran', async () => {
    expect(
      (await admit(alwaysPullImages(), updating(pod(), pod()))).spec.containers![0]!.imagePullPolicy,
    ).toBeUndefined();
    const other = pod({ containers: [{ name: 'c', image: 'j' }] });
    expect((await admit(alwaysPullImages(), updating(pod(), other))).spec.containers![0]!.imagePullPolicy).toBe(
      'Always',
    );
  });

  test('sees what was changed after it', () => {
    const one = creating({ containers: [{ name: 'c', image: 'i', imagePullPolicy: 'Never' }] });
    expect(() => alwaysPullImages().validate!(one)).toThrow(
      'pods "p" is forbidden: spec.containers[0].imagePullPolicy: Unsupported value: "Never": supported values: "Always"',
    );
  });
});

test('services get no external IPs that they do not have', () => {
  const service = (...externalIPs: string[]) => ({ metadata: { name: 's' }, spec: { externalIPs } });
  const { validate } = denyServiceExternalIPs();
  const problem = 'services "s" is forbidden: Use of external IPs is denied by admission control';
  validate!(request('CREATE', 'services', service()));
  expect(() => validate!(request('CREATE', 'services', service('1.2.3.4')))).toThrow(problem);
  const update = (from: object, to: object) => request('UPDATE', 'services', to, { oldObject: from as never });
  validate!(update(service('1.2.3.4', '5.6.7.8'), service('5.6.7.8')));
  expect(() => validate!(update(service('1.2.3.4'), service('5.6.7.8')))).toThrow(problem);
});

test('anti-affinity keeps others off a node at most', () => {
  const apart = (topologyKey: string) => ({
    affinity: { podAntiAffinity: { requiredDuringSchedulingIgnoredDuringExecution: [{ topologyKey }] } },
  });
  const { validate } = limitPodHardAntiAffinityTopology();
  validate!(creating(apart('kubernetes.io/hostname')));
  expect(() => validate!(creating(apart('zone')))).toThrow(
    'pods "p" is forbidden: affinity.PodAntiAffinity.RequiredDuringScheduling has TopologyKey zone but only key kubernetes.io/hostname is allowed',
  );
});

test('ExtendedResourceToleration tolerates the taints of nodes with devices', async () => {
  const devices = { requests: { 'example.com/b': '1', 'example.com/a': '1', cpu: '1', 'requests.example.com/c': '1' } };
  const { spec } = await admit(
    extendedResourceToleration(),
    creating({
      containers: [{ name: 'c', resources: devices }],
      tolerations: [{ key: 'example.com/b', operator: 'Exists', effect: 'NoSchedule' }],
    }),
  );
  const tolerated = (key: string) => ({ key, operator: 'Exists', effect: 'NoSchedule' });
  expect(spec.tolerations).toEqual([tolerated('example.com/b'), tolerated('example.com/a')]);
});

describe('tolerations', () => {
  const all: Toleration = { operator: 'Exists' };
  const key: Toleration = { key: 'k', operator: 'Exists' };
  const equal: Toleration = { key: 'k', operator: 'Equal', value: 'v', effect: 'NoSchedule' };
  const short: Toleration = { key: 'k', operator: 'Exists', effect: 'NoExecute', tolerationSeconds: 10 };
  const long: Toleration = { ...short, tolerationSeconds: 20 };
  const forever: Toleration = { key: 'k', operator: 'Exists', effect: 'NoExecute' };

  test.each([
    [all, key, true],
    [key, all, false],
    [key, equal, true],
    [equal, key, false],
    [{ ...equal, operator: '' }, equal, true],
    [equal, { ...equal, value: 'w' }, false],
    [long, short, true],
    [short, long, false],
    [short, forever, false],
    [forever, short, true],
    [forever, key, false],
    [key, { ...key, key: 'l' }, false],
    [{ key: 'k', operator: 'Lt' }, equal, false],
  ])('%j covers %j: %s', (wide, narrow, expected) => {
    expect(covers(wide as Toleration, narrow as Toleration)).toBe(expected);
  });

  test('are merged without those that others cover, the first of equals staying', () => {
    expect(mergeTolerations([short, equal], [long, equal])).toEqual([equal, long]);
    expect(mergeTolerations([equal], [key])).toEqual([key]);
    expect(mergeTolerations([key], [equal])).toEqual([key]);
  });
});

describe('PodTolerationRestriction', () => {
  const kind = { apiVersion: 'podtolerationrestriction.admission.k8s.io/v1alpha1', kind: 'Configuration' };
  const DEFAULTS = 'scheduler.alpha.kubernetes.io/defaultTolerations';
  const ALLOWED = 'scheduler.alpha.kubernetes.io/tolerationsWhitelist';
  const tolerated = (k: string) => ({ key: k, operator: 'Exists' });

  function plugin(annotations: Record<string, string> = {}, config?: object): AdmissionPlugin {
    const world = fakeWorld();
    world.objects.put('namespaces', active('ns', { annotations }));
    return podTolerationRestriction(world, tolerationConfig(config && { ...kind, ...config }));
  }

  test("adds the namespace's tolerations, or else the cluster's", async () => {
    const config = { default: [tolerated('cluster')] };
    const own = plugin({ [DEFAULTS]: JSON.stringify([tolerated('own')]) }, config);
    expect((await admit(own, creating())).spec.tolerations).toEqual([tolerated('own')]);
    expect((await admit(plugin({}, config), creating())).spec.tolerations).toEqual([tolerated('cluster')]);
    expect((await admit(plugin({ [DEFAULTS]: '' }, config), creating())).spec.tolerations).toBeUndefined();
  });

  test('lets pods with requests stay on nodes that are short of memory', async () => {
    const spec = { containers: [{ name: 'c', resources: { requests: { cpu: '1' } } }] };
    const memory = { key: 'node.kubernetes.io/memory-pressure', operator: 'Exists', effect: 'NoSchedule' };
    expect((await admit(plugin(), creating(spec))).spec.tolerations).toEqual([memory]);
  });

  test('refuses what is not allowed', async () => {
    const problem = 'pod tolerations (possibly merged with namespace default tolerations) conflict with its';
    const spec = { tolerations: [tolerated('x')] };
    const own = plugin({ [ALLOWED]: JSON.stringify([tolerated('y')]) });
    await expect(admit(own, creating(spec))).rejects.toMatchObject({
      code: 500,
      message: `${problem} namespace whitelist`,
    });
    const cluster = plugin({}, { whitelist: [tolerated('y')] });
    await expect(admit(cluster, creating(spec))).rejects.toThrow(`${problem} cluster whitelist`);
    await admit(plugin({ [ALLOWED]: '' }, { whitelist: [tolerated('y')] }), creating(spec));
  });

  test('wants a configuration that makes sense', () => {
    expect(() => plugin({}, { default: [{ key: 'k', operator: 'Almost' }] })).toThrow(
      'invalid config: [podtolerationrestriction.default[0].operator: Unsupported value: "Almost"',
    );
  });
});

describe('PodNodeSelector', () => {
  const ANNOTATION = 'scheduler.alpha.kubernetes.io/node-selector';

  function plugin(annotation: string | undefined, config: Record<string, string> = {}): AdmissionPlugin {
    const world = fakeWorld();
    world.objects.put(
      'namespaces',
      active('ns', annotation === undefined ? {} : { annotations: { [ANNOTATION]: annotation } }),
    );
    return podNodeSelector(world, nodeSelectors({ podNodeSelectorPluginConfig: config }));
  }

  test.each([
    ['zone=a, env = prod', {}, {}, { zone: 'a', env: 'prod' }],
    [undefined, { clusterDefaultNodeSelector: 'zone=b' }, { disk: 'ssd' }, { zone: 'b', disk: 'ssd' }],
    ['', { clusterDefaultNodeSelector: 'zone=b' }, { disk: 'ssd' }, { disk: 'ssd' }],
    ['zone=a', { ns: 'zone=a' }, { zone: 'a' }, { zone: 'a' }],
  ])('%s with %j adds to %j', async (annotation, config, nodeSelector, expected) => {
    const { spec } = await admit(plugin(annotation, config as Record<string, string>), creating({ nodeSelector }));
    expect(spec.nodeSelector).toEqual(expected);
  });

  test.each([
    [
      'zone=a',
      {},
      { zone: 'b' },
      'pods "p" is forbidden: pod node label selector conflicts with its namespace node label selector',
    ],
    [
      'zone=a',
      { ns: 'zone=b' },
      {},
      'pods "p" is forbidden: pod node label selector labels conflict with its namespace whitelist',
    ],
    ['zone=a=b', {}, {}, 'invalid selector: [zone a b]'],
    ['zone', {}, {}, 'invalid selector: [zone]'],
  ])('%s with %j refuses %j', async (annotation, config, nodeSelector, problem) => {
    await expect(admit(plugin(annotation, config), creating({ nodeSelector }))).rejects.toThrow(problem);
  });
});

describe('RuntimeClass', () => {
  const world = fakeWorld();
  world.objects.put('runtimeclasses.node.k8s.io', {
    metadata: { name: 'vm' },
    overhead: { podFixed: { cpu: '100m', memory: '1Gi' } },
    scheduling: { nodeSelector: { vm: 'yes' }, tolerations: [{ key: 'vm', operator: 'Exists' }] },
  });
  const plugin = runtimeClass(world);
  const vm = { runtimeClassName: 'vm' };

  test('adds the cost of the runtime, and where it is', async () => {
    const { spec } = await admit(
      plugin,
      creating({ ...vm, nodeSelector: { zone: 'a' }, overhead: { memory: '1024Mi', cpu: '0.1' } }),
    );
    expect(spec).toMatchObject({
      overhead: { cpu: '100m', memory: '1Gi' },
      nodeSelector: { zone: 'a', vm: 'yes' },
      tolerations: [{ key: 'vm', operator: 'Exists' }],
    });
  });

  test.each([
    [{ runtimeClassName: 'x' }, 'pod rejected: RuntimeClass "x" not found'],
    [{ ...vm, overhead: { cpu: '1' } }, "pod rejected: Pod's Overhead doesn't match RuntimeClass's defined Overhead"],
    [{ overhead: { cpu: '1' } }, 'pod rejected: Pod Overhead set without corresponding RuntimeClass defined Overhead'],
    [
      { ...vm, nodeSelector: { vm: 'no' } },
      'conflict: runtimeClass.scheduling.nodeSelector[vm] = yes; pod.spec.nodeSelector[vm] = no',
    ],
  ])('refuses %j', async (spec, problem) => {
    await expect(admit(plugin, creating(spec))).rejects.toThrow(`pods "p" is forbidden: ${problem}`);
  });
});

describe('a node', () => {
  const world = fakeWorld();
  const labels = { 'topology.kubernetes.io/zone': 'z', 'topology.kubernetes.io/region': 'r', other: 'x' };
  world.objects.put('nodes', { metadata: { name: 'n', labels }, status: { allocatable: { cpu: '2', memory: '1Gi' } } });
  world.objects.put('nodes', { metadata: { name: 'w', labels: { 'kubernetes.io/os': 'windows' } } });
  const placed = { 'topology.kubernetes.io/region': 'r', 'topology.kubernetes.io/zone': 'z' };

  test('gives pods its place', async () => {
    const plugin = podTopologyLabels(world);
    const { metadata } = await admit(
      plugin,
      creating({ nodeName: 'n' }, { labels: { app: 'a', 'topology.kubernetes.io/zone': 'y' } }),
    );
    expect(metadata.labels).toEqual({ app: 'a', ...placed });
    const binding = request(
      'CREATE',
      'pods',
      { metadata: { name: 'p' }, target: { kind: 'Node', name: 'n' } },
      { subresource: 'binding' },
    );
    expect((await admit(plugin, binding)).metadata.labels).toEqual(placed);
    expect((await admit(plugin, creating({ nodeName: 'unknown' }))).metadata.labels).toBeUndefined();
    const off = podTopologyLabels({ ...world, isEnabled: () => false });
    expect([plugin, off].map((each) => each.handles('CREATE', 'pods', 'binding'))).toEqual([true, false]);
  });

  function resizing(cpu: string, nodeName: string, generation = 2): AdmissionAttributes {
    const resources = { requests: { cpu, memory: '512Mi' } };
    const spec = { nodeName, containers: [{ name: 'c', resources }] };
    return updating(pod(spec, { generation: 1 }), pod(spec, { generation }), { subresource: 'resize' });
  }

  test('lets pods grow as far as it is large', async () => {
    const plugin = podResizeValidator(world);
    await admit(plugin, resizing('2', 'n'));
    await admit(plugin, resizing('3', 'n', 1));
    await expect(admit(plugin, resizing('2500m', 'n'))).rejects.toMatchObject({
      code: 403,
      message:
        'pods "p" is forbidden: node didn\'t have enough allocatable resources: cpu, requested: 2500, allocatable: 2000',
      details: { causes: [{ reason: 'NodeCapacity' }] },
    });
    await expect(admit(plugin, resizing('1', 'w'))).rejects.toThrow(
      'pod resize is only supported on linux nodes, node "w" is "windows"',
    );
    await expect(admit(plugin, resizing('1', 'x'))).rejects.toThrow('pods "p" is forbidden: node "x" not found');
  });

  test('is asked for what it knows', async () => {
    const plugin = nodeDeclaredFeatureValidator(world);
    const from = pod({ nodeName: 'n' }, { generation: 1 });
    const to = pod({ nodeName: 'n', resources: { requests: { cpu: '1' } } }, { generation: 2 });
    const problem =
      'pod update requires features InPlacePodLevelResourcesVerticalScaling which are not available on node "n"';
    await expect(admit(plugin, updating(from, to, { subresource: 'resize' }))).rejects.toThrow(problem);
    await admit(plugin, updating(from, pod({ nodeName: 'n', priority: 1 }, { generation: 2 })));
  });
});
