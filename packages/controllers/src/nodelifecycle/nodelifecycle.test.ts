import type { Node, NodeCondition, Taint } from '@keelson/api/generated/types/core/v1';
import { zoneOf } from '@keelson/api/resources/zones';
import { describe, expect, test } from 'vitest';
import { HealthTracker, unknownConditions } from './health.ts';
import { NOT_READY, UNREACHABLE, withConditionTaints, withEvictingTaint } from './taints.ts';
import { Pace, rateOf, stateOf, type ZoneSettings } from './zones.ts';

const NOW = '2026-01-01T00:01:00Z';
const condition = (type: string, status: string, heartbeat = '2026-01-01T00:00:00Z'): NodeCondition => ({
  type,
  status,
  lastHeartbeatTime: heartbeat,
});
const node = (conditions: NodeCondition[], taints: Taint[] = [], unschedulable = false): Node => ({
  metadata: { name: 'n', creationTimestamp: '2026-01-01T00:00:00Z' },
  spec: { taints, unschedulable },
  status: { conditions } as Node['status'],
});
const noSchedule = (key: string): Taint => ({ key, effect: 'NoSchedule' });
const keys = (taints: Taint[] | undefined) => taints?.map(({ key, effect }) => `${key}:${effect}`);

describe('taints', () => {
  test.each<[string, Node, string[] | undefined]>([
    ['a ready node has none', node([condition('Ready', 'True')]), undefined],
    ['a node that is not ready', node([condition('Ready', 'False')]), [`${NOT_READY}:NoSchedule`]],
    ['a node that is silent', node([condition('Ready', 'Unknown')]), [`${UNREACHABLE}:NoSchedule`]],
    ['a cordoned node', node([], [], true), ['node.kubernetes.io/unschedulable:NoSchedule']],
    [
      'pressure; what others have put there stays',
      node([condition('MemoryPressure', 'True')], [noSchedule('mine'), noSchedule(NOT_READY)]),
      ['mine:NoSchedule', 'node.kubernetes.io/memory-pressure:NoSchedule'],
    ],
    ['what is right already', node([condition('Ready', 'False')], [noSchedule(NOT_READY)]), undefined],
  ])('that keep pods off: %s', (_, given, expected) => {
    expect(keys(withConditionTaints(given, NOW))).toEqual(expected);
  });

  test('that evict replace each other, and go when the node is ready', () => {
    const tainted = node([], [{ key: UNREACHABLE, effect: 'NoExecute' }, noSchedule(UNREACHABLE)]);
    expect(keys(withEvictingTaint(tainted, NOT_READY, NOW))).toEqual([
      `${UNREACHABLE}:NoSchedule`,
      `${NOT_READY}:NoExecute`,
    ]);
    expect(keys(withEvictingTaint(tainted, undefined, NOW))).toEqual([`${UNREACHABLE}:NoSchedule`]);
    expect(withEvictingTaint(tainted, UNREACHABLE, NOW)).toBeUndefined();
  });
});

describe('health', () => {
  const lease = (renewTime: string) => ({ metadata: {}, spec: { renewTime } });
  const start = Date.parse(NOW);

  test('a heartbeat or a renewed lease is a sign of life; the time it names is not looked at', () => {
    const tracker = new HealthTracker({ graceMs: 50_000, startupGraceMs: 60_000 });
    const first = node([condition('Ready', 'True', 'then')]);
    expect(tracker.isSilent(first, lease('1'), start)).toBe(false);
    expect(tracker.isSilent(first, lease('1'), start + 50_000)).toBe(false);
    expect(tracker.isSilent(first, lease('1'), start + 50_001)).toBe(true);
    expect(tracker.isSilent(first, lease('2'), start + 60_000)).toBe(false);
    expect(tracker.isSilent(node([condition('Ready', 'True', 'later')]), lease('2'), start + 110_000)).toBe(false);
    expect(tracker.isSilent(node([condition('Ready', 'True', 'later')]), undefined, start + 170_000)).toBe(true);
    tracker.restart(start + 170_000);
    expect(tracker.isSilent(node([condition('Ready', 'True', 'later')]), undefined, start + 170_001)).toBe(false);
  });

  test('a new node is given its time from its creation on', () => {
    const tracker = new HealthTracker({ graceMs: 50_000, startupGraceMs: 90_000 });
    expect(tracker.isSilent(node([]), undefined, start + 30_000)).toBe(false);
    expect(tracker.isSilent(node([]), undefined, start + 30_001)).toBe(true);
  });

  test('conditions of a silent node are unknown; the network is not the kubelet’s to tell', () => {
    const told = node([condition('Ready', 'True'), condition('NetworkUnavailable', 'False')]);
    const conditions = unknownConditions(told, NOW)!;
    expect(conditions.map(({ type, status, reason }) => [type, status, reason])).toEqual([
      ['Ready', 'Unknown', 'NodeStatusUnknown'],
      ['NetworkUnavailable', 'False', undefined],
      ['MemoryPressure', 'Unknown', 'NodeStatusNeverUpdated'],
      ['DiskPressure', 'Unknown', 'NodeStatusNeverUpdated'],
      ['PIDPressure', 'Unknown', 'NodeStatusNeverUpdated'],
    ]);
    expect(unknownConditions(node(conditions), NOW)).toBeUndefined();
  });
});

describe('zones', () => {
  const settings: ZoneSettings = {
    evictionRate: 0.1,
    secondaryEvictionRate: 0.01,
    largeClusterSize: 50,
    unhealthyThreshold: 0.55,
  };

  test.each<[number, number, string]>([
    [0, 0, 'normal'],
    [0, 1, 'full'],
    [1, 2, 'normal'],
    [1, 3, 'partial'],
    [9, 11, 'partial'],
    [10, 11, 'normal'],
  ])('%d ready, %d not: %s', (ready, notReady, expected) => {
    expect(stateOf(ready, notReady, settings)).toBe(expected);
  });

  test('the rate falls with the health of a zone, and is nothing when all of the cluster is gone', () => {
    expect(rateOf('normal', 10, false, settings)).toBe(0.1);
    expect(rateOf('full', 10, false, settings)).toBe(0.1);
    expect(rateOf('partial', 51, false, settings)).toBe(0.01);
    expect(rateOf('partial', 50, false, settings)).toBe(0);
    expect(rateOf('full', 100, true, settings)).toBe(0);
  });

  test('turns come one by one', () => {
    const pace = new Pace();
    expect([0, 5_000, 10_000, 10_001].map((now) => pace.take(0.1, now))).toEqual([true, false, true, false]);
    expect(pace.take(0, 99_000)).toBe(false);
  });

  test('a zone is named by region and zone, by old labels too; without labels its name is empty', () => {
    const labelled = (labels: Record<string, string>) => zoneOf({ ...node([]), metadata: { labels } });
    expect(labelled({ 'topology.kubernetes.io/zone': 'a' })).toBe(
      labelled({ 'failure-domain.beta.kubernetes.io/zone': 'a' }),
    );
    expect(labelled({})).toBe('');
    expect(labelled({ 'topology.kubernetes.io/region': 'a' })).not.toBe(
      labelled({ 'topology.kubernetes.io/zone': 'a' }),
    );
  });
});
