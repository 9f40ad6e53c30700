/**
 * How much of an extended resource devices stand for on a node, and how much of that claims have: for nodes that do not have
 * it by themselves (calculateDRAResourceTotals of pkg/scheduler/framework/plugins/noderesources). Pools that are incomplete
 * count, as they do upstream: this says how good a node is, not whether it will do.
 */
import type { Node } from '@keelson/api/generated/types/core/v1';
import type { Device, DeviceClass, ResourceSlice } from '@keelson/api/generated/types/resource/v1';
import type { Lister } from '@keelson/client';
import type { PluginContext } from '../framework/plugin.ts';
import type { Resources } from '../pods/resources.ts';
import type { Allocated } from './allocator.ts';
import { byResource, classOf, type DeviceResources, type IndexedClasses } from './extended-resources.ts';
import { deviceId, isFor } from './pools.ts';
import { Selectors } from './selectors.ts';
import { ClaimTracker } from './tracker.ts';

export interface Use {
  readonly capacity: number;
  readonly used: number;
}

const NOTHING: Use = { capacity: 0, used: 0 };

/** What use of devices is found out from. */
export interface DeviceUseParts {
  readonly classes: IndexedClasses;
  readonly slices: Lister<ResourceSlice>;
  readonly tracker: ClaimTracker;
  readonly selectors: Selectors;
}

export function deviceUseParts({ listers, isEnabled }: Pick<PluginContext, 'listers' | 'isEnabled'>): DeviceUseParts {
  return {
    classes: byResource(listers('deviceclasses.resource.k8s.io'), isEnabled),
    slices: listers('resourceslices.resource.k8s.io'),
    tracker: ClaimTracker.of(listers('resourceclaims.resource.k8s.io')),
    selectors: new Selectors(),
  };
}

/**
 * @param scored the resources whose use matters
 * @returns undefined where the pod asks for none of them that devices may stand for
 */
export function deviceUse(
  { scalars }: Resources,
  scored: readonly { readonly name: string }[],
  { classes, slices, tracker, selectors }: DeviceUseParts,
): DeviceUse | undefined {
  if (!scalars) return undefined;
  const resources = new Map<string, DeviceClass>();
  for (const { name } of scored) {
    const behind = (scalars.get(name) ?? 0) > 0 ? classOf(name, classes) : undefined;
    if (behind) resources.set(name, behind);
  }
  return resources.size === 0 ? undefined : new DeviceUse(resources, slices.values(), tracker.allocated(), selectors);
}

/** For one pod: what is allocated does not change meanwhile. */
export class DeviceUse {
  readonly #resources: DeviceResources;
  readonly #allocated: Allocated;
  readonly #selectors: Selectors;
  readonly #local = new Map<string, ResourceSlice[]>();
  readonly #shared: ResourceSlice[] = [];
  readonly #matching = new Map<DeviceClass, Map<Device, boolean>>();
  readonly #found = new Map<string, Use>();

  constructor(resources: DeviceResources, slices: Iterable<ResourceSlice>, allocated: Allocated, selectors: Selectors) {
    this.#resources = resources;
    this.#allocated = allocated;
    this.#selectors = selectors;
    for (const slice of slices) {
      const { nodeName } = slice.spec;
      if (!nodeName) this.#shared.push(slice);
      else if (this.#local.get(nodeName)?.push(slice) === undefined) this.#local.set(nodeName, [slice]);
    }
  }

  /** Nothing for what no class stands behind, and where a selector breaks. */
  on(node: Node, resource: string): Use {
    const deviceClass = this.#resources.get(resource);
    if (!deviceClass) return NOTHING;
    const key = `${resource} ${node.metadata.name}`;
    let use = this.#found.get(key);
    if (!use) {
      try {
        use = this.#count(node, deviceClass);
      } catch {
        use = NOTHING;
      }
      this.#found.set(key, use);
    }
    return use;
  }

  #count(node: Node, deviceClass: DeviceClass): Use {
    let capacity = 0;
    let used = 0;
    for (const { spec } of [...(this.#local.get(node.metadata.name!) ?? []), ...this.#shared]) {
      const { driver, pool, devices = [], perDeviceNodeSelection } = spec;
      if (!perDeviceNodeSelection && !isFor(spec, node)) continue;
      for (const device of devices) {
        if (perDeviceNodeSelection && !isFor(device, node)) continue;
        if (!this.#takes(deviceClass, driver, device)) continue;
        capacity += 1;
        const id = deviceId(driver, pool.name, device.name);
        if (this.#allocated.devices.has(id) || this.#allocated.shares.has(id)) used += 1;
      }
    }
    return { capacity, used };
  }

  /** @throws Error for a selector that does not compile or breaks */
  #takes(deviceClass: DeviceClass, driver: string, device: Device): boolean {
    const { selectors = [] } = deviceClass.spec;
    if (selectors.length === 0) return true;
    const known = this.#matching.get(deviceClass) ?? new Map<Device, boolean>();
    this.#matching.set(deviceClass, known);
    let takes = known.get(device);
    if (takes === undefined) {
      const input = { driver, ...device };
      const owner = `class ${deviceClass.metadata.name}`;
      takes = selectors.every(({ cel }) => !cel || this.#selectors.matches(cel.expression, input, owner));
      known.set(device, takes);
    }
    return takes;
  }
}
