import { expect, test } from 'vitest';
import { type ShutdownFile, shutdownPeriodsOf } from './shutdown.ts';

const CRITICAL = 2_000_000_000;

test.each<[ShutdownFile, [priority: number, seconds: number][]]>([
  [{}, []],
  [{ shutdownGracePeriod: '0s', shutdownGracePeriodCriticalPods: '0s' }, []],
  [
    { shutdownGracePeriod: '30s', shutdownGracePeriodCriticalPods: '10s' },
    [
      [0, 20],
      [CRITICAL, 10],
    ],
  ],
  [
    { shutdownGracePeriod: '1m' },
    [
      [0, 60],
      [CRITICAL, 0],
    ],
  ],
  [
    {
      shutdownGracePeriodByPodPriority: [
        { priority: 100, shutdownGracePeriodSeconds: 5 },
        { shutdownGracePeriodSeconds: 60 },
      ],
    },
    [
      [100, 5],
      [0, 60],
    ],
  ],
])('%j', (file, want) =>
  expect(shutdownPeriodsOf(file)).toEqual(want.map(([priority, seconds]) => ({ priority, seconds }))),
);

test.each<[ShutdownFile, string]>([
  [
    { shutdownGracePeriod: '1s', shutdownGracePeriodCriticalPods: '2s' },
    'invalid configuration: shutdownGracePeriodCriticalPods {2s} must be <= shutdownGracePeriod {1s}',
  ],
  [
    { shutdownGracePeriod: '1ms' },
    'invalid configuration: shutdownGracePeriod {1ms} must be either zero or otherwise >= 1 sec',
  ],
  [
    { shutdownGracePeriod: '2s', shutdownGracePeriodCriticalPods: '1ms' },
    'invalid configuration: shutdownGracePeriodCriticalPods {1ms} must be either zero or otherwise >= 1 sec',
  ],
  [
    { shutdownGracePeriod: '10s', shutdownGracePeriodByPodPriority: [{ priority: 0, shutdownGracePeriodSeconds: 10 }] },
    'invalid configuration: Cannot specify both shutdownGracePeriodByPodPriority and shutdownGracePeriod at the same time',
  ],
])('%j is refused', (file, message) => expect(() => shutdownPeriodsOf(file)).toThrow(message));
