import type { Profile } from './profile.ts';
import { type Stopwatch, timed } from './timing.ts';

/** Of cycles, in how many single plugins are timed (upstream's pluginMetricsSamplePercent). */
const TIMED_SHARE = 0.1;
/**
 * In how many of them for each node, too: on a thousand nodes such a cycle reads the clock 16 000 times, a millisecond's
 * worth. All of them would cost a quarter of all cycles' time.
 */
const OFTEN_SHARE = 0.1;

/** @returns finds a profile by its name: now and then one whose plugins are timed */
export function sampled(
  profiles: ReadonlyMap<string, Profile>,
  stopwatch: Stopwatch,
  random: () => number,
): (name: string) => Profile | undefined {
  const measuring = (often: boolean): ReadonlyMap<string, Profile> =>
    new Map(
      Array.from(profiles, ([name, profile]) => [name, profile.replacing((plugin) => timed(plugin, stopwatch, often))]),
    );
  const [once, often] = [measuring(false), measuring(true)];
  return (name) => {
    const chance = random() / TIMED_SHARE;
    if (chance >= 1) return profiles.get(name);
    return (chance < OFTEN_SHARE ? often : once).get(name);
  };
}
