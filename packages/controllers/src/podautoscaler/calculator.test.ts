import type { Pod } from '@keelson/api/generated/types/core/v1';
import { describe, expect, it, test } from 'vitest';
import { averageValue, byPods, byShare, byTotal, requestsOf, utilization } from './calculator.ts';
import type { PodMetric } from './metrics.ts';

const NOW = Date.parse('2026-01-01T01:00:00Z');
const at = (seconds: number) => new Date(NOW + seconds * 1000).toISOString().replace('.000', '');
const tolerances = { down: 0.1, up: 0.1 };
const timing = { cpuInitializationMs: 300_000, initialReadinessDelayMs: 30_000 };
interface Given {
  phase?: string;
  ready?: boolean;
  since?: number;
  started?: number;
  leaving?: boolean;
}
const pod = (
  name: string,
  { phase = 'Running', ready = true, since = -3000, started = -3000, leaving }: Given = {},
): Pod => ({
  metadata: { name, ...(leaving ? { deletionTimestamp: at(0) } : {}) },
  spec: { containers: [{ name: 'c', resources: { requests: { cpu: '1' } } }] },
  status: {
    phase,
    startTime: at(started),
    conditions: [{ type: 'Ready', status: ready ? 'True' : 'False', lastTransitionTime: at(since) }],
  },
});
const used = (...values: number[]) =>
  new Map(values.map((value, i): [string, PodMetric] => [`p${i}`, { value, at: NOW, windowMs: 60_000 }]));
const pods = (...given: Given[]) => given.map((each, i) => pod(`p${i}`, each));
const half = (of: Pod[]) => utilization('cpu', requestsOf(of, '', 'cpu'), 50);

describe('by what pods take of what they ask for, half of it wanted', () => {
  it.each<[string, current: number, Given[], used: number[], replicas: number, percent: number]>([
    ['just right', 2, [{}, {}], [500, 500], 2, 50],
    ['within the tolerance', 2, [{}, {}], [540, 540], 2, 54],
    ['twice as much', 2, [{}, {}], [1000, 1000], 4, 100],
    ['half as much', 4, [{}, {}, {}, {}], [250, 250, 250, 250], 2, 25],
    ['rounded up', 3, [{}, {}, {}], [600, 600, 600], 4, 60],
    ['pods that start do not count up', 2, [{}, { started: -60, ready: false, since: -60 }], [1000, 1000], 2, 100],
    ['measured before they were ready', 2, [{}, { started: -60, since: -10 }], [1000, 1000], 2, 100],
    ['never ready since they started', 2, [{}, { started: -900, ready: false, since: -890 }], [800, 100], 2, 80],
    ['pending ones count as idle, going up', 2, [{}, { phase: 'Pending' }], [1500], 3, 150],
    ['missing ones count as busy, going down', 2, [{}, {}], [100], 2, 10],
    [
      'leaving and failed ones do not count',
      1,
      [{}, { leaving: true }, { phase: 'Failed' }],
      [1000, 9000, 9000],
      2,
      100,
    ],
  ])('%s', (_, current, given, values, replicas, percent) => {
    const all = pods(...given);
    const proposal = byPods(current, all, used(...values), half(all), tolerances, timing, NOW);
    expect([proposal.replicas, proposal.utilization]).toEqual([replicas, percent]);
  });

  it('there has to be something to go by', () => {
    const propose = (of: Pod[], values: number[]) => () =>
      byPods(1, of, used(...values), half(of), tolerances, timing, NOW);
    expect(propose([], [1])).toThrow('no pods returned by selector while calculating replica count');
    expect(propose(pods({ phase: 'Pending' }), [1])).toThrow(
      'did not receive metrics for targeted pods (pods might be unready)',
    );
    const silent = { ...pod('p0'), spec: { containers: [{ name: 'c', resources: {} }] } };
    expect(() => requestsOf([silent], '', 'cpu')).toThrow('missing request for cpu in container c of Pod p0');
    expect(() => requestsOf([pod('p0')], 'd', 'cpu')).toThrow('container d not found in Pod p0');
  });
});

test.each([
  ['an amount for each pod', [600, 600], 3, 600],
  ['within the tolerance', [410, 410], 2, 410],
])('%s', (_, values, replicas, usage) => {
  const of = pods({}, {});
  expect(byPods(2, of, used(...values), averageValue('', 400), tolerances, timing, NOW)).toEqual({ replicas, usage });
});

test.each([
  [2, 3000, 1000, 6],
  [2, 1050, 1000, 2],
  [0, 2500, 1000, 3],
])('%i replicas at %i of %i for all: %i', (current, usage, target, replicas) => {
  expect(byTotal(current, usage, target, pods({}, {}), tolerances).replicas).toBe(replicas);
});

test.each([
  [0, 5000, 1000, 5, 0],
  [2, 5000, 1000, 5, 2500],
  [2, 2100, 1000, 2, 1050],
])('%i replicas, %i among them, %i for each: %i', (current, total, target, replicas, usage) => {
  expect(byShare(current, total, target, tolerances)).toEqual({ replicas, usage });
});
