/** What of a node is not for pods (pkg/kubelet/cm/node_container_manager_linux.go). */
import { Quantity } from '@keelson/api/quantity';
import { addResources, type ResourceTotals } from '@keelson/api/resources/list';
import { amountsOf, toList } from '../resources/requests.ts';

/** Amounts by resource; `pid` are numbers of processes. */
export type Amounts = Readonly<Record<string, string>>;

export interface Reservations {
  readonly kube: Amounts;
  readonly system: Amounts;
}

export const NOTHING_RESERVED: Reservations = { kube: {}, system: {} };

/**
 * The sum of what is kept for the system, for Kubernetes and so that evictions come in time.
 * @throws Error where there is less than that
 */
export function reservationOf({ kube, system }: Reservations, eviction: Amounts, capacity: Amounts): Amounts {
  const total: ResourceTotals = new Map();
  for (const part of [system, kube, eviction]) addResources(total, amountsOf(part));
  const has = amountsOf(capacity);
  const problems = [...total].flatMap(([name, amount]) => {
    const all = has.get(name);
    if (!all || amount.cmp(all) <= 0) return [];
    return `Resource ${JSON.stringify(name)} has a reservation of ${amount} but capacity of ${all}. Expected capacity >= reservation.`;
  });
  if (problems.length > 0) throw new Error(`invalid Node Allocatable configuration. ${problems.join(' ')}`);
  return toList(new Map([...total].filter(([name]) => has.has(name))));
}

const RESERVABLE = ['cpu', 'memory', 'ephemeral-storage', 'pid'];

/** What can be reserved. @throws Error in upstream's words */
export function parseReserved(statements: Amounts): Amounts {
  for (const [name, text] of Object.entries(statements)) {
    if (!RESERVABLE.includes(name)) throw new Error(`cannot reserve ${JSON.stringify(name)} resource`);
    let amount: Quantity;
    try {
      amount = Quantity.parse(text);
    } catch (error) {
      const what = `failed to parse quantity ${JSON.stringify(text)} for ${JSON.stringify(name)} resource`;
      throw new Error(`${what}: ${(error as Error).message}`);
    }
    if (amount.sign() < 0) {
      throw new Error(`resource quantity for ${JSON.stringify(name)} cannot be negative: ${amount}`);
    }
  }
  return statements;
}
