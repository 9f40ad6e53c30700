/** Amounts of resources by name, as objects carry them: `{"cpu": "100m"}`. */
import { Quantity } from '../quantity.ts';
import type { Quantity as QuantityText } from '../scalars.ts';

export type ResourceList = Record<string, QuantityText>;

const MILLI = -3;

/** Rounds every amount up to thousandths, in place (upstream's SetDefaults_ResourceList). */
export function roundToMilli(list: ResourceList | null | undefined): void {
  for (const [name, text] of Object.entries(list ?? {})) list![name] = Quantity.parse(text).roundUp(MILLI).toString();
}

/** Names in the order in which Go writes a map. */
export function sortedByName<T>(map: Readonly<Record<string, T>>): Record<string, T> {
  return Object.fromEntries(Object.entries(map).sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0)));
}

/** @param more wins nothing: names of `list` keep their amounts */
export function withMissing(list: ResourceList | undefined, more: ResourceList): ResourceList {
  return sortedByName({ ...more, ...list });
}

/** A sum that grows. */
export type ResourceTotals = Map<string, Quantity>;

export function addResources(totals: ResourceTotals, list: Iterable<readonly [string, Quantity]>): void {
  for (const [name, amount] of list) totals.set(name, totals.get(name)?.add(amount) ?? amount);
}

/** Each amount becomes the greater of the two. */
export function maxResources(totals: ResourceTotals, list: Iterable<readonly [string, Quantity]>): void {
  for (const [name, amount] of list) {
    const known = totals.get(name);
    if (!known || amount.cmp(known) > 0) totals.set(name, amount);
  }
}

export function parseResources(list: ResourceList | null | undefined): (readonly [string, Quantity])[] {
  return Object.entries(list ?? {}).map(([name, text]) => [name, Quantity.parse(text)] as const);
}
