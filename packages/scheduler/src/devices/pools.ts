/** Devices that drivers tell of, in pools, as a node can have them (dynamic-resource-allocation/structured). */
import type { Node, NodeSelector } from '@keelson/api/generated/types/core/v1';
import type { CounterSet, Device, ResourceSlice } from '@keelson/api/generated/types/resource/v1';
import { compileNodeSelector } from '@keelson/api/resources/node-selector';

/** A device, unlike any other of the cluster. */
export interface Candidate {
  readonly id: string;
  readonly device: Device;
  readonly slice: ResourceSlice;
  readonly pool: Pool;
}

export interface Pool {
  readonly id: string;
  /** Nothing is allocated from it as long as the driver has not told of all of it, or tells what makes no sense. */
  readonly problem: 'incomplete' | 'invalid' | undefined;
  /** Those that the node can have, in the order in which they are taken. */
  readonly candidates: readonly Candidate[];
  readonly source: PoolSource;
}

/** All slices of the newest generation of a pool. */
export interface PoolSource {
  readonly id: string;
  readonly generation: number;
  readonly slices: ResourceSlice[];
}

export function deviceId(driver: string, pool: string, device: string): string {
  return `${driver}/${pool}/${device}`;
}

/** The pools of a cluster, found by node. */
export class Pools {
  readonly #local = new Map<string, Set<PoolSource>>();
  readonly #shared = new Set<PoolSource>();

  constructor(slices: Iterable<ResourceSlice>) {
    for (const source of newest(slices)) {
      for (const { spec } of source.slices) {
        if (spec.nodeName && !spec.sharedCounters?.length) {
          const local = this.#local.get(spec.nodeName) ?? new Set();
          this.#local.set(spec.nodeName, local.add(source));
        } else this.#shared.add(source);
      }
    }
  }

  /** Those that have something for a node; what is not ready at once comes last. */
  on(node: Node): Pool[] {
    const pools: Pool[] = [];
    for (const source of new Set([...(this.#local.get(node.metadata.name!) ?? []), ...this.#shared])) {
      const pool = poolOn(source, node);
      if (pool) pools.push(pool);
    }
    return pools.sort((a, b) => Number(isSlow(a)) - Number(isSlow(b)) || (a.id < b.id ? -1 : 1));
  }
}

function newest(slices: Iterable<ResourceSlice>): Iterable<PoolSource> {
  const sources = new Map<string, PoolSource>();
  for (const slice of slices) {
    const { driver, pool } = slice.spec;
    const id = `${driver}/${pool.name}`;
    const known = sources.get(id);
    if (!known || known.generation < pool.generation)
      sources.set(id, { id, generation: pool.generation, slices: [slice] });
    else if (known.generation === pool.generation) known.slices.push(slice);
  }
  return sources.values();
}

function poolOn(source: PoolSource, node: Node): Pool | undefined {
  const relevant = source.slices.filter((slice) => concerns(slice, node)).sort(byName);
  if (relevant.length === 0) return undefined;
  const { id } = source;
  if (source.slices.length !== relevant[0]!.spec.pool.resourceSliceCount)
    return { id, problem: 'incomplete', candidates: [], source };
  if (!isValid(relevant, source)) return { id, problem: 'invalid', candidates: [], source };
  const candidates: Candidate[] = [];
  const pool: Pool = { id, problem: undefined, candidates, source };
  for (const slice of relevant) {
    const { driver, devices = [], perDeviceNodeSelection } = slice.spec;
    for (const device of devices) {
      if (perDeviceNodeSelection && !isFor(device, node)) continue;
      candidates.push({ id: deviceId(driver, slice.spec.pool.name, device.name), device, slice, pool });
    }
  }
  return pool;
}

/** Counters that devices share are needed wherever the devices are. */
function concerns({ spec }: ResourceSlice, node: Node): boolean {
  if (spec.sharedCounters?.length) return true;
  if (spec.perDeviceNodeSelection) return (spec.devices ?? []).some((device) => isFor(device, node));
  return isFor(spec, node);
}

export interface Placed {
  readonly nodeName?: string;
  readonly allNodes?: boolean;
  readonly nodeSelector?: NodeSelector;
}

/** Whether the node can reach what is placed so. */
export function isFor({ nodeName, allNodes, nodeSelector }: Placed, node: Node): boolean {
  if (nodeName) return nodeName === node.metadata.name;
  if (allNodes) return true;
  return nodeSelector !== undefined && compileNodeSelector(nodeSelector)(node);
}

function isValid(relevant: readonly ResourceSlice[], { slices }: PoolSource): boolean {
  const names = relevant.flatMap(({ spec }) => (spec.devices ?? []).map(({ name }) => name));
  if (new Set(names).size < names.length) return false;
  const shared = countersOf(slices);
  const sets = new Map(shared.map((set) => [set.name, set]));
  if (sets.size < shared.length) return false;
  for (const { spec } of slices) {
    for (const { consumesCounters = [] } of spec.devices ?? []) {
      for (const { counterSet, counters = {} } of consumesCounters) {
        const set = sets.get(counterSet);
        if (!set || Object.keys(counters).some((name) => !set.counters?.[name])) return false;
      }
    }
  }
  return true;
}

export function countersOf(slices: readonly ResourceSlice[]): CounterSet[] {
  return slices.flatMap(({ spec }) => spec.sharedCounters ?? []);
}

function isSlow({ candidates }: Pool): boolean {
  return candidates.some(({ device }) => device.bindingConditions !== undefined);
}

function byName(a: ResourceSlice, b: ResourceSlice): number {
  return a.metadata.name! < b.metadata.name! ? -1 : 1;
}
