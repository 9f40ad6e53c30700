import type { LimitRangeItem, Pod } from '@keelson/api/generated/types/core/v1';
import { describe, expect, test } from 'vitest';
import { limitRanger } from './limitranger.ts';
import { type FakeAttributes, fakeWorld, type Given, pod, request } from './testing.ts';

type Limits = Given<LimitRangeItem>[];

function setUp(...ranges: Limits[]) {
  const world = fakeWorld();
  ranges.forEach((limits, i) => {
    world.objects.put('limitranges', { metadata: { name: `r${i}`, namespace: 'ns' }, spec: { limits } });
  });
  const plugin = limitRanger(world);
  return {
    plugin,
    async admit(a: FakeAttributes): Promise<FakeAttributes> {
      await plugin.mutate!(a);
      await plugin.validate!(a);
      return a;
    },
  };
}

function containers(...resources: object[]): Given<Pod['spec']> {
  return { containers: resources.map((r, i) => ({ name: `c${i}`, resources: r })) };
}

const CONTAINER = 'Container';

describe('defaults', () => {
  const DEFAULTS: Limits = [
    { type: CONTAINER, default: { memory: '2Gi', cpu: '1' }, defaultRequest: { memory: '1Gi', cpu: '500m' } },
  ];

  test('are set where a container says nothing, and told of', async () => {
    const given = pod({
      ...containers({}, { requests: { cpu: '100m' }, limits: { cpu: '1', memory: '1Gi' } }),
      initContainers: [{ name: 'i', resources: { requests: { cpu: '1', memory: '1' } } }],
    });
    const { object } = await setUp(DEFAULTS).admit(request('CREATE', 'pods', given));
    const { spec, metadata } = object as unknown as Pod;
    expect(spec.containers!.map((c) => c.resources)).toEqual([
      { limits: { cpu: '1', memory: '2Gi' }, requests: { cpu: '500m', memory: '1Gi' } },
      { limits: { cpu: '1', memory: '1Gi' }, requests: { cpu: '100m', memory: '1Gi' } },
    ]);
    expect(metadata.annotations).toEqual({
      'kubernetes.io/limit-ranger':
        'LimitRanger plugin set: cpu, memory request for container c0; cpu, memory limit for container c0; memory request for container c1; cpu, memory limit for init container i',
    });
  });

  test('leave a pod alone that needs none', async () => {
    const given = pod(containers({ requests: { cpu: '1' } }));
    await setUp([{ type: CONTAINER, defaultRequest: { cpu: '2' } }]).admit(request('CREATE', 'pods', given));
    expect(given.metadata.annotations).toBeUndefined();
    expect(given.spec.containers![0]!.resources).toEqual({ requests: { cpu: '1' } });
  });
});

describe('bounds', () => {
  test.each<[string, Limits, object, string | undefined]>([
    [
      'min without request',
      [{ type: CONTAINER, min: { cpu: '100m' } }],
      {},
      'minimum cpu usage per Container is 100m.  No request is specified',
    ],
    [
      'min of requests',
      [{ type: CONTAINER, min: { cpu: '100m' } }],
      { requests: { cpu: '50m' } },
      'minimum cpu usage per Container is 100m, but request is 50m',
    ],
    [
      'min of limits',
      [{ type: CONTAINER, min: { cpu: '100m' } }],
      { requests: { cpu: '100m' }, limits: { cpu: '50m' } },
      'minimum cpu usage per Container is 100m, but limit is 50m',
    ],
    ['min met', [{ type: CONTAINER, min: { cpu: '100m' } }], { requests: { cpu: '0.1' } }, undefined],
    [
      'max without limit',
      [{ type: CONTAINER, max: { cpu: '1' } }],
      { requests: { cpu: '1' } },
      'maximum cpu usage per Container is 1.  No limit is specified',
    ],
    [
      'max of limits',
      [{ type: CONTAINER, max: { cpu: '1' } }],
      { limits: { cpu: '1100m' } },
      'maximum cpu usage per Container is 1, but limit is 1100m',
    ],
    [
      'max of requests',
      [{ type: CONTAINER, max: { cpu: '1' } }],
      { requests: { cpu: '2' }, limits: { cpu: '1' } },
      'maximum cpu usage per Container is 1, but request is 2',
    ],
    [
      'ratio',
      [{ type: CONTAINER, maxLimitRequestRatio: { memory: '2' } }],
      { requests: { memory: '1Gi' }, limits: { memory: '3Gi' } },
      'memory max limit to request ratio per Container is 2, but provided ratio is 3.000000',
    ],
    [
      'ratio met',
      [{ type: CONTAINER, maxLimitRequestRatio: { cpu: '1.5' } }],
      { requests: { cpu: '2' }, limits: { cpu: '3' } },
      undefined,
    ],
    [
      'ratio without request',
      [{ type: CONTAINER, maxLimitRequestRatio: { cpu: '2' } }],
      { limits: { cpu: '1' } },
      'cpu max limit to request ratio per Container is 2, but no request is specified or request is 0',
    ],
    [
      'ratio without limit',
      [{ type: CONTAINER, maxLimitRequestRatio: { cpu: '2' } }],
      { requests: { cpu: '1' } },
      'cpu max limit to request ratio per Container is 2, but no limit is specified or limit is 0',
    ],
    [
      'several',
      [{ type: CONTAINER, min: { cpu: '1' }, max: { cpu: '2' } }],
      {},
      '[minimum cpu usage per Container is 1.  No request is specified, maximum cpu usage per Container is 2.  No limit is specified]',
    ],
  ])('%s', async (_, limits, resources, problem) => {
    const { plugin } = setUp(limits);
    const validating = Promise.resolve(plugin.validate!(request('CREATE', 'pods', pod(containers(resources)))));
    if (problem) await expect(validating).rejects.toThrow(`pods "p" is forbidden: ${problem}`);
    else await validating;
  });

  test('of pods hold for all containers together', async () => {
    const { plugin } = setUp([{ type: 'Pod', max: { cpu: '2' } }]);
    const two = pod(containers({ limits: { cpu: '1' } }, { limits: { cpu: '1500m' } }));
    await expect(plugin.validate!(request('CREATE', 'pods', two))).rejects.toThrow(
      'maximum cpu usage per Pod is 2, but limit is 2500m',
    );
    const whole = pod({ ...two.spec, resources: { limits: { cpu: '2' } } } as Given<Pod['spec']>);
    await plugin.validate!(request('CREATE', 'pods', whole));
  });

  test('of claims', async () => {
    const { plugin } = setUp([{ type: 'PersistentVolumeClaim', min: { storage: '1Gi' }, max: { storage: '2Gi' } }]);
    const claim = (storage: string) => ({ metadata: { name: 'c' }, spec: { resources: { requests: { storage } } } });
    const validate = (storage: string) =>
      Promise.resolve(plugin.validate!(request('CREATE', 'persistentvolumeclaims', claim(storage))));
    await validate('1Gi');
    await expect(validate('3Gi')).rejects.toThrow(
      'persistentvolumeclaims "c" is forbidden: maximum storage usage per PersistentVolumeClaim is 2Gi, but request is 3Gi',
    );
    await expect(validate('1Mi')).rejects.toThrow(
      'minimum storage usage per PersistentVolumeClaim is 1Gi, but request is 1Mi',
    );
  });

  test('are not looked at when a pod changes, unless its resources do', () => {
    const { plugin } = setUp();
    expect(plugin.handles('UPDATE', 'pods', '')).toBe(false);
    expect(plugin.handles('UPDATE', 'pods', 'resize')).toBe(true);
    expect(plugin.handles('UPDATE', 'pods', 'status')).toBe(false);
    expect(plugin.handles('UPDATE', 'persistentvolumeclaims', '')).toBe(true);
  });
});
