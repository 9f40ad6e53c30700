import type { Device } from '@keelson/api/generated/types/resource/v1';
import { Quantity } from '@keelson/api/quantity';
import { countersOf, deviceId, type PoolSource } from './pools.ts';

/** What is left of the counters that the devices of a pool share. */
export class Counters {
  readonly #left = new Map<string, Quantity>();

  /** @param isAllocated whether a device belongs to a claim already */
  constructor({ slices }: PoolSource, isAllocated: (id: string) => boolean) {
    for (const { name, counters = {} } of countersOf(slices)) {
      for (const [counter, { value }] of Object.entries(counters))
        this.#left.set(`${name}/${counter}`, Quantity.parse(String(value)));
    }
    for (const { spec } of slices) {
      for (const device of spec.devices ?? []) {
        if (isAllocated(deviceId(spec.driver, spec.pool.name, device.name))) this.take(device);
      }
    }
  }

  /** @returns whether there is enough of all; if not, some are below nothing until the device is given back */
  take(device: Device): boolean {
    for (const [key, amount] of needs(device)) this.#left.set(key, this.#left.get(key)!.sub(amount));
    for (const left of this.#left.values()) if (left.sign() < 0) return false;
    return true;
  }

  giveBack(device: Device): void {
    for (const [key, amount] of needs(device)) this.#left.set(key, this.#left.get(key)!.add(amount));
  }
}

function* needs({ consumesCounters = [] }: Device): Iterable<readonly [string, Quantity]> {
  for (const { counterSet, counters = {} } of consumesCounters) {
    for (const [counter, { value }] of Object.entries(counters))
      yield [`${counterSet}/${counter}`, Quantity.parse(String(value))];
  }
}
