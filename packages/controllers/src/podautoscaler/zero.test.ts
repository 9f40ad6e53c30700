import type { HorizontalPodAutoscaler } from '@keelson/api/generated/types/autoscaling/v2';
import { describe, expect, it } from 'vitest';
import { mayLeaveZero, zeroSaying } from './zero.ts';

function autoscaler(minReplicas: number, metric: string, scaledToZero?: 'True' | 'False'): HorizontalPodAutoscaler {
  const conditions = scaledToZero ? [{ type: 'ScaledToZero', status: scaledToZero }] : [];
  return {
    metadata: { name: 'a' },
    spec: {
      minReplicas,
      maxReplicas: 5,
      scaleTargetRef: { kind: 'Deployment', name: 'd' },
      metrics: [{ type: metric }],
    },
    status: { desiredReplicas: 0, currentMetrics: null, conditions },
  };
}

describe('a target at zero', () => {
  it.each([
    ['that the autoscaler has brought there', autoscaler(0, 'External', 'True'), true],
    ['the same, by a metric of an object', autoscaler(0, 'Object', 'True'), true],
    ['that somebody else has stopped', autoscaler(0, 'External'), false],
    ['that was not scaled to zero last', autoscaler(0, 'External', 'False'), false],
    ['without a metric that needs no pods', autoscaler(0, 'Resource', 'True'), false],
    ['that is to have some by now', autoscaler(2, 'Resource', 'True'), true],
  ])('%s: %j', (_what, of, expected) => expect(mayLeaveZero(of, of.spec.minReplicas!)).toBe(expected));
});

describe('after a change of size', () => {
  it.each([
    [autoscaler(0, 'External'), 3, 0, 'True'],
    [autoscaler(0, 'Resource'), 3, 0, 'False'],
    [autoscaler(1, 'External'), 3, 0, 'False'],
    [autoscaler(0, 'External', 'True'), 0, 2, 'False'],
    [autoscaler(0, 'External'), 3, 1, 'False'],
  ])('%#', (of, current, replicas, status) => expect(zeroSaying(of, current, replicas).status).toBe(status));
});
