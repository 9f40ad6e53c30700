import { describe, expect, it } from 'vitest';
import { AT_EASE, assess, mostUrgent, type PressureState } from './pressure.ts';
import type { Observations, Signal } from './signals.ts';
import { DEFAULT_HARD, parseThresholds, quantityOf, reservedBy, thresholdsMet } from './thresholds.ts';

const GIB = 2 ** 30;
const observed = (all: Partial<Record<Signal, [available: number, capacity: number]>>): Observations =>
  new Map(Object.entries(all).map(([signal, [available, capacity]]) => [signal as Signal, { available, capacity }]));

describe('parseThresholds', () => {
  it.each([
    [{ hard: { 'cpu.available': '1' } }, 'unsupported eviction signal cpu.available'],
    [{ hard: { 'memory.available': '-1%' } }, 'eviction percentage threshold memory.available must be >= 0%: -1%'],
    [{ hard: { 'memory.available': '101%' } }, 'eviction percentage threshold memory.available must be <= 100%: 101%'],
    [{ hard: { 'memory.available': '0' } }, 'eviction threshold memory.available must be positive: 0'],
    [
      { hard: {}, soft: { 'memory.available': '1Gi' } },
      'grace period must be specified for the soft eviction threshold memory.available',
    ],
    [
      { hard: {}, softGracePeriod: { 'memory.available': '-30s' } },
      'invalid eviction grace period specified: -30s, must be a positive value',
    ],
    [
      { hard: {}, minimumReclaim: { 'nodefs.available': '0%' } },
      'eviction percentage minimum reclaim nodefs.available must be positive: 0%',
    ],
    [
      { hard: {}, minimumReclaim: { 'nodefs.available': '-1' } },
      'negative eviction minimum reclaim specified for nodefs.available',
    ],
  ])('refuses %j', (statements, message) => expect(() => parseThresholds(statements)).toThrow(message));

  it('has what is 0% or 100% count for nothing', () => {
    const parsed = parseThresholds({ hard: { 'nodefs.available': '0%', 'imagefs.available': '100%' } });
    expect(parsed).toEqual([]);
  });

  it('rounds shares as upstream does', () => {
    const [threshold] = parseThresholds({ hard: { 'nodefs.available': '10%' } });
    expect(String(quantityOf(threshold!.amount, 1000 * GIB))).toBe('107374184000');
  });
});

describe('thresholdsMet', () => {
  const thresholds = parseThresholds({
    hard: { 'memory.available': '1Gi', 'nodefs.inodesFree': '5%' },
    minimumReclaim: { 'memory.available': '500Mi' },
  });
  it.each([
    [{ 'memory.available': [GIB, 4 * GIB] }, false, []],
    [{ 'memory.available': [GIB - 1, 4 * GIB] }, false, ['memory.available']],
    [{ 'memory.available': [GIB, 4 * GIB] }, true, ['memory.available']],
    [{ 'memory.available': [1.5 * GIB, 4 * GIB] }, true, []],
    [{ 'nodefs.inodesFree': [0, 0] }, false, []],
    [{ 'nodefs.inodesFree': [4, 100] }, false, ['nodefs.inodesFree']],
  ] as const)('%j, again: %s', (figures, again, want) => {
    const found = thresholdsMet(thresholds, observed(figures as never), again);
    expect(found.map(({ signal }) => signal)).toEqual(want);
  });
});

describe('assess', () => {
  const [hard, soft] = parseThresholds({
    hard: { 'memory.available': '1Gi' },
    soft: { 'nodefs.available': '10Gi' },
    softGracePeriod: { 'nodefs.available': '1m' },
  });
  const look = (state: PressureState, memory: number, disk: number, now: number) =>
    assess(
      state,
      [hard!, soft!],
      observed({ 'memory.available': [memory * GIB, 4 * GIB], 'nodefs.available': [disk * GIB, 100 * GIB] }),
      now,
      300_000,
    );

  it('waits for the grace of a soft threshold, from when it was met first', () => {
    let state = look(AT_EASE, 2, 5, 1000);
    expect([state.due, state.pressures]).toEqual([[], ['DiskPressure']]);
    state = look(state, 2, 5, 60_999);
    expect(state.due).toEqual([]);
    state = look(state, 2, 5, 61_000);
    expect(state.due).toEqual([soft]);
    state = look(state, 2, 20, 62_000);
    state = look(state, 2, 5, 63_000);
    expect(state.due).toEqual([]);
  });

  it('tells a pressure for as long as the transition after it was seen last', () => {
    let state = look(AT_EASE, 0.5, 50, 1000);
    expect([state.due, state.pressures]).toEqual([[hard], ['MemoryPressure']]);
    state = look(state, 2, 50, 300_999);
    expect([state.due, state.pressures]).toEqual([[], ['MemoryPressure']]);
    expect(look(state, 2, 50, 301_000).pressures).toEqual([]);
  });

  it('has memory come first', () => expect(mostUrgent([soft!, hard!])).toBe(hard));
});

describe('reservedBy', () => {
  it('keeps from pods what the hard thresholds are', () =>
    expect(
      reservedBy(parseThresholds({ hard: DEFAULT_HARD }), { memoryBytes: 8 * GIB, storageBytes: 100 * GIB }),
    ).toEqual({ memory: '100Mi', 'ephemeral-storage': '10737418400' }));
});
