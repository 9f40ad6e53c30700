/** Dividing seats among levels in proportion to what they would like, within bounds (…/flowcontrol/conc_alloc.go). */

/** `0 ≤ lower ≤ target`, `lower ≤ upper`. */
export interface Claim {
  readonly target: number;
  readonly lower: number;
  readonly upper: number;
}

export interface Allocation {
  /** In the order of the claims; their sum is the total. */
  readonly amounts: readonly number[];
  /** The part of its target that each claim gets which meets no bound. */
  readonly fraction: number;
}

/** A claim to nothing still counts in proportions. */
const MIN_TARGET = 0.001;
const EPSILON = 1e-7;

/**
 * Finds the one fraction f with Σ clamp(f × target, lower, upper) = total. The sum never falls as f grows and is straight
 * between the values of f at which a claim meets a bound, so the right stretch is found first, then the point on it.
 * @throws Error when the bounds leave no solution
 */
export function allocate(total: number, claims: readonly Claim[]): Allocation {
  const targets = claims.map(({ target }) => Math.max(target, MIN_TARGET));
  const amountsAt = (f: number) => claims.map(({ lower, upper }, i) => clamp(f * targets[i]!, lower, upper));
  const least = sum(claims.map(({ lower }) => lower));
  const most = sum(claims.map(({ upper }) => upper));
  if (least - total > EPSILON) throw new Error(`lower bounds sum to ${least}, which is more than ${total}`);
  if (total - most > EPSILON) throw new Error(`upper bounds sum to ${most}, which is less than ${total}`);

  const bends = claims.flatMap(({ lower, upper }, i) => [lower / targets[i]!, upper / targets[i]!]);
  bends.sort((a, b) => a - b);
  let low = 0;
  let high = bends.length - 1;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (sum(amountsAt(bends[middle]!)) < total - EPSILON) low = middle + 1;
    else high = middle;
  }
  const end = bends[low] ?? 0;
  const start = low > 0 ? bends[low - 1]! : end;
  const [atStart, atEnd] = [sum(amountsAt(start)), sum(amountsAt(end))];
  const fraction = atEnd > atStart ? start + ((total - atStart) / (atEnd - atStart)) * (end - start) : end;
  return { amounts: amountsAt(fraction), fraction };
}

function clamp(value: number, lower: number, upper: number): number {
  return Math.max(lower, Math.min(upper, value));
}

function sum(values: readonly number[]): number {
  return values.reduce((a, b) => a + b, 0);
}
