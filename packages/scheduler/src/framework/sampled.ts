import type { Profile } from './profile.ts';
import { type Stopwatch, timed } from './timing.ts';

/**
 * Of cycles, in how many single plugins are timed (upstream's pluginMetricsSamplePercent is a tenth). On a thousand nodes a
 * cycle reads the clock 16 000 times then, a millisecond's worth: a tenth would cost a quarter of all cycles' time.
 */
const TIMED_SHARE = 0.01;

/** @returns finds a profile by its name: now and then the one whose plugins are timed */
export function sampled(
  profiles: ReadonlyMap<string, Profile>,
  stopwatch: Stopwatch,
  random: () => number,
): (name: string) => Profile | undefined {
  const slow = new Map(
    Array.from(profiles, ([name, profile]) => [name, profile.replacing((plugin) => timed(plugin, stopwatch))]),
  );
  return (name) => (random() < TIMED_SHARE ? slow : profiles).get(name);
}
