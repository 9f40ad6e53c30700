/** Which container holds which devices (pkg/kubelet/cm/devicemanager/pod_devices.go). */
import type { DeviceGrant } from './types.ts';

/** What a container has of one resource. */
export interface Holding {
  /** By NUMA node; a device that is near to several is in each. `NO_NODE`: those that are near to none. */
  readonly devices: ReadonlyMap<number, readonly string[]>;
  readonly grant: DeviceGrant;
}

export const NO_NODE = -1;

/** Each device of a holding, once. */
export function idsOf({ devices }: Holding): Set<string> {
  return new Set([...devices.values()].flat());
}

type ByResource = Map<string, Holding>;

export class Holdings {
  /** By pod's uid and container's name. */
  readonly #pods = new Map<string, Map<string, ByResource>>();

  uids(): string[] {
    return [...this.#pods.keys()];
  }

  has(uid: string): boolean {
    return this.#pods.has(uid);
  }

  /** By resource; empty for a container that holds none. */
  of(uid: string, container: string): ReadonlyMap<string, Holding> {
    return this.#pods.get(uid)?.get(container) ?? NONE;
  }

  set(uid: string, container: string, resource: string, holding: Holding): void {
    const containers = this.#pods.get(uid) ?? new Map<string, ByResource>();
    const resources = containers.get(container) ?? new Map<string, Holding>();
    this.#pods.set(uid, containers.set(container, resources.set(resource, holding)));
  }

  /** Gives back what pods hold. */
  release(uids: Iterable<string>): void {
    for (const uid of uids) this.#pods.delete(uid);
  }

  /** What nobody else can have, by resource. */
  taken(): Map<string, Set<string>> {
    const taken = new Map<string, Set<string>>();
    for (const { resource, holding } of this.entries()) {
      const ids = taken.get(resource) ?? new Set();
      for (const id of idsOf(holding)) ids.add(id);
      taken.set(resource, ids);
    }
    return taken;
  }

  /** @returns uids of the pods that hold the device */
  holdersOf(resource: string, id: string): string[] {
    const found = [...this.entries()].filter((each) => each.resource === resource && idsOf(each.holding).has(id));
    return [...new Set(found.map(({ uid }) => uid))];
  }

  *entries(): Iterable<{ uid: string; container: string; resource: string; holding: Holding }> {
    for (const [uid, containers] of this.#pods) {
      for (const [container, resources] of containers) {
        for (const [resource, holding] of resources) yield { uid, container, resource, holding };
      }
    }
  }
}

const NONE: ReadonlyMap<string, Holding> = new Map();
