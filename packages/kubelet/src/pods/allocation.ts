/**
 * In-place resize: what containers may have is not what their pod's spec says until the node has granted it
 * (pkg/kubelet/allocation). A grant is then made true by the worker.
 */
import type { Container, Pod, PodCondition, ResourceRequirements } from '@keelson/api/generated/types/core/v1';
import { Quantity } from '@keelson/api/quantity';
import { isSidecar } from '@keelson/api/resources/pod';
import { declaredContainers } from '@keelson/api/resources/pod-parts';
import { formatTime } from '@keelson/api/time';
import type { EventRecorder, World } from '@keelson/client';
import type { Rejection } from './admission.ts';
import { uidOf } from './spec.ts';

export interface AllocationOptions {
  readonly world: World;
  readonly recorder: EventRecorder;
  /** Why the pod as it is wanted does not fit beside the others. */
  fits(pod: Pod): Rejection | undefined;
  /** Why it cannot have other amounts than it has, ever. */
  problem(pod: Pod, current: Pod): string | undefined;
}

interface Allocation {
  /** By container name; those of the pod as a whole by ''. */
  resources: ReadonlyMap<string, ResourceRequirements>;
  pending?: PodCondition | undefined;
  inProgress?: PodCondition | undefined;
}

/** Nothing else can be resized. */
const RESIZABLE = ['cpu', 'memory'];

export class Allocations {
  readonly #options: AllocationOptions;
  readonly #allocations = new Map<string, Allocation>();

  constructor(options: AllocationOptions) {
    this.#options = options;
  }

  /** The pod with what it may have. A change of what it wants is granted, or waits. */
  apply(pod: Pod): Pod {
    const uid = uidOf(pod);
    const known = this.#allocations.get(uid) ?? this.#begin(pod);
    const current = withResources(pod, known.resources);
    if (isSame(current, pod)) {
      known.pending = undefined;
      return current;
    }
    const problem = this.#options.problem(pod, current);
    if (problem !== undefined) {
      this.#refuse(known, pod, 'Infeasible', problem);
      return current;
    }
    const rejection = this.#options.fits(pod);
    if (rejection) {
      this.#refuse(known, pod, 'Deferred', rejection.message);
      return current;
    }
    known.resources = resourcesOf(pod);
    known.pending = undefined;
    known.inProgress = condition('PodResizeInProgress', pod, undefined, {}, this.#now());
    this.#tell(pod, 'Normal', 'ResizeStarted', 'Pod resize started', pod.metadata.generation);
    return pod;
  }

  /** Pods whose resize waits for room. */
  deferred(): string[] {
    return [...this.#allocations].filter(([, { pending }]) => pending).map(([uid]) => uid);
  }

  conditions(uid: string): PodCondition[] {
    const { pending, inProgress } = this.#allocations.get(uid) ?? {};
    return [pending, inProgress].filter((each) => each !== undefined);
  }

  /** The worker has made true what was granted. */
  completed(pod: Pod): void {
    const known = this.#allocations.get(uidOf(pod));
    if (!known?.inProgress) return;
    const generation = known.inProgress.observedGeneration;
    known.inProgress = undefined;
    this.#tell(pod, 'Normal', 'ResizeCompleted', 'Pod resize completed', generation);
  }

  /** It could not. */
  failed(pod: Pod, error: Error): void {
    const known = this.#allocations.get(uidOf(pod));
    if (!known) return;
    const before = known.inProgress;
    const words = { reason: 'Error', message: error.message };
    known.inProgress = condition('PodResizeInProgress', pod, before, words, this.#now());
    if (before?.message === error.message) return;
    this.#tell(pod, 'Warning', 'ResizeError', 'Pod resize error', pod.metadata.generation, error.message);
  }

  forget(uid: string): void {
    this.#allocations.delete(uid);
  }

  /** A kubelet that starts finds in the status what one before it has granted. */
  #begin(pod: Pod): Allocation {
    const statuses = [...(pod.status?.initContainerStatuses ?? []), ...(pod.status?.containerStatuses ?? [])];
    const resources = new Map(resourcesOf(pod));
    for (const { name, allocatedResources, resources: given } of statuses) {
      if (!allocatedResources || !resources.has(name)) continue;
      resources.set(name, { ...(given?.limits ? { limits: given.limits } : {}), requests: allocatedResources });
    }
    const { allocatedResources, resources: given } = pod.status ?? {};
    if (allocatedResources && resources.has(WHOLE)) {
      resources.set(WHOLE, { ...(given?.limits ? { limits: given.limits } : {}), requests: allocatedResources });
    }
    const allocation: Allocation = { resources };
    this.#allocations.set(uidOf(pod), allocation);
    return allocation;
  }

  #refuse(known: Allocation, pod: Pod, reason: 'Deferred' | 'Infeasible', message: string): void {
    const before = known.pending;
    known.pending = condition('PodResizePending', pod, before, { reason, message }, this.#now());
    if (before?.message === message && before.observedGeneration === pod.metadata.generation) return;
    this.#tell(pod, 'Warning', `Resize${reason}`, `Pod resize ${reason}`, pod.metadata.generation, message);
  }

  #tell(pod: Pod, type: 'Normal' | 'Warning', reason: string, text: string, generation = 0, error?: string): void {
    const summary = (containers: readonly Container[] = []) =>
      containers.map(({ name, resources }) => ({ name, resources: sorted(resources) }));
    const { initContainers, containers } = pod.spec!;
    const sidecars = summary((initContainers ?? []).filter(isSidecar));
    const all = {
      ...(sidecars.length > 0 ? { initContainers: sidecars } : {}),
      containers: summary(containers ?? []),
      generation,
      ...(error ? { error } : {}),
    };
    this.#options.recorder.event(pod, type, reason, `${text}: ${JSON.stringify(all)}`);
  }

  #now(): string {
    return formatTime(new Date(this.#options.world.clock.now()));
  }
}

function condition(
  type: string,
  { metadata }: Pod,
  before: PodCondition | undefined,
  words: { readonly reason?: string; readonly message?: string },
  now: string,
): PodCondition {
  const lastTransitionTime = before && before.reason === words.reason ? before.lastTransitionTime : now;
  return {
    type,
    status: 'True',
    observedGeneration: metadata.generation ?? 0,
    lastProbeTime: before && before.message === words.message ? (before.lastProbeTime ?? now) : now,
    ...(lastTransitionTime ? { lastTransitionTime } : {}),
    ...words,
  };
}

/** In the place of a container's name: the pod as a whole. */
export const WHOLE = '';

function resourcesOf({ spec }: Pod): Map<string, ResourceRequirements> {
  const whole = spec?.resources ? [{ name: WHOLE, resources: spec.resources }] : [];
  return new Map([...whole, ...declaredContainers(spec)].map(({ name, resources }) => [name, resources ?? {}]));
}

/** What a running container has: where it has no limit of its own, the pod's. */
export function effectiveResources({ spec }: Pod, { resources = {} }: Container): ResourceRequirements {
  const ofPod = spec?.resources?.limits;
  if (!ofPod) return resources;
  const inherited = Object.fromEntries(Object.entries(ofPod).filter(([name]) => RESIZABLE.includes(name)));
  return { ...resources, limits: { ...inherited, ...resources.limits } };
}

function withResources(pod: Pod, resources: ReadonlyMap<string, ResourceRequirements>): Pod {
  const of = (container: Container): Container => ({
    ...container,
    resources: resources.get(container.name) ?? container.resources,
  });
  const { initContainers, containers } = pod.spec!;
  const whole = resources.get(WHOLE);
  return {
    ...pod,
    spec: {
      ...pod.spec!,
      ...(whole ? { resources: whole } : {}),
      containers: (containers ?? []).map(of),
      ...(initContainers ? { initContainers: initContainers.map(of) } : {}),
    },
  };
}

function isSame(a: Pod, b: Pod): boolean {
  const other = resourcesOf(b);
  return [...resourcesOf(a)].every(([name, resources]) => sameResources(resources, other.get(name) ?? {}));
}

/** Whether all containers ask for as much of the resource in both. */
export function sameAmounts(a: Pod, b: Pod, resource: string): boolean {
  const other = resourcesOf(b);
  return [...resourcesOf(a)].every(([name, resources]) => isSameOf(resource, resources, other.get(name) ?? {}));
}

/** Of what can be resized. */
export function sameResources(a: ResourceRequirements, b: ResourceRequirements): boolean {
  if (a === b) return true;
  return RESIZABLE.every((name) => isSameOf(name, a, b));
}

function isSameOf(name: string, a: ResourceRequirements, b: ResourceRequirements): boolean {
  return (['requests', 'limits'] as const).every((kind) => {
    const [left, right] = [a[kind]?.[name], b[kind]?.[name]];
    return left === right || Quantity.parse(left ?? '0').cmp(Quantity.parse(right ?? '0')) === 0;
  });
}

/** Whether the container has to be started again to have what it may have. */
export function resizeRestarts(
  { resizePolicy = [] }: Container,
  from: ResourceRequirements,
  to: ResourceRequirements,
): boolean {
  return (resizePolicy ?? []).some(({ resourceName, restartPolicy }) => {
    if (restartPolicy !== 'RestartContainer') return false;
    const of = (resources: ResourceRequirements): ResourceRequirements => ({
      requests: { [resourceName]: resources.requests?.[resourceName] ?? '0' },
      limits: { [resourceName]: resources.limits?.[resourceName] ?? '0' },
    });
    return !sameResources(of(from), of(to));
  });
}

function sorted({ limits, requests }: ResourceRequirements = {}): ResourceRequirements {
  const list = (of: Readonly<Record<string, string>>) =>
    Object.fromEntries(Object.entries(of).sort(([a], [b]) => (a < b ? -1 : 1)));
  return { ...(limits ? { limits: list(limits) } : {}), ...(requests ? { requests: list(requests) } : {}) };
}
