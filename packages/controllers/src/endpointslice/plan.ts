/**
 * Which slices a service should have, changing as few as can be (staging/src/k8s.io/endpointslice/reconciler.go). Pods with the
 * same numbers of ports share slices. Endpoints stay in the slice where they are; new ones fill slices that change
 * anyway, then the one where they fit best, then new ones. A service without endpoints has one slice with nothing in it.
 */
import type { Node, Pod, Service } from '@keelson/api/generated/types/core/v1';
import type { Endpoint, EndpointPort, EndpointSlice } from '@keelson/api/generated/types/discovery/v1';
import { isHeadless, isReachable } from '../services/pods.ts';
import { endpointOf, type Family, portsOf } from './endpoint.ts';
import type { Tally } from './metrics.ts';
import { type Hinted, type Ratios, wantsZones, withZones } from './topology.ts';

export const MANAGER = 'endpointslice-controller.k8s.io';
export const SERVICE_NAME = 'kubernetes.io/service-name';
export const MANAGED_BY = 'endpointslice.kubernetes.io/managed-by';
const HEADLESS = 'service.kubernetes.io/headless';

export interface Observed {
  readonly service: Service;
  /** That it selects. */
  readonly pods: readonly Pod[];
  /** That this controller manages for the service. */
  readonly slices: readonly EndpointSlice[];
  node(name: string): Node | undefined;
  /** How zones share the cluster's processors, if that can be told. */
  readonly ratios?: Ratios | undefined;
}

export interface Plan {
  readonly create: EndpointSlice[];
  readonly update: EndpointSlice[];
  readonly delete: EndpointSlice[];
  /** Pods on nodes that are not known, which are left out: to be looked at again. */
  readonly homeless: readonly string[];
  /** By family, what changes in numbers. */
  readonly tallies: ReadonlyMap<Family, Tally & { readonly changed: number }>;
  /** Of services whose endpoints are spread over zones, what came of that. */
  readonly spread: ReadonlyMap<Family, Pick<Hinted, 'counts' | 'problem'>>;
}

/** What is to be done for one family. */
type Part = Pick<Plan, 'create' | 'update' | 'delete'> & { added: number; removed: number };

interface Group {
  readonly ports: EndpointPort[];
  /** By what tells endpoints apart. */
  readonly endpoints: Map<string, Endpoint>;
}

/** @param capacity endpoints that a slice holds */
export function plan(observed: Observed, capacity: number): Plan {
  const families = (observed.service.spec.ipFamilies ?? []) as Family[];
  const spread = new Map<Family, Hinted>();
  const tallies = new Map<Family, Tally & { readonly changed: number }>();
  const whole: Plan = { create: [], update: [], delete: [], homeless: [], tallies, spread };
  whole.delete.push(...observed.slices.filter(({ addressType }) => !families.includes(addressType as Family)));
  const homeless = new Set<string>();
  for (const family of families) {
    const existing = observed.slices.filter(({ addressType }) => addressType === family);
    const groups = wantedGroups(observed, family, homeless);
    const part = planFamily(observed.service, family, groups, existing, capacity);
    if (wantsZones(observed.service)) spread.set(family, spreadOver(part, family, observed));
    tallies.set(family, {
      endpoints: Array.from(groups.values(), ({ endpoints }) => endpoints.size),
      slices: existing.length + part.create.length - part.delete.length,
      added: part.added,
      removed: part.removed,
      changed: part.create.length + part.update.length + part.delete.length,
    });
    whole.create.push(...part.create);
    whole.update.push(...part.update);
    whole.delete.push(...part.delete);
  }
  return { ...whole, homeless: [...homeless] };
}

/** Changes hints, and with them perhaps slices that would have stayed as they are. */
function spreadOver(part: Part, family: Family, { slices, ratios }: Observed): Hinted {
  const changing = new Set([...part.update, ...part.delete].map(({ metadata }) => metadata.name));
  const unchanged = slices.filter((slice) => slice.addressType === family && !changing.has(slice.metadata.name));
  const hinted = withZones({ ...part, unchanged }, ratios);
  part.create.splice(0, part.create.length, ...hinted.create);
  part.update.splice(0, part.update.length, ...hinted.update);
  return hinted;
}

function planFamily(
  service: Service,
  family: Family,
  groups: ReadonlyMap<string, Group>,
  existing: readonly EndpointSlice[],
  capacity: number,
): Part {
  const own = existing.filter((slice) => isOwnedBy(slice, service));
  const part: Part = {
    create: [],
    update: [],
    delete: existing.filter((s) => !own.includes(s)),
    added: 0,
    removed: 0,
  };
  const slicesByPorts = Map.groupBy(own, (slice) => portsKey(slice.ports ?? []));
  for (const [key, group] of groups) pack(service, family, group, slicesByPorts.get(key) ?? [], capacity, part);
  for (const [key, slices] of slicesByPorts) if (!groups.has(key)) part.delete.push(...slices);
  const nothingStays = part.delete.length === existing.length && part.create.length === 0;
  if (nothingStays) keepPlaceholder(service, family, part);
  reuse(service, part);
  return part;
}

function wantedGroups({ service, pods, node }: Observed, family: Family, homeless: Set<string>): Map<string, Group> {
  const groups = new Map<string, Group>();
  for (const pod of pods) {
    if (!isReachable(pod)) continue;
    const ports = portsOf(service, pod);
    const key = portsKey(ports);
    const group = groups.get(key) ?? { ports, endpoints: new Map() };
    groups.set(key, group);
    const host = node(pod.spec.nodeName ?? '');
    if (!host && !service.spec.publishNotReadyAddresses) {
      homeless.add(pod.metadata.name!);
      continue;
    }
    const endpoint = endpointOf(service, pod, host, family);
    if (endpoint.addresses?.length) group.endpoints.set(endpointKey(endpoint), endpoint);
  }
  return groups;
}

/** Puts the endpoints of a group into its slices. */
function pack(
  service: Service,
  family: Family,
  { ports, endpoints }: Group,
  slices: readonly EndpointSlice[],
  capacity: number,
  part: Part,
): void {
  const waiting = new Map(endpoints);
  const changed: EndpointSlice[] = [];
  const unchanged: EndpointSlice[] = [];
  for (const slice of slices) {
    const before = slice.endpoints ?? [];
    const kept = before.flatMap((endpoint) => {
      const wanted = waiting.get(endpointKey(endpoint));
      waiting.delete(endpointKey(endpoint));
      // Those hints are given to slices as a whole.
      const hints = wanted && wantsZones(service) && endpoint.hints;
      return wanted ? { ...wanted, ...(hints ? { hints } : {}) } : [];
    });
    const differs = kept.length !== before.length || kept.some((endpoint, i) => !same(endpoint, before[i]!));
    const labels = labelsOf(service);
    part.removed += before.length - kept.length;
    if (differs && kept.length === 0) part.delete.push(slice);
    else if (differs || !same(labels, slice.metadata.labels)) {
      changed.push({ ...slice, metadata: { ...slice.metadata, labels }, endpoints: kept });
    } else unchanged.push(slice);
  }
  const rest = [...waiting.values()];
  part.added += rest.length;
  changed.sort((a, b) => sizeOf(b) - sizeOf(a));
  for (const slice of changed) slice.endpoints!.push(...rest.splice(0, capacity - sizeOf(slice)));
  while (rest.length > 0) {
    const fitting = rest.length < capacity ? bestFit(unchanged, rest.length, capacity) : undefined;
    if (fitting) {
      unchanged.splice(unchanged.indexOf(fitting), 1);
      changed.push({ ...fitting, endpoints: [...(fitting.endpoints ?? []), ...rest.splice(0)] });
    } else part.create.push(newSlice(service, family, ports, rest.splice(0, capacity)));
  }
  part.update.push(...changed);
}

const sizeOf = ({ endpoints }: EndpointSlice) => endpoints?.length ?? 0;

/** The fullest slice that so many fit into. */
function bestFit(slices: readonly EndpointSlice[], count: number, capacity: number): EndpointSlice | undefined {
  const fitting = slices.filter((slice) => sizeOf(slice) + count <= capacity && sizeOf(slice) > 0);
  return fitting.sort((a, b) => sizeOf(b) - sizeOf(a))[0];
}

function keepPlaceholder(service: Service, family: Family, part: Part): void {
  const placeholder = newSlice(service, family, [], []);
  const [only] = part.delete;
  const isThere =
    part.delete.length === 1 &&
    sizeOf(only!) === 0 &&
    (only!.ports?.length ?? 0) === 0 &&
    isOwnedBy(only!, service) &&
    same(only!.metadata.labels, placeholder.metadata.labels);
  if (isThere) part.delete.length = 0;
  else part.create.push(placeholder);
}

/** A slice that would go may as well become one that would come. */
function reuse(service: Service, part: Part): void {
  for (const old of [...part.delete]) {
    if (part.create.length === 0) return;
    if (!isOwnedBy(old, service)) continue;
    const { ports, endpoints, metadata } = part.create.pop()!;
    part.delete.splice(part.delete.indexOf(old), 1);
    part.update.push({ ...old, metadata: { ...old.metadata, labels: metadata.labels! }, ports: ports!, endpoints });
  }
}

function newSlice(service: Service, family: Family, ports: EndpointPort[], endpoints: Endpoint[]): EndpointSlice {
  const { namespace, name = '', uid = '' } = service.metadata;
  const owner = { apiVersion: 'v1', kind: 'Service', name, uid, controller: true, blockOwnerDeletion: true };
  return {
    metadata: { namespace: namespace!, generateName: `${name}-`, labels: labelsOf(service), ownerReferences: [owner] },
    addressType: family,
    ports,
    endpoints,
  };
}

function labelsOf(service: Service): Record<string, string> {
  const { [SERVICE_NAME]: _, [MANAGED_BY]: __, [HEADLESS]: ___, ...labels } = service.metadata.labels ?? {};
  return {
    ...labels,
    ...(isHeadless(service) ? { [HEADLESS]: '' } : {}),
    [SERVICE_NAME]: service.metadata.name!,
    [MANAGED_BY]: MANAGER,
  };
}

function isOwnedBy({ metadata }: EndpointSlice, { metadata: { uid } }: Service): boolean {
  return (metadata.ownerReferences ?? []).some((o) => o.uid === uid && o.kind === 'Service' && o.apiVersion === 'v1');
}

/** Alike for slices that endpoints may share. */
export function portsKey(ports: readonly EndpointPort[]): string {
  return ports
    .map(({ name, port, protocol, appProtocol }) => JSON.stringify([name, port, protocol, appProtocol]))
    .sort()
    .join();
}

/** Tells endpoints apart. */
export function endpointKey({ addresses, hostname, nodeName, zone, targetRef }: Endpoint): string {
  const { kind, namespace, name, uid } = targetRef ?? {};
  return JSON.stringify([[...(addresses ?? [])].sort(), hostname, nodeName, zone, kind, namespace, name, uid]);
}

/** Alike, whatever order the fields are in. */
function same(a: unknown, b: unknown): boolean {
  return sorted(a) === sorted(b);
}

function sorted(value: unknown): string {
  return JSON.stringify(value, (_, each) =>
    each !== null && typeof each === 'object' && !Array.isArray(each)
      ? Object.fromEntries(Object.entries(each).sort(([x], [y]) => (x < y ? -1 : 1)))
      : each,
  );
}
