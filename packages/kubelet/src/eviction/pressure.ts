/** What is known of the node's thresholds from one look at it to the next. A function; times are given. */
import type { Pressure } from '../node/description.ts';
import { type Observations, SIGNALS } from './signals.ts';
import { type Threshold, thresholdsMet } from './thresholds.ts';

export interface PressureState {
  /** Since when each threshold is met, its grace or not. */
  readonly since: ReadonlyMap<Threshold, number>;
  /** When each pressure was seen last. */
  readonly seenAt: ReadonlyMap<Pressure, number>;
  /** Thresholds whose grace is over. */
  readonly due: readonly Threshold[];
  /** What the node says of itself. */
  readonly pressures: readonly Pressure[];
}

export const AT_EASE: PressureState = { since: new Map(), seenAt: new Map(), due: [], pressures: [] };

/**
 * @param state of the last look
 * @param transitionMs for how long a pressure is told after it was seen last
 */
export function assess(
  state: PressureState,
  thresholds: readonly Threshold[],
  observations: Observations,
  now: number,
  transitionMs: number,
): PressureState {
  const met = new Set([
    ...thresholdsMet(thresholds, observations, false),
    ...thresholdsMet(state.due, observations, true),
  ]);
  const since = new Map(Array.from(met, (threshold) => [threshold, state.since.get(threshold) ?? now]));
  const seenAt = new Map(state.seenAt);
  for (const { signal } of met) seenAt.set(SIGNALS[signal].pressure, now);
  return {
    since,
    seenAt,
    due: [...met].filter((threshold) => now - since.get(threshold)! >= threshold.graceMs),
    pressures: [...seenAt].filter(([, at]) => now - at < transitionMs).map(([pressure]) => pressure),
  };
}

/** Memory comes before all else. */
export function mostUrgent(due: readonly Threshold[]): Threshold | undefined {
  return due.find(({ signal }) => SIGNALS[signal].resource === 'memory') ?? due[0];
}
