/**
 * Hints that spread a service's endpoints over zones by the processors that the zones have, so that traffic can stay in
 * them (staging/src/k8s.io/endpointslice/topologycache).
 */
import type { Node, Service } from '@keelson/api/generated/types/core/v1';
import type { Endpoint, EndpointSlice } from '@keelson/api/generated/types/discovery/v1';
import { Quantity } from '@keelson/api/quantity';

export const ZONE = 'topology.kubernetes.io/zone';
const EXCLUDED = ['node-role.kubernetes.io/control-plane', 'node-role.kubernetes.io/master'];
const MODES = ['service.kubernetes.io/topology-aware-hints', 'service.kubernetes.io/topology-mode'];
/** Of its share a zone needs so much: its endpoints may get a fifth more traffic than theirs. */
const LEAST = 1 / 1.2;

/** The share of processors that each zone has. */
export type Ratios = ReadonlyMap<string, number>;
/** Endpoints by the zone whose traffic they get. */
export type Counts = ReadonlyMap<string, number>;

export interface Slices {
  readonly create: readonly EndpointSlice[];
  readonly update: readonly EndpointSlice[];
  readonly unchanged: readonly EndpointSlice[];
}

export interface Hinted {
  readonly create: EndpointSlice[];
  readonly update: EndpointSlice[];
  /** Where hints were given. */
  readonly counts?: Counts;
  /** Why none were given. */
  readonly problem?: string;
}

interface Allocation {
  readonly minimum: number;
  readonly maximum: number;
  readonly desired: number;
}

export function wantsZones({ metadata: { annotations = {} } }: Service): boolean {
  const mode = MODES.map((name) => annotations[name]).find((value) => value !== undefined);
  return mode === 'Auto' || mode === 'auto';
}

/** Undefined where a node does not say enough, or there are not two zones. */
export function ratiosOf(nodes: Iterable<Node>): Ratios | undefined {
  const zones = new Map<string, number>();
  for (const { metadata, status } of nodes) {
    if (EXCLUDED.some((label) => metadata.labels?.[label] !== undefined) || !isReady(status)) continue;
    const zone = metadata.labels?.[ZONE];
    const cpu = Number(Quantity.parse(status?.allocatable?.cpu ?? '0').milliValue());
    if (!zone || cpu === 0) return undefined;
    zones.set(zone, (zones.get(zone) ?? 0) + cpu);
  }
  const total = sum(zones.values());
  return zones.size < 2 ? undefined : new Map([...zones].map(([zone, cpu]) => [zone, cpu / total]));
}

export function isReady(status: Node['status']): boolean {
  return status?.conditions?.find(({ type }) => type === 'Ready')?.status === 'True';
}

/** Whether some zone has so few endpoints that they get too much traffic. */
export function isOverloaded(counts: Counts, ratios: Ratios | undefined): boolean {
  if (counts.size === 0) return false;
  if (!ratios) return true;
  const total = sum(counts.values());
  return [...ratios].some(([zone, ratio]) => (counts.get(zone) ?? -1) < Math.ceil(total * ratio * LEAST));
}

/** Gives hints to what changes anyway, and to slices whose hints do not fit any more. */
export function withZones(slices: Slices, ratios: Ratios | undefined): Hinted {
  const ready = [...slices.create, ...slices.update, ...slices.unchanged].flatMap(readyOf);
  const allocations = allocate(ready.length, ratios);
  if (typeof allocations === 'string') return { ...withoutHints(slices), problem: allocations };
  const counts = new Map<string, number>();
  const update = [...slices.update];
  for (const slice of slices.unchanged) {
    const own = fittingHints(slice, counts, allocations);
    if (own) for (const [zone, count] of own) counts.set(zone, (counts.get(zone) ?? 0) + count);
    else update.push(slice);
  }
  const changing = [...slices.create, ...update].flatMap(readyOf);
  if (changing.some(({ zone }) => !zone)) {
    return { ...withoutHints(slices), problem: 'One or more endpoints do not have a zone specified' };
  }
  for (const { zone } of changing) counts.set(zone!, (counts.get(zone!) ?? 0) + 1);
  const moves = movesBetween(allocations, counts);
  if (counts.size === 0) return { ...withoutHints(slices), problem: 'No hints allocated for zones' };
  const hint = (slice: EndpointSlice) => withHints(slice, (zone) => moved(zone, moves, counts));
  return { create: slices.create.map(hint), update: update.map(hint), counts };
}

function withoutHints({ create, update, unchanged }: Slices): { create: EndpointSlice[]; update: EndpointSlice[] } {
  const bare = (slice: EndpointSlice) => withHints(slice, () => undefined);
  const hinted = unchanged.filter(({ endpoints }) => endpoints?.some(({ hints }) => hints));
  return { create: create.map(bare), update: [...update, ...hinted].map(bare) };
}

/** How many endpoints zones should have, or why that cannot be. */
function allocate(endpoints: number, ratios: Ratios | undefined): ReadonlyMap<string, Allocation> | string {
  if (!ratios) {
    return 'Insufficient Node information: allocatable CPU or zone not specified on one or more nodes';
  }
  const numbers = `(${endpoints} endpoints, ${ratios.size} zones)`;
  if (ratios.size > endpoints) return `Insufficient number of endpoints ${numbers}`;
  const minima = new Map([...ratios].map(([zone, ratio]) => [zone, Math.ceil(ratio * endpoints * LEAST)]));
  const least = sum(minima.values());
  if (least > endpoints) {
    const problem = 'Unable to allocate minimum required endpoints to each zone without exceeding overload threshold';
    return `${problem} ${numbers}`;
  }
  return new Map(
    [...minima].map(([zone, minimum]) => {
      const desired = Math.max(ratios.get(zone)! * endpoints, minimum);
      return [zone, { minimum, maximum: minimum + endpoints - least, desired }];
    }),
  );
}

/** The hints that a slice has, unless one is missing, or zones would get more than they may. */
function fittingHints(
  slice: EndpointSlice,
  others: Counts,
  allocations: ReadonlyMap<string, Allocation>,
): Counts | undefined {
  const own = new Map<string, number>();
  for (const { hints } of readyOf(slice)) {
    if (!hints?.forZones?.length) return undefined;
    for (const { name } of hints.forZones) own.set(name, (own.get(name) ?? 0) + 1);
  }
  const fits = [...own].every(
    ([zone, count]) => count + (others.get(zone) ?? 0) <= (allocations.get(zone)?.maximum ?? -1),
  );
  return fits ? own : undefined;
}

interface Moves {
  readonly giving: Map<string, number>;
  readonly receiving: Map<string, number>;
}

/** How many endpoints zones give away, and how many they get. */
function movesBetween(allocations: ReadonlyMap<string, Allocation>, counts: Counts): Moves {
  const surplus = new Map<string, number>();
  for (const [zone, { desired }] of allocations) surplus.set(zone, (counts.get(zone) ?? 0) - desired);
  const giving = new Map<string, number>();
  const receiving = new Map<string, number>();
  for (;;) {
    const ordered = [...surplus].sort(([, a], [, b]) => b - a);
    const [from, give] = ordered[0] ?? ['', 0];
    const [to, lacking] = ordered.at(-1) ?? ['', 0];
    const take = -lacking;
    if (give < 0.5 || take < 0.5 || (give < 1 && take < 1)) return { giving, receiving };
    giving.set(from, (giving.get(from) ?? 0) + 1);
    receiving.set(to, (receiving.get(to) ?? 0) + 1);
    surplus.set(from, give - 1);
    surplus.set(to, lacking + 1);
  }
}

/** The zone that an endpoint of a zone is for: its own, unless that gives it away. */
function moved(zone: string, { giving, receiving }: Moves, counts: Map<string, number>): string {
  const [to] = receiving.keys();
  if (to === undefined || !giving.has(zone)) return zone;
  takeOne(giving, zone);
  takeOne(receiving, to);
  counts.set(zone, counts.get(zone)! - 1);
  counts.set(to, (counts.get(to) ?? 0) + 1);
  return to;
}

function takeOne(counts: Map<string, number>, zone: string): void {
  const left = counts.get(zone)! - 1;
  if (left > 0) counts.set(zone, left);
  else counts.delete(zone);
}

/** The slice with other hints: of ready endpoints those that `zoneFor` names, of others none. */
function withHints(slice: EndpointSlice, zoneFor: (zone: string) => string | undefined): EndpointSlice {
  const endpoints = slice.endpoints?.map((endpoint) => {
    const { hints: _, ...bare } = endpoint;
    const name = endpoint.conditions?.ready ? zoneFor(endpoint.zone ?? '') : undefined;
    return name === undefined ? bare : { ...bare, hints: { forZones: [{ name }] } };
  });
  return { ...slice, endpoints: endpoints ?? [] };
}

function readyOf({ endpoints }: EndpointSlice): Endpoint[] {
  return (endpoints ?? []).filter(({ conditions }) => conditions?.ready);
}

function sum(numbers: Iterable<number>): number {
  return [...numbers].reduce((total, each) => total + each, 0);
}
