/** How many seats a priority level has (apiserver/pkg/util/flowcontrol/apf_controller.go). */
import type { PriorityLevelConfigurationSpec } from '@keelson/api/generated/types/flowcontrol/v1';
import { allocate } from './allocation.ts';
import type { Moments } from './integrator.ts';

export interface Limits {
  /** The level's share of the server's seats. */
  readonly nominal: number;
  /** What it keeps when others borrow. */
  readonly min: number;
  /** What it may have by borrowing. */
  readonly max: number;
}

/**
 * @param serverLimit seats of the server
 * @returns rounded up, so that they sum to a little more than the server has
 */
export function nominalLimits(serverLimit: number, specs: readonly PriorityLevelConfigurationSpec[]): Limits[] {
  const all = specs.map((spec) => ({
    shares: spec.limited?.nominalConcurrencyShares ?? spec.exempt?.nominalConcurrencyShares ?? 0,
    lendable: spec.limited?.lendablePercent ?? spec.exempt?.lendablePercent ?? 0,
    borrowing: spec.limited?.borrowingLimitPercent ?? undefined,
  }));
  const sum = all.reduce((total, { shares }) => total + shares, 0);
  return all.map(({ shares, lendable, borrowing }) => {
    const nominal = sum === 0 ? 0 : Math.ceil((serverLimit * shares) / sum);
    const most = borrowing === undefined ? serverLimit : Math.round((nominal * borrowing) / 100);
    return { nominal, min: nominal - Math.round((nominal * lendable) / 100), max: nominal + most };
  });
}

/** The most seats that one request may take. */
export function maxSeatsPerRequest(nominal: number, handSize: number): number {
  return Math.max(1, Math.min(Math.ceil(nominal * 0.15), Math.floor(nominal / handSize)));
}

/** The part of the past that a step of smoothing keeps: with steps of ten seconds half of it is gone in five minutes. */
const SMOOTHING = 0.977;

/** How many seats a level could have used. */
export interface Demand {
  readonly average: number;
  readonly deviation: number;
  /** The most at any moment since the last step. */
  readonly peak: number;
  /** Goes up at once and down slowly. */
  readonly smoothed: number;
}

export const NO_DEMAND: Demand = { average: 0, deviation: 0, peak: 0, smoothed: 0 };

export function nextDemand(last: Demand, { seconds, average, deviation, max }: Moments): Demand {
  const peak = Math.round(max);
  if (seconds <= 0) return { ...last, peak };
  const envelope = average + deviation;
  const smoothed = Math.max(envelope, SMOOTHING * last.smoothed + (1 - SMOOTHING) * envelope);
  return { average, deviation, peak, smoothed };
}

export interface Borrower {
  readonly exempt: boolean;
  readonly limits: Limits;
  readonly demand: Demand;
}

export interface Adjustment {
  /** In the order of the borrowers. */
  readonly levels: readonly { readonly target: number; readonly seats: number }[];
  /** 0 when there is nothing to divide beyond what is kept. */
  readonly fairFraction: number;
}

/**
 * Divides the seats anew. Exempt levels take what they used; each other one keeps its minimum, or what it used up to its
 * nominal share, and what is left goes to them in proportion to their smoothed demand.
 */
export function adjust(borrowers: readonly Borrower[]): Adjustment {
  const total = sumOf(borrowers, ({ limits }) => limits.nominal);
  const kept = borrowers.map(keptSeats);
  const isLimited = ({ exempt }: Borrower): boolean => !exempt;
  const limited = borrowers.filter(isLimited);
  const remaining = total - sumOf(borrowers, (b, i) => (b.exempt ? kept[i]! : 0));
  const minimum = sumOf(limited, ({ limits }) => limits.min);
  const keptByLimited = sumOf(borrowers, (b, i) => (b.exempt ? 0 : kept[i]!));
  const targets = borrowers.map(({ exempt, demand }, i) => (exempt ? kept[i]! : Math.max(kept[i]!, demand.smoothed)));

  let fairFraction = 0;
  let seats: readonly number[];
  if (remaining <= minimum) seats = borrowers.map((b, i) => (b.exempt ? kept[i]! : b.limits.min));
  else if (remaining <= keptByLimited) {
    const part = (remaining - minimum) / (keptByLimited - minimum);
    seats = borrowers.map((b, i) =>
      b.exempt ? kept[i]! : b.limits.min + Math.round((kept[i]! - b.limits.min) * part),
    );
  } else {
    const claims = borrowers.flatMap((b, i) =>
      b.exempt ? [] : { lower: kept[i]!, upper: b.limits.max, target: targets[i]! },
    );
    const { amounts, fraction } = allocate(total, claims);
    fairFraction = fraction;
    let next = 0;
    seats = borrowers.map((b, i) => (b.exempt ? kept[i]! : Math.round(amounts[next++]!)));
  }
  return { levels: borrowers.map((_, i) => ({ target: targets[i]!, seats: seats[i]! })), fairFraction };
}

function keptSeats({ exempt, limits, demand }: Borrower): number {
  return Math.max(limits.min, exempt ? demand.peak : Math.min(limits.nominal, demand.peak));
}

function sumOf<T>(list: readonly T[], value: (item: T, index: number) => number): number {
  return list.reduce((total, item, i) => total + value(item, i), 0);
}
