/** Arithmetic over amounts of resources by name (k8s.io/apiserver/pkg/quota/v1/resources.go). */
import { Quantity } from '../quantity.ts';
import type { ResourceList, ResourceTotals } from '../resources/list.ts';
import { addResources } from '../resources/list.ts';

export type Amounts = ReadonlyMap<string, Quantity>;

export const ONE = Quantity.of(1);
export const ZERO = Quantity.of(0);

export function sum(a: Amounts, b: Amounts): Amounts {
  const totals: ResourceTotals = new Map(a);
  addResources(totals, b);
  return totals;
}

/** What `a` is more than `b`; zero where it is not. */
export function excess(a: Amounts, b: Amounts): Amounts {
  const difference: ResourceTotals = new Map([...b.keys()].map((name) => [name, ZERO]));
  for (const [name, amount] of a) {
    const more = amount.sub(b.get(name) ?? ZERO);
    difference.set(name, more.sign() > 0 ? more : ZERO);
  }
  return difference;
}

export function only(amounts: Amounts, wanted: (name: string, amount: Quantity) => boolean): Amounts {
  return new Map([...amounts].filter(([name, amount]) => wanted(name, amount)));
}

export function sameAmounts(a: Amounts, b: Amounts): boolean {
  return a.size === b.size && [...a].every(([name, amount]) => b.get(name)?.cmp(amount) === 0);
}

/** `cpu=1,memory=2Gi`, sorted by name. */
export function showAmounts(amounts: Amounts): string {
  return [...amounts.keys()]
    .sort()
    .map((name) => `${name}=${amounts.get(name)}`)
    .join(',');
}

export function showNames(names: Iterable<string>): string {
  return [...names].sort().join(',');
}

export function toResourceList(amounts: Amounts): ResourceList {
  return Object.fromEntries([...amounts].map(([name, amount]) => [name, amount.toString()]).sort());
}
