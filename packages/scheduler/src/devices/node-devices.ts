import type { ContainerExtendedResourceRequest } from '@keelson/api/generated/types/core/v1';
import type { AllocationResult, ResourceClaim } from '@keelson/api/generated/types/resource/v1';
import type { NodeInfo } from '../cache/node-info.ts';
import type { PodInfo } from '../pods/pod-info.ts';
import { Allocator, type AllocatorParts } from './allocator.ts';
import { type DeviceResources, isOfDevices, requestsFor } from './extended-resources.ts';

/** What a pod is given on a node. */
export interface Given {
  /** For each of its claims that has none yet. */
  readonly allocations: readonly AllocationResult[];
  /** Devices for extended resources that the node does not have by itself. */
  readonly extended: GivenExtended | undefined;
}

export interface GivenExtended {
  /** Not written yet. */
  readonly claim: ResourceClaim;
  readonly allocation: AllocationResult;
  readonly mappings: ContainerExtendedResourceRequest[];
}

/** Extended resources of a pod that devices may stand for. */
export interface Extended {
  readonly resources: DeviceResources;
  /** Without requests: which resources a node has by itself differs. */
  readonly claim: ResourceClaim;
}

interface Variant {
  readonly allocator: Allocator | undefined;
  readonly claim: ResourceClaim | undefined;
  readonly mappings: ContainerExtendedResourceRequest[];
}

/** Finds devices on nodes, for the claims of a pod and for its extended resources. */
export class NodeDevices {
  readonly #pod: PodInfo;
  readonly #open: readonly ResourceClaim[];
  readonly #extended: Extended | undefined;
  readonly #parts: AllocatorParts;
  /** By what the node lacks. */
  readonly #variants = new Map<string, Variant>();

  /** @param open claims that have no devices yet */
  constructor(pod: PodInfo, open: readonly ResourceClaim[], extended: Extended | undefined, parts: AllocatorParts) {
    this.#pod = pod;
    this.#open = open;
    this.#extended = extended;
    this.#parts = parts;
  }

  /** @returns why nothing, as {@link Allocator.allocate} says it; @throws what that throws */
  on(node: NodeInfo): Given | string {
    if (this.#extended && this.#lacksForGood(node)) return 'cannot fit resource';
    const { allocator, claim, mappings } = this.#variant(node);
    const found = allocator?.allocate(node.node!) ?? [];
    if (typeof found === 'string') return found;
    const extended = claim && { claim, mappings, allocation: found.at(-1)! };
    return { allocations: claim ? found.slice(0, -1) : found, extended };
  }

  /** Whether there is a resource that neither the node has nor devices stand for. */
  #lacksForGood({ allocatable }: NodeInfo): boolean {
    for (const [resource, amount] of this.#pod.requests.scalars ?? []) {
      if (amount === 0 || this.#extended!.resources.has(resource) || !isOfDevices(resource)) continue;
      if (!allocatable.scalars?.has(resource)) return true;
    }
    return false;
  }

  #variant({ allocatable }: NodeInfo): Variant {
    const { resources = [], claim } = this.#extended ?? {};
    const lacking = [...resources].filter(([resource]) => allocatable.scalar(resource) === 0);
    const key = lacking.map(([resource]) => resource).join();
    const known = this.#variants.get(key);
    if (known) return known;
    const variant = this.#make(lacking.length === 0 ? undefined : claim, new Map(lacking));
    this.#variants.set(key, variant);
    return variant;
  }

  #make(base: ResourceClaim | undefined, lacking: DeviceResources): Variant {
    const { requests, mappings } = requestsFor(this.#pod.pod, lacking);
    const claim = base && { ...base, spec: { ...base.spec, devices: { requests } } };
    const claims = claim ? [...this.#open, claim] : this.#open;
    return { allocator: claims.length === 0 ? undefined : new Allocator(claims, this.#parts), claim, mappings };
  }
}
