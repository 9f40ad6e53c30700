/** From which point on the node does something about what it runs out of (pkg/kubelet/eviction/helpers.go). */
import { Quantity } from '@keelson/api/quantity';
import { parseDuration } from '@keelson/component/go/duration';
import { isSignal, type Observation, type Observations, SIGNALS, type Signal } from './signals.ts';

/** As much of it, or such a share of all there is. */
export type Amount = { readonly quantity: Quantity } | { readonly share: number };

export interface Threshold {
  readonly signal: Signal;
  readonly amount: Amount;
  /** For how long there may be less: a soft one; 0: not at all. */
  readonly graceMs: number;
  /** How much more there has to be before all is well again. */
  readonly minReclaim?: Amount | undefined;
}

/** By signal, as the kubelet's configuration has them. */
export type Statements = Readonly<Record<string, string>>;

/** As the kubelet's own on Linux. */
export const DEFAULT_HARD: Statements = {
  'memory.available': '100Mi',
  'nodefs.available': '10%',
  'nodefs.inodesFree': '5%',
  'imagefs.available': '15%',
  'imagefs.inodesFree': '5%',
};

export interface ThresholdStatements {
  readonly hard: Statements;
  readonly soft?: Statements | undefined;
  readonly softGracePeriod?: Statements | undefined;
  readonly minimumReclaim?: Statements | undefined;
  /** Pods are held to what they may have together: the node's hard threshold of memory is theirs, too. */
  readonly ofPods?: boolean | undefined;
}

/** @throws Error in upstream's words; QuantityError */
export function parseThresholds({
  hard,
  soft = {},
  softGracePeriod = {},
  minimumReclaim = {},
  ofPods = false,
}: ThresholdStatements): Threshold[] {
  const hards = thresholdsOf(hard, () => 0);
  const periods = new Map(entries(softGracePeriod).map(([signal, text]) => [signal, gracePeriod(text)]));
  const softs = thresholdsOf(soft, (signal) => {
    const period = periods.get(signal);
    if (period === undefined)
      throw new Error(`grace period must be specified for the soft eviction threshold ${signal}`);
    return period;
  });
  const reclaims = new Map(entries(minimumReclaim).map(([signal, text]) => [signal, reclaim(signal, text)]));
  const all = [...hards, ...softs].map((threshold) => ({ ...threshold, minReclaim: reclaims.get(threshold.signal) }));
  const hardMemory = all.filter(({ signal, graceMs }) => signal === 'memory.available' && graceMs === 0);
  const theirs = hardMemory.map((threshold) => ({ ...threshold, signal: 'allocatableMemory.available' }) as const);
  return ofPods ? [...all, ...theirs] : all;
}

/** @throws Error for a signal that there is not */
function entries(statements: Statements): [Signal, string][] {
  return Object.entries(statements).map(([signal, text]) => {
    if (!isSignal(signal)) throw new Error(`unsupported eviction signal ${signal}`);
    return [signal, text];
  });
}

function thresholdsOf(statements: Statements, grace: (signal: Signal) => number): Threshold[] {
  return entries(statements).flatMap(([signal, text]) => {
    if (text === '0%' || text === '100%') return [];
    return [{ signal, amount: limit(signal, text), graceMs: grace(signal) }];
  });
}

function limit(signal: Signal, text: string): Amount {
  if (text.endsWith('%')) {
    const share = shareOf(text);
    if (share < 0) throw new Error(`eviction percentage threshold ${signal} must be >= 0%: ${text}`);
    if (share > 1) throw new Error(`eviction percentage threshold ${signal} must be <= 100%: ${text}`);
    return { share };
  }
  const quantity = Quantity.parse(text);
  if (quantity.sign() <= 0) throw new Error(`eviction threshold ${signal} must be positive: ${quantity}`);
  return { quantity };
}

function reclaim(signal: Signal, text: string): Amount {
  if (text.endsWith('%')) {
    const share = shareOf(text);
    if (share <= 0) throw new Error(`eviction percentage minimum reclaim ${signal} must be positive: ${text}`);
    return { share };
  }
  const quantity = Quantity.parse(text);
  if (quantity.sign() < 0) throw new Error(`negative eviction minimum reclaim specified for ${signal}`);
  return { quantity };
}

function gracePeriod(text: string): number {
  const period = parseDuration(text);
  if (period < 0) throw new Error(`invalid eviction grace period specified: ${text}, must be a positive value`);
  return period;
}

/** In single precision, so that amounts in messages are upstream's. */
function shareOf(text: string): number {
  const number = text.replace(/%+$/, '');
  if (!/^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(number)) {
    throw new Error(`strconv.ParseFloat: parsing ${JSON.stringify(number)}: invalid syntax`);
  }
  return Math.fround(Math.fround(Number(number)) / 100);
}

/** @param capacity of which a share is */
export function quantityOf(amount: Amount, capacity: number): Quantity {
  if ('quantity' in amount) return amount.quantity;
  return Quantity.of(Math.trunc(capacity * amount.share), 'BinarySI');
}

/** Those that there is less than. @param again they were met before: what is to be reclaimed counts too */
export function thresholdsMet(
  thresholds: readonly Threshold[],
  observations: Observations,
  again: boolean,
): readonly Threshold[] {
  return thresholds.filter(({ signal, amount, minReclaim }) => {
    const observed = observations.get(signal);
    if (!observed) return false;
    const least = quantityOf(amount, observed.capacity);
    const wanted = again && minReclaim ? least.add(quantityOf(minReclaim, observed.capacity)) : least;
    return wanted.cmp(availableOf(signal, observed)) > 0;
  });
}

/** What is left, in the unit in which the signal is told. */
export function availableOf(signal: Signal, { available }: Observation): Quantity {
  return Quantity.of(available, SIGNALS[signal].format);
}

/** What pods cannot have, so that the hard thresholds are not reached by those that keep to their requests. */
export function reservedBy(
  thresholds: readonly Threshold[],
  capacity: { readonly memoryBytes: number; readonly storageBytes: number },
): Readonly<Record<string, string>> {
  const of = (signal: Signal, all: number) => {
    const found = thresholds.find((each) => each.signal === signal && each.graceMs === 0);
    return found && quantityOf(found.amount, all).toString();
  };
  const memory = of('memory.available', capacity.memoryBytes);
  const storage = of('nodefs.available', capacity.storageBytes);
  return { ...(memory ? { memory } : {}), ...(storage ? { 'ephemeral-storage': storage } : {}) };
}
