import type { Pod } from '@keelson/api/generated/types/core/v1';
import { describe, expect, it } from 'vitest';
import { container, podOf } from '../testing/pods.ts';
import { hugePageLimits } from './huge-pages.ts';
import { containerResources, quotaOf, sharesOf } from './linux.ts';
import { oomScoreAdj } from './oom.ts';

const GI = 2 ** 30;
const guaranteed = container('a', {
  resources: { limits: { cpu: '1', memory: '1Gi' }, requests: { cpu: '1', memory: '1Gi' } },
});
const burstable = container('a', { resources: { requests: { memory: '1Gi' } } });
const idle = container('a');

describe('sharesOf', () => {
  it.each([
    [0, 2],
    [1, 2],
    [100, 102],
    [1000, 1024],
    [300_000, 262_144],
  ])('%d', (milli, shares) => expect(sharesOf(milli)).toBe(shares));
});

describe('quotaOf', () => {
  it.each([
    [0, 0],
    [5, 1000],
    [100, 10_000],
    [2500, 250_000],
  ])('%d', (milli, quota) => expect(quotaOf(milli)).toBe(quota));
});

describe('oomScoreAdj', () => {
  it.each([
    ['guaranteed', guaranteed, -997],
    ['best effort', idle, 1000],
    ['a tenth of the memory', burstable, 900],
    ['all of it', container('a', { resources: { requests: { memory: '10Gi' } } }), 3],
    ['hardly any', container('a', { resources: { requests: { memory: '1' } } }), 999],
  ])('%s', (_, spec, score) => expect(oomScoreAdj(podOf({ containers: [spec] }), spec, 10 * GI)).toBe(score));

  it('of critical pods', () => {
    expect(oomScoreAdj(podOf({ containers: [idle], priority: 2_000_001_000 }), idle, GI)).toBe(-997);
  });
});

describe('hugePageLimits', () => {
  it('are those of the container, or of its pod, or none', () => {
    const spec = container('a', { resources: { limits: { 'hugepages-2Mi': '4Mi', memory: '1Gi' } } });
    const resources = { limits: { 'hugepages-1Gi': '1Gi', 'hugepages-2Mi': '8Mi' } };
    const sizes = ['2MB', '1GB', '64KB'];
    const limitsOf = (pod: Pod) => hugePageLimits(pod, spec, sizes).map(({ pageSize, limit }) => [pageSize, limit]);
    expect(limitsOf(podOf({ containers: [spec] }))).toEqual([
      ['2MB', 2 ** 22],
      ['1GB', 0],
      ['64KB', 0],
    ]);
    expect(limitsOf(podOf({ containers: [spec], resources }))).toEqual([
      ['2MB', 2 ** 22],
      ['1GB', 2 ** 30],
      ['64KB', 0],
    ]);
  });
});

describe('containerResources', () => {
  it('takes a limit for a request', () => {
    const spec = container('a', { resources: { limits: { cpu: '500m', memory: '64Mi' } } });
    expect(containerResources(podOf({ containers: [spec] }), spec, GI)).toMatchObject({
      cpuShares: 512,
      cpuQuota: 50_000,
      cpuPeriod: 100_000,
      memoryLimit: 67_108_864,
    });
  });
});
