/** Why a pod had to go, in upstream's words (pkg/kubelet/eviction/helpers.go, evictionMessage). */
import type { Pod } from '@keelson/api/generated/types/core/v1';
import { Quantity } from '@keelson/api/quantity';
import { uidOf } from '../pods/spec.ts';
import { type ContainerUsage, type Figures, observationsOf, SIGNALS, type Starved } from './signals.ts';
import { availableOf, quantityOf, type Threshold } from './thresholds.ts';

export interface Explanation {
  readonly message: string;
  /** Of the event, for those who would rather not read. */
  readonly annotations: Readonly<Record<string, string>>;
}

/** @param due all thresholds for which something has to be done */
export function explain(resource: Starved, pod: Pod, due: readonly Threshold[], figures: Figures): Explanation {
  const message = `The node was low on resource: ${resource}. ${limits(resource, due, figures)}`;
  const usage = figures.pods.get(uidOf(pod));
  if (!usage) return { message, annotations: {} };
  const ofPod = podExcess(resource, pod, usage.memoryBytes);
  const containers = usage.containers.flatMap((each) => containerExcess(resource, pod, each));
  return {
    message: message + ofPod.message + containers.map((each) => each.message).join(''),
    annotations: {
      ...ofPod.annotations,
      offending_containers: containers.map(({ name }) => name).join(','),
      offending_containers_usage: containers.map(({ used }) => used).join(','),
      starved_resource: resource,
    },
  };
}

function limits(resource: Starved, due: readonly Threshold[], figures: Figures): string {
  const observations = observationsOf(figures);
  const threshold = due.find(({ signal }) => SIGNALS[signal].resource === resource && observations.has(signal));
  if (!threshold) return '';
  const observed = observations.get(threshold.signal)!;
  const available = availableOf(threshold.signal, observed);
  return `Threshold quantity: ${quantityOf(threshold.amount, observed.capacity)}, available: ${available}. `;
}

const excess = (kind: string, name: string, used: Quantity, requested: string, resource: Starved) =>
  `${kind} ${name} was using ${used}, request is ${requested}, has larger consumption of ${resource}. `;

/** Of a pod that requests memory as a whole. */
function podExcess(resource: Starved, { metadata, spec }: Pod, memoryBytes: number | undefined): Explanation {
  const requested = spec?.resources?.requests?.[resource];
  if (resource !== 'memory' || requested === undefined || memoryBytes === undefined) {
    return { message: '', annotations: {} };
  }
  const used = Quantity.of(memoryBytes, 'BinarySI');
  const name = metadata.name ?? '';
  return {
    message: excess('Pod', name, used, requested, resource),
    annotations: { offending_pod: name, offending_pod_usage: String(used) },
  };
}

function containerExcess(resource: Starved, { spec }: Pod, usage: ContainerUsage) {
  const container = [...(spec?.containers ?? []), ...(spec?.initContainers ?? [])].find(
    ({ name }) => name === usage.name,
  );
  const bytes = usedOf(resource, usage);
  if (!container || bytes === undefined) return [];
  const requested = Quantity.parse(container.resources?.requests?.[resource] ?? '0');
  const used = Quantity.of(bytes, 'BinarySI');
  if (used.cmp(requested) <= 0) return [];
  const { name } = container;
  return [{ name, used, message: excess('Container', name, used, String(requested), resource) }];
}

function usedOf(resource: Starved, { memoryBytes, layer, logs }: ContainerUsage): number | undefined {
  if (resource === 'memory') return memoryBytes;
  return resource === 'ephemeral-storage' && layer && logs ? layer.bytes + logs.bytes : undefined;
}
