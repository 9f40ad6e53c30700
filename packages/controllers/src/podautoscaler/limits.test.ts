import type { HorizontalPodAutoscaler, HPAScalingRules } from '@keelson/api/generated/types/autoscaling/v2';
import { describe, expect, it } from 'vitest';
import { limit, type Memory, type Remembered, scaled } from './limits.ts';

const NOW = 1_000_000_000;
const WINDOW = 300_000;
const ago = (seconds: number, replicas: number): Remembered => ({ replicas, at: NOW - seconds * 1000 });
const memory = (given: Partial<Memory> = {}): Memory => ({ recommendations: [], ups: [], downs: [], ...given });
const autoscaler = (up?: HPAScalingRules, down?: HPAScalingRules): HorizontalPodAutoscaler => ({
  metadata: { name: 'a' },
  spec: {
    scaleTargetRef: { kind: 'Deployment', name: 'd' },
    maxReplicas: 100,
    ...(up || down
      ? { behavior: { scaleUp: up ?? rules('Pods', 100), scaleDown: down ?? rules('Percent', 100) } }
      : {}),
  },
  status: { desiredReplicas: 0, currentMetrics: null },
});
const rules = (type: string, value: number, more: Partial<HPAScalingRules> = {}): HPAScalingRules => ({
  selectPolicy: 'Max',
  stabilizationWindowSeconds: 0,
  policies: [{ type, value, periodSeconds: 60 }],
  ...more,
});
const wanted = (current: number, desired: number, min = 1, max = 100) => ({ current, desired, min, max });

describe('without a behavior', () => {
  it.each([
    ['in range', wanted(4, 6), memory(), 6, 'ReadyForNewScale', 'DesiredWithinRange'],
    ['at most twice as many', wanted(4, 20), memory(), 8, 'ReadyForNewScale', 'ScaleUpLimit'],
    ['or four', wanted(1, 20), memory(), 4, 'ReadyForNewScale', 'ScaleUpLimit'],
    ['the maximum', wanted(4, 20, 1, 7), memory(), 7, 'ReadyForNewScale', 'TooManyReplicas'],
    ['the minimum', wanted(4, 1, 3), memory(), 3, 'ReadyForNewScale', 'TooFewReplicas'],
    [
      'down no further than was recommended lately',
      wanted(6, 2),
      memory({ recommendations: [ago(299, 5), ago(301, 9)] }),
      5,
      'ScaleDownStabilized',
      'DesiredWithinRange',
    ],
  ])('%s', (_, want, remembered, replicas, able, limited) => {
    const result = limit(autoscaler(), want, remembered, WINDOW, NOW);
    expect([result.replicas, result.ableToScale.reason, result.limited.reason]).toEqual([replicas, able, limited]);
    expect(result.recommendations.at(-1)).toEqual({ replicas: want.desired, at: NOW });
  });
});

describe('with a behavior', () => {
  it.each([
    ['up by pods', autoscaler(rules('Pods', 3)), wanted(4, 20), memory(), 7, 'ScaleUpLimit'],
    ['up by percent', autoscaler(rules('Percent', 50)), wanted(5, 20), memory(), 8, 'ScaleUpLimit'],
    [
      'what was added in the period counts',
      autoscaler(rules('Pods', 3)),
      wanted(6, 20),
      memory({ ups: [ago(30, 2), ago(61, 9)] }),
      7,
      'ScaleUpLimit',
    ],
    [
      'the smallest change',
      autoscaler(
        rules('Pods', 3, {
          selectPolicy: 'Min',
          policies: [
            { type: 'Pods', value: 3, periodSeconds: 60 },
            { type: 'Pods', value: 1, periodSeconds: 60 },
          ],
        }),
      ),
      wanted(4, 20),
      memory(),
      5,
      'ScaleUpLimit',
    ],
    [
      'not at all',
      autoscaler(rules('Pods', 3, { selectPolicy: 'Disabled' })),
      wanted(4, 20),
      memory(),
      4,
      'ScaleUpLimit',
    ],
    ['the maximum', autoscaler(rules('Pods', 90)), wanted(4, 20, 1, 9), memory(), 9, 'TooManyReplicas'],
    ['down by pods', autoscaler(undefined, rules('Pods', 2)), wanted(10, 1), memory(), 8, 'ScaleDownLimit'],
    ['down by percent', autoscaler(undefined, rules('Percent', 25)), wanted(10, 1), memory(), 7, 'ScaleDownLimit'],
    [
      'what went in the period counts',
      autoscaler(undefined, rules('Pods', 3)),
      wanted(8, 1),
      memory({ downs: [ago(10, 2)] }),
      7,
      'ScaleDownLimit',
    ],
    ['the minimum', autoscaler(undefined, rules('Percent', 100)), wanted(10, 1, 4), memory(), 4, 'TooFewReplicas'],
    [
      'up only when it was wanted for a while',
      autoscaler(rules('Pods', 90, { stabilizationWindowSeconds: 60 })),
      wanted(4, 20),
      memory({ recommendations: [ago(30, 6)] }),
      6,
      'DesiredWithinRange',
    ],
    [
      'down only when it was wanted for a while',
      autoscaler(undefined, rules('Percent', 100, { stabilizationWindowSeconds: 60 })),
      wanted(10, 1),
      memory({ recommendations: [ago(30, 6), ago(90, 9)] }),
      6,
      'DesiredWithinRange',
    ],
  ])('%s', (_, of, want, remembered, replicas, limited) => {
    const result = limit(of, want, remembered, WINDOW, NOW);
    expect([result.replicas, result.limited.reason]).toEqual([replicas, limited]);
  });

  it('remembers by how much was scaled, as long as it counts', () => {
    const of = autoscaler(rules('Pods', 3), rules('Pods', 3));
    const before = memory({ ups: [ago(61, 1), ago(59, 2)] });
    expect(scaled(of, before, 4, 7, NOW).ups).toEqual([ago(59, 2), ago(0, 3)]);
    expect(scaled(of, before, 7, 4, NOW).downs).toEqual([ago(0, 3)]);
    expect(scaled(autoscaler(), before, 4, 7, NOW)).toBe(before);
  });
});
