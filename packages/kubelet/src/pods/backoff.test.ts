import { describe, expect, it } from 'vitest';
import { CrashBackoff } from './backoff.ts';

describe('CrashBackoff', () => {
  it('doubles from 10 s to 5 min', () => {
    const backoff = new CrashBackoff();
    let now = 0;
    expect(backoff.start('a', now, now)).toBeUndefined();
    const pauses = [];
    for (let i = 0; i < 7; i++) {
      const pause = backoff.start('a', now, now);
      pauses.push(pause!.pauseMs / 1000);
      const until = pause!.until;
      expect(backoff.start('a', now, until - 1)).toEqual(pause);
      expect(backoff.start('a', now, until)).toBeUndefined();
      now = until;
    }
    expect(pauses).toEqual([10, 20, 40, 80, 160, 300, 300]);
  });

  it('begins anew when a container has run for ten minutes', () => {
    const backoff = new CrashBackoff();
    backoff.start('a', 0, 0);
    expect(backoff.start('a', 600_001, 600_001)).toBeUndefined();
    expect(backoff.start('a', 600_002, 600_002)).toMatchObject({ pauseMs: 10_000 });
  });

  it('counts each container by itself', () => {
    const backoff = new CrashBackoff();
    backoff.start('a', 0, 0);
    expect(backoff.start('b', 0, 0)).toBeUndefined();
  });
});
