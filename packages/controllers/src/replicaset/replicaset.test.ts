import type { Pod } from '@keelson/api/generated/types/core/v1';
import { describe, expect, it, test } from 'vitest';
import { inSlowBatches } from '../pods/batch.ts';
import type { ReplicaOwner } from './engine.ts';
import { plan } from './plan.ts';
import { statusOf } from './status.ts';

const NOW = Date.parse('2026-01-01T00:01:00Z');
const pod = (name: string, readySince?: string, labels?: Record<string, string>): Pod => ({
  metadata: { name, uid: name, ...(labels ? { labels } : {}) },
  spec: { containers: [], nodeName: 'n' },
  status: {
    phase: 'Running',
    ...(readySince ? { conditions: [{ type: 'Ready', status: 'True', lastTransitionTime: readySince }] } : {}),
  },
});
const pods = (count: number) => Array.from({ length: count }, (_, i) => pod(`p${i}`, '2026-01-01T00:00:00Z'));
const failIfAsked = () => {
  throw new Error('there is no choice');
};

test.each([
  [0, 0, { action: 'none' }],
  [3, 1, { action: 'create', count: 2 }],
  [2000, 10, { action: 'create', count: 500 }],
  [3, 3, { action: 'none' }],
])('%i wanted of %i: %o', (desired, has, expected) => {
  expect(plan(desired, pods(has), failIfAsked)).toEqual(expected);
});

test('deletes what is worth least, not more than a burst at once', () => {
  const unready = pod('unready');
  expect(plan(2, [...pods(2), unready], () => [unready, ...pods(2)])).toEqual({ action: 'delete', pods: [unready] });
  const all = plan(0, pods(700), () => pods(700));
  expect(all.action === 'delete' && all.pods.length).toBe(500);
  expect(plan(0, pods(2), failIfAsked)).toEqual({ action: 'delete', pods: pods(2) });
});

describe('status', () => {
  const labels = { app: 'a' };
  const owner: ReplicaOwner = {
    metadata: { name: 'rs', generation: 3 },
    spec: { replicas: 3, minReadySeconds: 30, template: { metadata: { labels }, spec: { containers: [] } } },
    status: { replicas: 0 },
  };
  const active = [
    pod('available', '2026-01-01T00:00:30Z', labels),
    pod('ready', '2026-01-01T00:00:31Z', labels),
    pod('other', undefined, {}),
  ];

  it('counts', () => {
    expect(statusOf(owner, active, 2, undefined, NOW)).toEqual({
      replicas: 3,
      fullyLabeledReplicas: 2,
      readyReplicas: 2,
      availableReplicas: 1,
      terminatingReplicas: 2,
      observedGeneration: 3,
    });
    expect(statusOf(owner, [], undefined, undefined, NOW)).not.toHaveProperty('terminatingReplicas');
  });

  it('keeps the first failure until there is none', () => {
    const failed = statusOf(owner, [], 0, new Error('no room'), NOW);
    const condition = {
      type: 'ReplicaFailure',
      status: 'True',
      reason: 'FailedCreate',
      message: 'no room',
      lastTransitionTime: '2026-01-01T00:01:00Z',
    };
    expect(failed.conditions).toEqual([condition]);
    const again = statusOf({ ...owner, status: failed }, [], 0, new Error('still none'), NOW + 5000);
    expect(again.conditions).toEqual([condition]);
    expect(statusOf({ ...owner, status: again }, [], 0, undefined, NOW).conditions).toBe(undefined);
    const surplus = statusOf({ ...owner, spec: { replicas: 0 } }, active, 0, new Error('no'), NOW);
    expect(surplus.conditions?.[0]?.reason).toBe('FailedDelete');
  });
});

describe('slow batches', () => {
  it.each([
    [10, Number.POSITIVE_INFINITY, 10, [1, 2, 4, 3]],
    [10, 0, 0, [1]],
    [10, 2, 2, [1, 2]],
    [0, 0, 0, []],
  ])('%i of which all after %i fail', async (count, limit, successes, batches) => {
    const seen: number[] = [];
    let running = 0;
    const outcome = await inSlowBatches(count, async (i) => {
      running++;
      await new Promise(setImmediate);
      if (running > 0) seen.push(running);
      running = 0;
      if (i >= limit) throw new Error('limit');
    });
    expect([outcome.successes, outcome.error !== undefined, seen]).toEqual([successes, limit < count, batches]);
  });
});
