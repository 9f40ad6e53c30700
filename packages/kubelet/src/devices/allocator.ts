/** Gives devices to the containers of pods that are admitted (allocateContainerResources in manager.go). */
import type { Container, Pod } from '@keelson/api/generated/types/core/v1';
import { Quantity } from '@keelson/api/quantity';
import { sumContainers } from '@keelson/api/resources/pod';
import type { World } from '@keelson/client';
import { containersOf, type PodContainer, uidOf } from '../pods/spec.ts';
import type { Hints, Nodes } from '../topology/hints.ts';
import { chooseDevices } from './choose.ts';
import { deviceHints, nearness } from './hints.ts';
import { type Holdings, idsOf, NO_NODE } from './holdings.ts';
import type { Inventory } from './inventory.ts';
import type { DeviceMetrics } from './metrics.ts';

export interface AllocatorOptions {
  readonly world: World;
  readonly metrics: DeviceMetrics;
  readonly inventory: Inventory;
  readonly holdings: Holdings;
  /** Gives back what pods hold that are no more. */
  releaseEnded(): void;
}

/** Containers of the pod in the order in which they are given devices. Ephemeral ones get none. */
function holders(pod: Pod): PodContainer[] {
  return containersOf(pod).filter(({ role }) => role !== 'ephemeral');
}

const NONE: ReadonlySet<string> = new Set();

export class Allocator {
  readonly #options: AllocatorOptions;

  constructor(options: AllocatorOptions) {
    this.#options = options;
  }

  /** What a container wants of device plugins, by resource: how many. */
  wants(pod: Pod, { name, resources }: Container): Map<string, number> {
    const { inventory, holdings } = this.#options;
    const taken = holdings.taken();
    const isOurs = (resource: string) =>
      !isClaimed(pod, name, resource) && (inventory.healthy(resource) !== undefined || taken.has(resource));
    const wanted = Object.entries(resources?.limits ?? {}).filter(([resource]) => isOurs(resource));
    return new Map(wanted.map(([resource, text]) => [resource, Number(Quantity.parse(text).value())]));
  }

  wantsAny(pod: Pod): boolean {
    return holders(pod).some(({ spec }) => this.wants(pod, spec).size > 0);
  }

  /** Where what a container wants could come from. @param nodes of the machine */
  hints(pod: Pod, spec: Container, nodes: readonly number[]): Hints {
    this.#options.releaseEnded();
    const held = (resource: string) => this.#options.holdings.of(uidOf(pod), spec.name).get(resource);
    return new Map(
      Array.from(this.wants(pod, spec), ([resource, count]) => {
        const own = held(resource);
        const reusable = this.#reusable(pod, spec.name, resource);
        return [resource, this.#hints(resource, count, own ? idsOf(own) : NONE, reusable, nodes)] as const;
      }),
    );
  }

  /** Of all containers of the pod together. */
  podHints(pod: Pod, nodes: readonly number[]): Hints {
    this.#options.releaseEnded();
    const of = (spec: Container) =>
      Array.from(this.wants(pod, spec), ([name, count]) => [name, Quantity.of(count)] as const);
    return new Map(
      Array.from(sumContainers(pod.spec, of), ([resource, total]) => {
        const containers = holders(pod).map(({ spec }) =>
          this.#options.holdings.of(uidOf(pod), spec.name).get(resource),
        );
        const held = new Set(containers.flatMap((holding) => (holding ? [...idsOf(holding)] : [])));
        return [resource, this.#hints(resource, Number(total.value()), held, NONE, nodes)] as const;
      }),
    );
  }

  /**
   * One call at a time.
   * @param runs whether the container has run since before the kubelet, and has what it needs
   * @param near where they are to be, if they can
   * @returns whether anything was given @throws Error why it was not, in upstream's words
   */
  async allocateTo(pod: Pod, spec: Container, runs = false, near?: Nodes): Promise<boolean> {
    const { inventory, holdings, world, metrics } = this.#options;
    const uid = uidOf(pod);
    const wanted = this.wants(pod, spec);
    if (wanted.size > 0) this.#options.releaseEnded();
    let given = false;
    for (const [resource, count] of wanted) {
      const ids = await this.#choose(pod, spec.name, { resource, count, runs, near });
      if (ids.length === 0) continue;
      const connection = inventory.connection(resource);
      if (!connection) throw new Error(`unknown Device Plugin ${resource}`);
      if (!connection.plugin || connection.stoppedAt !== undefined) throw stopped(resource);
      const startedAt = world.clock.now();
      const grant = await connection.plugin
        .allocate(ids)
        .finally(() => metrics.allocated(resource, world.clock.now() - startedAt));
      if (!grant) throw new Error('no containers return in allocation response ');
      holdings.set(uid, spec.name, resource, { devices: byNode(ids, resource, inventory), grant });
      given = true;
    }
    return given;
  }

  #hints(
    resource: string,
    count: number,
    held: ReadonlySet<string>,
    reusable: ReadonlySet<string>,
    nodes: readonly number[],
  ) {
    const { inventory, holdings } = this.#options;
    const taken = holdings.taken().get(resource) ?? NONE;
    const free = new Set([...(inventory.healthy(resource) ?? [])].filter((id) => !taken.has(id)));
    return deviceHints(count, { nodes, devices: inventory.devices(resource), held, reusable, free });
  }

  #choose(
    pod: Pod,
    container: string,
    { resource, count, runs, near }: { resource: string; count: number; runs: boolean; near: Nodes | undefined },
  ): Promise<string[]> {
    const { inventory, holdings } = this.#options;
    const uid = uidOf(pod);
    const held = holdings.of(uid, container).get(resource);
    const request = { uid, container, resource, count };
    const devices = inventory.devices(resource);
    return chooseDevices(request, {
      held: held && idsOf(held),
      reusable: this.#reusable(pod, container, resource),
      healthy: inventory.healthy(resource),
      taken: holdings.taken().get(resource) ?? new Set(),
      runs,
      ...(near !== undefined && [...devices.values()].some(({ nodes }) => nodes.length > 0)
        ? { nearness: (id: string) => nearness(devices.get(id) ?? { nodes: [] }, near) }
        : {}),
      prefer: async (...asked) => {
        const connection = inventory.connection(resource);
        if (!connection) throw new Error(`endpoint not found in cache for a registered resource: ${resource}`);
        if (!connection.options.getPreferredAllocationAvailable) return undefined;
        const failed = (error: Error) => {
          throw new Error(`device plugin GetPreferredAllocation rpc failed with err: ${error.message}`, {
            cause: error,
          });
        };
        if (!connection.plugin || connection.stoppedAt !== undefined) return failed(stopped(resource));
        return connection.plugin.prefer(...asked).catch(failed);
      },
    });
  }

  /** What init containers before this one hold, and no container since: they end before it begins. */
  #reusable(pod: Pod, container: string, resource: string): Set<string> {
    const free = new Set<string>();
    for (const { role, spec } of holders(pod)) {
      if (spec.name === container) break;
      const held = this.#options.holdings.of(uidOf(pod), spec.name).get(resource);
      for (const id of held ? idsOf(held) : []) {
        if (role === 'init') free.add(id);
        else free.delete(id);
      }
    }
    return free;
  }
}

/** A call to a plugin that went. */
export function stopped(resource: string): Error {
  return new Error(`endpoint ${resource} has been stopped`);
}

/** Devices stand for it that the scheduler has claimed for the pod: they are no plugin's. */
function isClaimed({ status }: Pod, containerName: string, resourceName: string): boolean {
  const mappings = status?.extendedResourceClaimStatus?.requestMappings ?? [];
  return mappings.some((each) => each.containerName === containerName && each.resourceName === resourceName);
}

function byNode(ids: readonly string[], resource: string, inventory: Inventory): Map<number, string[]> {
  const nodes = new Map<number, string[]>();
  for (const id of ids) {
    const near = inventory.device(resource, id)?.nodes ?? [];
    for (const node of near.length > 0 ? near : [NO_NODE]) nodes.set(node, [...(nodes.get(node) ?? []), id]);
  }
  return nodes;
}
