import { isExtendedResource, isHugePages } from '@keelson/api/resources/names';
import type { Amounts } from './requests.ts';

/** Amounts of resources in fixed places, so that filters compare numbers and look nothing up. */
export class Resources {
  /** Thousandths of a CPU. */
  milliCpu = 0;
  /** Bytes. */
  memory = 0;
  /** Bytes. */
  ephemeralStorage = 0;
  /** How many pods a node takes. */
  pods = 0;
  /** Extended resources, huge pages, attachable volumes; absent when there are none. */
  scalars: Map<string, number> | undefined;

  static of(amounts: Amounts): Resources {
    const resources = new Resources();
    for (const [resource, amount] of amounts) {
      if (resource === 'cpu') resources.milliCpu = amount;
      else if (resource === 'memory') resources.memory = amount;
      else if (resource === 'ephemeral-storage') resources.ephemeralStorage = amount;
      else if (resource === 'pods') resources.pods = amount;
      else if (isScalar(resource)) {
        resources.scalars ??= new Map();
        resources.scalars.set(resource, amount);
      }
    }
    return resources;
  }

  clone(): Resources {
    const copy = new Resources();
    copy.milliCpu = this.milliCpu;
    copy.memory = this.memory;
    copy.ephemeralStorage = this.ephemeralStorage;
    copy.pods = this.pods;
    if (this.scalars) copy.scalars = new Map(this.scalars);
    return copy;
  }

  /** @param sign 1, or -1 to take away */
  add(other: Resources, sign: 1 | -1): void {
    this.milliCpu += sign * other.milliCpu;
    this.memory += sign * other.memory;
    this.ephemeralStorage += sign * other.ephemeralStorage;
    if (!other.scalars) return;
    this.scalars ??= new Map();
    for (const [resource, amount] of other.scalars) {
      this.scalars.set(resource, (this.scalars.get(resource) ?? 0) + sign * amount);
    }
  }

  scalar(resource: string): number {
    return this.scalars?.get(resource) ?? 0;
  }

  /** Whether nothing is asked for. */
  get nothing(): boolean {
    return this.milliCpu === 0 && this.memory === 0 && this.ephemeralStorage === 0 && this.scalars === undefined;
  }
}

/** Counted in pieces on each node. */
export function isScalar(resource: string): boolean {
  return (
    isExtendedResource(resource) ||
    isHugePages(resource) ||
    resource.includes('kubernetes.io/') ||
    resource.startsWith('attachable-volumes-')
  );
}
