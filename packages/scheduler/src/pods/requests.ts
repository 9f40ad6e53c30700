/**
 * What a pod asks for, in integers: thousandths of a CPU, bytes, pieces. Quantities are read once; after that there are
 * only numbers, which is ten times as fast as the exact sums of the vocabulary (staging/src/k8s.io/component-helpers/resource/helpers.go).
 */
import type { Container, ContainerStatus, Pod } from '@keelson/api/generated/types/core/v1';
import { Quantity } from '@keelson/api/quantity';
import { isPodLevelResource, isSidecar } from '@keelson/api/resources/pod';

/** By name of the resource: `cpu` in thousandths, everything else in units. */
export type Amounts = Map<string, number>;
type Quantities = Readonly<Record<string, string>> | undefined;

const known = new Map<string, number>();
const KNOWN_MAX = 8192;

/** A quantity as an integer, rounded up. Texts repeat, so what was read is remembered. */
export function amountOf(resource: string, text: string): number {
  const key = resource === 'cpu' ? `m${text}` : text;
  const before = known.get(key);
  if (before !== undefined) return before;
  const quantity = Quantity.parse(String(text));
  const amount = Number(resource === 'cpu' ? quantity.milliValue() : quantity.value());
  if (known.size >= KNOWN_MAX) known.clear();
  known.set(key, amount);
  return amount;
}

export function amountsOf(quantities: Quantities): Amounts {
  const amounts: Amounts = new Map();
  for (const resource in quantities) amounts.set(resource, amountOf(resource, quantities[resource]!));
  return amounts;
}

function add(sum: Amounts, more: Amounts): void {
  for (const [resource, amount] of more) sum.set(resource, (sum.get(resource) ?? 0) + amount);
}

function raise(maximum: Amounts, other: Amounts): void {
  for (const [resource, amount] of other) {
    const before = maximum.get(resource);
    if (before === undefined || amount > before) maximum.set(resource, amount);
  }
}

function largest(...all: readonly Amounts[]): Amounts {
  const maximum: Amounts = new Map();
  for (const amounts of all) raise(maximum, amounts);
  return maximum;
}

export function hasPodLevelRequests({ spec }: Pod): boolean {
  for (const resource in spec.resources?.requests) if (isPodLevelResource(resource)) return true;
  return false;
}

/**
 * Sums what containers and sidecars ask for; an init container asks together with the sidecars before it, and the largest
 * wins. What the pod asks for as a whole replaces the sum; overhead is added. While a pod is resized in place, the most of
 * what is wanted, allocated and in force counts.
 * @param missing what a container that does not ask for a resource is taken to need
 */
export function podRequests(pod: Pod, missing?: Amounts): Amounts {
  const { spec, status } = pod;
  const effective = inForce(pod);
  const ask = (container: Container, resized: boolean): Amounts => {
    const wanted = amountsOf(container.resources?.requests);
    const asked = resized ? effective(container.name, wanted) : wanted;
    if (!missing) return asked;
    for (const [resource, amount] of missing) if (!asked.has(resource)) asked.set(resource, amount);
    return asked;
  };
  const sum: Amounts = new Map();
  for (const container of spec.containers ?? []) add(sum, ask(container, true));
  if (spec.initContainers?.length) raise(sum, withSidecars(spec.initContainers, sum, ask));
  if (hasPodLevelRequests(pod)) {
    const wanted = amountsOf(spec.resources!.requests);
    const resources = status?.resources;
    const asked = resources
      ? counted(pod, wanted, amountsOf(resources.requests), amountsOf(status.allocatedResources))
      : wanted;
    for (const resource of wanted.keys()) if (isPodLevelResource(resource)) sum.set(resource, asked.get(resource) ?? 0);
  }
  if (spec.overhead) add(sum, amountsOf(spec.overhead));
  return sum;
}

/** @returns the most that is needed at a time before the regular containers run. Adds the sidecars to `sum`. */
function withSidecars(
  containers: readonly Container[],
  sum: Amounts,
  ask: (container: Container, resized: boolean) => Amounts,
): Amounts {
  const sidecars: Amounts = new Map();
  const most: Amounts = new Map();
  for (const container of containers) {
    const asked = ask(container, isSidecar(container));
    if (isSidecar(container)) {
      add(sum, asked);
      add(sidecars, asked);
      raise(most, sidecars);
    } else {
      add(asked, sidecars);
      raise(most, asked);
    }
  }
  return most;
}

/** What containers ask for, given what their statuses say is allocated and in force. */
function inForce(pod: Pod): (name: string, wanted: Amounts) => Amounts {
  const { containerStatuses = [], initContainerStatuses = [] } = pod.status ?? {};
  if (containerStatuses.length + initContainerStatuses.length === 0) return (_, wanted) => wanted;
  const statuses = new Map<string, ContainerStatus>();
  for (const status of containerStatuses) statuses.set(status.name, status);
  for (const status of initContainerStatuses) statuses.set(status.name, status);
  return (name, wanted) => {
    const status = statuses.get(name);
    if (!status?.resources) return wanted;
    return counted(pod, wanted, amountsOf(status.resources.requests), amountsOf(status.allocatedResources));
  };
}

function counted(pod: Pod, wanted: Amounts, actuated: Amounts, allocated: Amounts): Amounts {
  const pending = pod.status?.conditions?.find(({ type }) => type === 'PodResizePending');
  return pending?.reason === 'Infeasible' ? largest(actuated, allocated) : largest(wanted, actuated, allocated);
}
