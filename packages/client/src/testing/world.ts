import { ManualClock } from '@keelson/api/clock';
import { silentLogger } from '@keelson/component/logs/logger';
import type { World } from '../world.ts';

export interface ManualWorld extends World {
  readonly clock: ManualClock;
  /** Lets what is ready run, then moves the clock on in small steps, letting run what each wakes. */
  pass(ms: number): Promise<void>;
}

/** A world that a test moves; chance is always a half. */
export function manualWorld(now = Date.parse('2026-01-01T00:00:00Z')): ManualWorld {
  const clock = new ManualClock(now);
  return {
    clock,
    random: () => 0.5,
    log: silentLogger,
    async pass(ms) {
      await settle();
      const step = Math.max(1, ms / 50);
      for (let passed = 0; passed < ms; passed += step) {
        clock.advance(Math.min(step, ms - passed));
        await settle();
      }
    },
  };
}

/** Waits until everything that is ready has run. */
export async function settle(): Promise<void> {
  for (let i = 0; i < 5; i++) await new Promise((resolve) => setImmediate(resolve));
}
