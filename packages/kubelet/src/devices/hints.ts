/** Near to which CPUs and memory devices could be (pkg/kubelet/cm/devicemanager/topology_hints.go). */
import { type Hint, hintsFor, includes, type Nodes } from '../topology/hints.ts';
import type { Device } from './types.ts';

export interface DeviceSupply {
  /** Of the machine. */
  readonly nodes: readonly number[];
  /** All of the resource. */
  readonly devices: ReadonlyMap<string, Device>;
  /** What whoever asks has of it already. */
  readonly held: ReadonlySet<string>;
  /** What init containers of the pod have, that have ended before. */
  readonly reusable: ReadonlySet<string>;
  /** Healthy, and nobody's. */
  readonly free: ReadonlySet<string>;
}

/** @returns undefined where no device is nearer to anything than another; none where there are not as many */
export function deviceHints(count: number, supply: DeviceSupply): readonly Hint[] | undefined {
  const { nodes, devices, held, reusable, free } = supply;
  const all = [...devices.values()];
  if (all.every((device) => device.nodes.length === 0)) return undefined;
  if (held.size > 0 && held.size !== count) return [];
  if (held.size === 0 && new Set([...free, ...reusable]).size < count) return [];
  const is = (near: Nodes) => (id: string) => devices.get(id)?.nodes.some((node) => includes(near, node)) ?? false;
  const again = [...reusable].filter((id) => (devices.get(id)?.nodes.length ?? 0) > 0);
  const available = held.size > 0 ? [...held] : [...free];
  const own = nodes.filter((node) => all.some((device) => device.nodes.includes(node)));
  return hintsFor({
    nodes: own.length > 0 ? own : nodes,
    count,
    all: (near) => all.filter(({ id }) => is(near)(id)).length,
    free: (near) => {
      if (held.size > 0) return available.filter(is(near)).length;
      return again.every(is(near)) ? again.length + available.filter(is(near)).length : undefined;
    },
  });
}

/** 0: on one of the nodes; 1: on others; 2: on none in particular. */
export function nearness({ nodes }: Pick<Device, 'nodes'>, near: Nodes): 0 | 1 | 2 {
  if (nodes.length === 0) return 2;
  return nodes.some((node) => includes(near, node)) ? 0 : 1;
}
