import type { Pod, Service } from '@keelson/api/generated/types/core/v1';
import { formatTime } from '@keelson/api/time';
import { expect, test } from 'vitest';
import { TriggerTimes, withTriggerTime } from './triggertimes.ts';

const T0 = Date.parse('2026-01-01T00:00:00Z');
const at = (seconds: number) => T0 + seconds * 1000;
const text = (seconds: number) => formatTime(new Date(at(seconds)));
const service = (created: number): Service => ({
  metadata: { namespace: 'ns', name: 'web', creationTimestamp: text(created) },
  spec: {},
  status: { loadBalancer: {} },
});
const pod = (name: string, since?: number): Pod => ({
  metadata: { namespace: 'ns', name },
  spec: { containers: [] },
  status:
    since === undefined ? {} : { conditions: [{ type: 'Ready', status: 'True', lastTransitionTime: text(since) }] },
});

test('the earliest change since the last time counts', () => {
  const times = new TriggerTimes();
  const web = service(1);
  expect(times.next(web, [pod('a', 5)])).toBe(at(1));
  expect(times.next(web, [pod('a', 5)])).toBe(undefined);
  expect(times.next(web, [pod('a', 9), pod('b', 7), pod('c')])).toBe(at(7));
  expect(times.next(web, [pod('a', 9)])).toBe(undefined);
  expect(times.next(web, [pod('a', 9), pod('b', 7)])).toBe(at(7));
  expect(times.next(service(20), [pod('a', 30)])).toBe(at(20));
  times.forget('ns/web');
  expect(times.next(web, [pod('a', 5)])).toBe(at(1));
});

test('an annotation says it, and no longer', () => {
  const told = withTriggerTime({ a: 'b' }, at(3));
  expect(told).toEqual({ a: 'b', 'endpoints.kubernetes.io/last-change-trigger-time': '2026-01-01T00:00:03Z' });
  expect(withTriggerTime(told, undefined)).toEqual({ a: 'b' });
});
