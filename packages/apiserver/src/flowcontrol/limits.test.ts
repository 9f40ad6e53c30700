import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { bootstrapPriorityLevels } from '../bootstrap/flowcontrol.ts';
import { allocate } from './allocation.ts';
import { adjust, type Borrower, maxSeatsPerRequest, NO_DEMAND, nextDemand, nominalLimits } from './limits.ts';

const names = bootstrapPriorityLevels.map(({ metadata }) => metadata.name!);
const limits = nominalLimits(
  600,
  bootstrapPriorityLevels.map(({ spec }) => spec),
);

describe('the levels that exist from the start share 600 seats', () => {
  // As kube-apiserver 1.36 reports them.
  it.each([
    ['catch-all', { nominal: 13, min: 13, max: 613 }, 30],
    ['exempt', { nominal: 0, min: 0, max: 600 }, 0],
    ['global-default', { nominal: 49, min: 24, max: 649 }, 56],
    ['leader-election', { nominal: 25, min: 25, max: 625 }, 58],
    ['node-high', { nominal: 98, min: 73, max: 698 }, 170],
    ['system', { nominal: 74, min: 50, max: 674 }, 117],
    ['workload-high', { nominal: 98, min: 49, max: 698 }, 114],
    ['workload-low', { nominal: 245, min: 24, max: 845 }, 56],
  ])('%s', (name, expected, seats) => {
    const at = names.indexOf(name);
    expect(limits[at]).toEqual(expected);
    const idle = names.map((n, i) => ({ exempt: n === 'exempt', limits: limits[i]!, demand: NO_DEMAND }));
    expect(adjust(idle).levels[at]!.seats).toBe(seats);
    expect(adjust(idle).fairFraction).toBeCloseTo(7 / 3, 10);
  });
});

describe('borrowing', () => {
  const borrower = (nominal: number, min: number, wanted: number, exempt = false): Borrower => ({
    exempt,
    limits: { nominal, min, max: nominal + 100 },
    demand: { average: wanted, deviation: 0, peak: wanted, smoothed: wanted },
  });
  const seats = (...borrowers: Borrower[]) => adjust(borrowers).levels.map((level) => level.seats);

  it('the busy one gets what the idle one lends, and no more', () => {
    expect(seats(borrower(50, 10, 0), borrower(50, 10, 1000))).toEqual([10, 90]);
  });
  it('what was used up to the nominal share is kept', () => {
    expect(seats(borrower(50, 10, 50), borrower(50, 10, 1000))).toEqual([50, 50]);
  });
  it('what lends nothing keeps everything', () => {
    expect(seats(borrower(50, 50, 0), borrower(50, 10, 1000))).toEqual([50, 50]);
  });
  it('exempt requests are taken from the others, down to what they keep', () => {
    expect(seats(borrower(0, 0, 70, true), borrower(50, 10, 50), borrower(50, 10, 50))).toEqual([70, 15, 15]);
    expect(seats(borrower(0, 0, 500, true), borrower(50, 10, 50), borrower(50, 10, 50))).toEqual([500, 10, 10]);
  });
});

it('demand rises at once and falls by half in five minutes', () => {
  const busy = nextDemand(NO_DEMAND, { seconds: 10, average: 40, deviation: 5, max: 60 });
  expect(busy).toEqual({ average: 40, deviation: 5, peak: 60, smoothed: 45 });
  let demand = busy;
  for (let i = 0; i < 30; i++) demand = nextDemand(demand, { seconds: 10, average: 0, deviation: 0, max: 0 });
  expect(demand.smoothed).toBeCloseTo(45 / 2, 0);
});

it.each([
  [98, 6, 15],
  [25, 4, 4],
  [10, 6, 1],
  [3, 8, 1],
])('of %i seats and hands of %i, one request takes at most %i', (nominal, handSize, expected) => {
  expect(maxSeatsPerRequest(nominal, handSize)).toBe(expected);
});

it('an allocation keeps to the bounds, sums to the total, and is the same fraction of every target in between', () => {
  const claim = fc
    .tuple(
      fc.integer({ min: 0, max: 50 }),
      fc.double({ min: 0, max: 20, noNaN: true }),
      fc.integer({ min: 0, max: 90 }),
    )
    .map(([lower, more, room]) => ({ lower, target: lower + more, upper: lower + room }));
  fc.assert(
    fc.property(
      fc.array(claim, { minLength: 1, maxLength: 9 }),
      fc.double({ min: 0, max: 1, noNaN: true }),
      (claims, at) => {
        const least = claims.reduce((sum, c) => sum + c.lower, 0);
        const most = claims.reduce((sum, c) => sum + c.upper, 0);
        const total = Math.round(least + at * (most - least));
        const { amounts, fraction } = allocate(total, claims);
        expect(amounts.reduce((a, b) => a + b, 0)).toBeCloseTo(total, 4);
        for (const [i, { lower, target, upper }] of claims.entries()) {
          expect(amounts[i]).toBeGreaterThanOrEqual(lower);
          expect(amounts[i]).toBeLessThanOrEqual(upper);
          if (amounts[i]! > lower && amounts[i]! < upper) {
            expect(amounts[i]).toBeCloseTo(fraction * Math.max(target, 0.001), 4);
          }
        }
      },
    ),
    { seed: 1, numRuns: 500 },
  );
});

it('bounds that leave no solution are said', () => {
  expect(() => allocate(1, [{ lower: 2, target: 2, upper: 3 }])).toThrow('lower bounds');
  expect(() => allocate(4, [{ lower: 2, target: 2, upper: 3 }])).toThrow('upper bounds');
});
