import { describe, expect, it } from 'vitest';
import type { CacheEvent } from './cacher.ts';
import { EventRing } from './event-ring.ts';

const MIB = 1024 * 1024;

function event(revision: number, bytes = 10): CacheEvent {
  const object = { key: `/k/${revision}`, namespace: '', name: 'n', revision, labels: {}, fields: {} };
  return { type: 'ADDED', revision, object: { ...object, bytes: Buffer.alloc(bytes) }, previous: undefined };
}

const from = (first: number, count: number) => Array.from({ length: count }, (_, i) => event(first + i));

const revisions = (events: readonly CacheEvent[]) => events.map(({ revision }) => revision);

describe('a ring of events', () => {
  it('has those after a revision, in order', () => {
    const ring = new EventRing();
    ring.restart(5);
    ring.add([event(6), event(6), event(8), event(11)]);
    expect([5, 6, 7, 8, 10, 11, 12].map((revision) => revisions(ring.after(revision)))).toEqual([
      [6, 6, 8, 11],
      [8, 11],
      [8, 11],
      [11],
      [11],
      [],
      [],
    ]);
    expect([ring.start, ring.last]).toEqual([5, 11]);
  });

  it('drops the oldest at once when it holds a quarter too many, and says from where on it is whole', () => {
    const ring = new EventRing(8);
    expect(ring.add(Array.from({ length: 10 }, (_, i) => event(i + 1)))).toEqual([]);
    expect(revisions(ring.add([event(11)]))).toEqual([1, 2, 3]);
    expect([ring.start, ring.last, ring.after(ring.start).length]).toEqual([3, 11, 8]);
  });

  it('drops what its bytes are too many for', () => {
    const ring = new EventRing();
    ring.add([event(1, 16 * MIB), event(2, 16 * MIB)]);
    expect(revisions(ring.add([event(3, 9 * MIB)]))).toEqual([1]);
    expect(revisions(ring.add([event(4, 64 * MIB)]))).toEqual([2, 3, 4]);
    expect([ring.start, ring.last]).toEqual([4, 4]);
  });

  it('forgets all when it starts anew', () => {
    const ring = new EventRing(4);
    ring.add([event(1), event(2), event(3), event(4), event(5)]);
    ring.restart(20);
    expect([ring.start, ring.last, ring.after(0)]).toEqual([20, 20, []]);
    expect(ring.add([event(21), event(22), event(23), event(24), event(25)])).toEqual([]);
  });

  it('forgets what was old the last time, but for the newest hundred', () => {
    const ring = new EventRing();
    ring.add(from(1, 100));
    expect(ring.canForget).toBe(false);
    ring.add(from(101, 150));
    expect(ring.canForget).toBe(true);
    expect(ring.forgetOld()).toEqual([]);
    ring.add(from(251, 20));
    expect(revisions(ring.forgetOld())).toEqual(from(1, 170).map(({ revision }) => revision));
    expect([ring.start, ring.last, ring.after(0).length, ring.canForget]).toEqual([170, 270, 100, false]);
    ring.add(from(271, 150));
    expect(revisions(ring.forgetOld())).toEqual(from(171, 100).map(({ revision }) => revision));
    expect([ring.start, ring.after(0).length]).toEqual([270, 150]);
  });

  it('counts what it has dropped for want of room no longer among the old', () => {
    const ring = new EventRing(200);
    ring.add(from(1, 200));
    ring.forgetOld();
    expect(ring.add(from(201, 60))).toHaveLength(60);
    expect(revisions(ring.forgetOld())).toEqual(from(61, 100).map(({ revision }) => revision));
  });
});
