import type { Container } from '@keelson/api/generated/types/core/v1';
import { Quantity } from '@keelson/api/quantity';
import { describe, expect, it } from 'vitest';
import { pageSize } from '../resources/huge-pages.ts';
import { container, podOf } from '../testing/pods.ts';
import { limitsOf, limitsOfClass, limitsOfPod } from './limits.ts';
import { cgroupPath, parseCgroupName, podCgroup, podUidOf } from './names.ts';

const of = (name: string, requests: Record<string, string>, limits: Record<string, string> = {}) =>
  container(name, { resources: { requests, limits } });
const both = (amounts: Record<string, string>) => of('a', amounts, amounts);
const MI = 2 ** 20;
const DEFAULTS = { cpuQuota: true, processes: -1 };
const period = { cpuPeriod: 100_000 };

describe('limitsOfPod', () => {
  it.each([
    ['best effort', [container('a')], {}, { cpuShares: 2 }],
    [
      'guaranteed',
      [both({ cpu: '500m', memory: '64Mi' })],
      {},
      { cpuShares: 512, cpuQuota: 50_000, memory: 64 * MI, ...period },
    ],
    ['burstable, without limits', [of('a', { cpu: '100m' })], {}, { cpuShares: 102 }],
    [
      'burstable, with a limit of memory for each',
      [of('a', {}, { memory: '1Mi' }), of('b', { cpu: '1' }, { memory: '2Mi' })],
      {},
      { cpuShares: 1024, memory: 3 * MI },
    ],
    [
      'burstable, with a limit of CPU for one alone',
      [of('a', {}, { cpu: '1', memory: '1Mi' }), of('b', {}, { memory: '2Mi' })],
      {},
      { cpuShares: 2, memory: 3 * MI },
    ],
    [
      'limits of the pod as a whole',
      [container('a'), container('b')],
      { resources: { requests: { cpu: '1' }, limits: { cpu: '2', memory: '4Mi' } } },
      { cpuShares: 1024, cpuQuota: 200_000, memory: 4 * MI, ...period },
    ],
    [
      'overhead counts',
      [both({ cpu: '1', memory: '1Mi' })],
      { overhead: { cpu: '500m', memory: '1Mi' } },
      { cpuShares: 1536, cpuQuota: 150_000, memory: 2 * MI, ...period },
    ],
  ])('%s', (_, containers: Container[], spec, want) => {
    const { hugePages, ...found } = limitsOfPod(podOf({ containers, ...spec }), DEFAULTS);
    expect(found).toEqual(want);
    expect([...hugePages!]).toEqual([]);
  });

  it('lets pods have all CPU where limits of it do not count', () => {
    const pod = podOf({ containers: [both({ cpu: '1', memory: '1Mi' })] });
    expect(limitsOfPod(pod, { ...DEFAULTS, cpuQuota: false })).toMatchObject({ cpuQuota: -1, cpuPeriod: 100_000 });
  });

  it('counts processes and huge pages', () => {
    const pod = podOf({ containers: [both({ cpu: '1', memory: '1Mi', 'hugepages-2Mi': '4Mi' })] });
    const found = limitsOfPod(pod, { ...DEFAULTS, processes: 100 });
    expect(found.processes).toBe(100);
    expect([...found.hugePages!]).toEqual([['2MB', 4n * 2n ** 20n]]);
  });
});

describe('limitsOf', () => {
  const amounts = new Map(
    Object.entries({ cpu: '1500m', memory: '1Gi', pid: '1000', 'hugepages-1Gi': '2Gi' }).map(
      ([name, text]) => [name, Quantity.parse(text)] as const,
    ),
  );

  it('is all of them, or what can be had later', () => {
    const { hugePages, ...found } = limitsOf(amounts);
    expect(found).toEqual({ cpuShares: 1536, memory: 2 ** 30, processes: 1000 });
    expect([...hugePages!]).toEqual([['1GB', 2n ** 31n]]);
    expect(limitsOf(amounts, true)).toEqual({ cpuShares: 1536 });
  });

  it('lets classes have all huge pages', () =>
    expect([...limitsOfClass(0, ['2MB']).hugePages!]).toEqual([['2MB', 4_611_686_018_427_387_904n]]));
});

it.each([
  [4096n, '4KB'],
  [2n ** 21n, '2MB'],
  [2n ** 30n, '1GB'],
])('a page of %d is of %s', (bytes, name) => expect(pageSize(bytes)).toBe(name));

describe('names', () => {
  const root = parseCgroupName('/a-b/');
  it.each([
    ['cgroupfs', 'BestEffort', '/a-b/kubepods/besteffort/pod1-2'],
    ['cgroupfs', 'Guaranteed', '/a-b/kubepods/pod1-2'],
    [
      'systemd',
      'Burstable',
      '/a_b.slice/a_b-kubepods.slice/a_b-kubepods-burstable.slice/a_b-kubepods-burstable-pod1_2.slice',
    ],
  ] as const)('%s, %s', (driver, qos, path) => expect(cgroupPath(podCgroup(root, qos, '1-2'), driver)).toBe(path));

  it.each([
    ['pod1-2', '1-2'],
    ['pod', undefined],
    ['burstable', undefined],
  ])('%s is of pod %s', (piece, uid) => expect(podUidOf(piece)).toBe(uid));
});
