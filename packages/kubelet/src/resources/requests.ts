/** What a pod asks for as a whole (k8s.io/component-helpers/resource/helpers.go). */
import type { Container, Pod, ResourceRequirements } from '@keelson/api/generated/types/core/v1';
import { Quantity } from '@keelson/api/quantity';
import { isSidecar } from '../pods/spec.ts';

export type Amounts = ReadonlyMap<string, Quantity>;
type Kind = 'requests' | 'limits';

/** Of each resource: sidecars and regular containers together, or an init container beside the sidecars before it, whichever is more; with overhead. */
export function podRequests(pod: Pod): Amounts {
  return total(pod, 'requests');
}

export function podLimits(pod: Pod): Amounts {
  return total(pod, 'limits');
}

/** As the API has it. */
export function toList(amounts: Amounts): Record<string, string> {
  return Object.fromEntries(Array.from(amounts, ([name, quantity]) => [name, quantity.toString()]));
}

export function amountsOf(list: Readonly<Record<string, string>> | undefined): Map<string, Quantity> {
  return new Map(Object.entries(list ?? {}).map(([name, text]) => [name, Quantity.parse(text)]));
}

export function quantityOf(
  resources: ResourceRequirements | undefined,
  kind: Kind,
  name: string,
): Quantity | undefined {
  const text = resources?.[kind]?.[name];
  return text === undefined ? undefined : Quantity.parse(text);
}

function total(pod: Pod, kind: Kind): Amounts {
  const { initContainers = [], containers, overhead, resources } = pod.spec!;
  const of = (container: Container) => amountsOf(container.resources?.[kind]);
  const sum = new Map<string, Quantity>();
  for (const container of containers ?? []) add(sum, of(container));
  const sidecars = new Map<string, Quantity>();
  const atInit = new Map<string, Quantity>();
  for (const container of initContainers) {
    const amounts = of(container);
    if (isSidecar(container)) {
      add(sum, amounts);
      add(sidecars, amounts);
      most(atInit, sidecars);
    } else {
      add(amounts, sidecars);
      most(atInit, amounts);
    }
  }
  most(sum, atInit);
  for (const [name, quantity] of amountsOf(resources?.[kind])) if (isPodLevel(name)) sum.set(name, quantity);
  // Overhead limits nothing that was not limited.
  for (const [name, quantity] of amountsOf(overhead)) {
    if (kind === 'requests' || sum.has(name)) add(sum, new Map([[name, quantity]]));
  }
  return sum;
}

/** What may be said of a pod as a whole. */
function isPodLevel(name: string): boolean {
  return name === 'cpu' || name === 'memory' || name.startsWith('hugepages-');
}

function add(sum: Map<string, Quantity>, amounts: Amounts): void {
  for (const [name, quantity] of amounts) {
    const before = sum.get(name);
    sum.set(name, before ? before.add(quantity) : quantity);
  }
}

function most(sum: Map<string, Quantity>, amounts: Amounts): void {
  for (const [name, quantity] of amounts) {
    const before = sum.get(name);
    if (!before || before.cmp(quantity) < 0) sum.set(name, quantity);
  }
}
