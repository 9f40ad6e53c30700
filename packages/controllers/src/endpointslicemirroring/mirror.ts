/** Endpoints that somebody wrote by hand, as slices (pkg/controller/endpointslicemirroring). */
import type { EndpointAddress, Endpoints } from '@keelson/api/generated/types/core/v1';
import type { Endpoint, EndpointSlice } from '@keelson/api/generated/types/discovery/v1';
import { parseIPSloppy } from '@keelson/api/ip';
import type { Tally } from '../endpointslice/metrics.ts';
import { endpointKey, MANAGED_BY, portsKey, SERVICE_NAME } from '../endpointslice/plan.ts';

export const MANAGER = 'endpointslicemirroring-controller.k8s.io';
const SKIP = 'endpointslice.kubernetes.io/skip-mirror';
const LEADER = 'control-plane.alpha.kubernetes.io/leader';
const LAST_CHANGE = 'endpoints.kubernetes.io/last-change-trigger-time';
const LAST_APPLIED = 'kubectl.kubernetes.io/last-applied-configuration';
/** Of one subset, so many addresses are mirrored. */
export const MAX_PER_SUBSET = 1000;
/** Endpoints that a slice holds. */
export const CAPACITY = 1000;

/** Whether they are to be mirrored, if their service has no selector. */
export function isMirrored({ metadata: { labels, annotations } }: Endpoints): boolean {
  return labels?.[SKIP] !== 'true' && annotations?.[LEADER] === undefined;
}

/** The slices that say the same, without names; one for each subset and family, more where it has many addresses. */
export function slicesOf(endpoints: Endpoints): EndpointSlice[] {
  const { namespace = '', name = '', uid = '', labels = {}, annotations = {} } = endpoints.metadata;
  const { [LAST_CHANGE]: _, [LAST_APPLIED]: __, ...kept } = annotations;
  const owner = { apiVersion: 'v1', kind: 'Endpoints', name, uid, controller: true, blockOwnerDeletion: true };
  const metadata = {
    namespace,
    generateName: `${name}-`,
    labels: { ...labels, [SERVICE_NAME]: name, [MANAGED_BY]: MANAGER },
    ...(Object.keys(kept).length > 0 ? { annotations: kept } : {}),
    ownerReferences: [owner],
  };
  return (endpoints.subsets ?? []).flatMap(({ addresses = [], notReadyAddresses = [], ports = [] }) => {
    const all = [
      ...addresses.map((address) => endpointOf(address, true)),
      ...notReadyAddresses.map((address) => endpointOf(address, false)),
    ];
    const numbers = ports.map(({ name: port = '', ...rest }) => ({ name: port, ...rest }));
    const byFamily = Map.groupBy(all.slice(0, MAX_PER_SUBSET), ({ addresses: [ip = ''] }) => parseIPSloppy(ip)?.family);
    return (['IPv4', 'IPv6'] as const).flatMap((addressType) => {
      const own = byFamily.get(addressType) ?? [];
      const count = Math.ceil(own.length / CAPACITY);
      return Array.from({ length: count }, (_, i) => ({
        metadata,
        addressType,
        endpoints: own.slice(i * CAPACITY, (i + 1) * CAPACITY),
        ports: numbers,
      }));
    });
  });
}

function endpointOf(
  { ip, hostname, nodeName, targetRef }: EndpointAddress,
  ready: boolean,
): Endpoint & { addresses: string[] } {
  return {
    addresses: [ip],
    conditions: { ready },
    ...(hostname ? { hostname } : {}),
    ...(targetRef ? { targetRef } : {}),
    ...(nodeName ? { nodeName } : {}),
  };
}

export interface Plan {
  readonly create: readonly EndpointSlice[];
  readonly update: readonly EndpointSlice[];
  readonly delete: readonly EndpointSlice[];
}

/** Slices that are right stay; others are written over where the address type fits; what is too many goes. */
export function plan(wanted: readonly EndpointSlice[], existing: readonly EndpointSlice[]): Plan {
  const left = [...existing];
  const open: EndpointSlice[] = [];
  for (const slice of wanted) {
    const right = left.findIndex((each) => contentOf(each) === contentOf(slice));
    if (right < 0) open.push(slice);
    else left.splice(right, 1);
  }
  const [create, update]: [EndpointSlice[], EndpointSlice[]] = [[], []];
  for (const slice of open) {
    const reused = left.findIndex(({ addressType }) => addressType === slice.addressType);
    if (reused < 0) {
      create.push(slice);
      continue;
    }
    const [old] = left.splice(reused, 1);
    const { generateName: _, ...metadata } = slice.metadata;
    update.push({ ...old!, ...slice, metadata: { ...old!.metadata, ...metadata } });
  }
  return { create, update, delete: left };
}

function contentOf({ metadata: { labels, annotations = {} }, addressType, endpoints, ports }: EndpointSlice): string {
  return JSON.stringify([labels, annotations, addressType, endpoints, ports], (_, value: unknown) =>
    value !== null && typeof value === 'object' && !Array.isArray(value)
      ? Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)))
      : value,
  );
}

/** What a plan changes in numbers; what groups lose that are wanted no more is not counted. */
export function tallyOf(
  wanted: readonly EndpointSlice[],
  existing: readonly EndpointSlice[],
  { create, delete: gone }: Plan,
): Tally & { readonly updated: number } {
  const before = Map.groupBy(existing, groupOf);
  const tally = { added: 0, updated: 0, removed: 0 };
  const groups = Map.groupBy(wanted, groupOf);
  for (const [group, slices] of groups) {
    const left = new Map(endpointsOf(before.get(group) ?? []).map((each) => [endpointKey(each), each]));
    for (const endpoint of endpointsOf(slices)) {
      const old = left.get(endpointKey(endpoint));
      left.delete(endpointKey(endpoint));
      if (!old) tally.added++;
      else if (old.conditions?.ready !== endpoint.conditions?.ready) tally.updated++;
    }
    tally.removed += left.size;
  }
  const endpoints = Array.from(groups.values(), (slices) => endpointsOf(slices).length);
  return { ...tally, endpoints, slices: existing.length + create.length - gone.length };
}

const groupOf = ({ addressType, ports }: EndpointSlice) => `${addressType} ${portsKey(ports ?? [])}`;
const endpointsOf = (slices: readonly EndpointSlice[]) => slices.flatMap(({ endpoints }) => endpoints ?? []);

/** How many addresses are not in the slices, and of them how many are no addresses. */
export function leftOut({ subsets = [] }: Endpoints): { readonly all: number; readonly invalid: number } {
  const counts = { all: 0, invalid: 0 };
  for (const { addresses = [], notReadyAddresses = [] } of subsets) {
    const every = [...addresses, ...notReadyAddresses];
    const invalid = every.slice(0, MAX_PER_SUBSET).filter(({ ip }) => !parseIPSloppy(ip)).length;
    counts.invalid += invalid;
    counts.all += invalid + Math.max(0, every.length - MAX_PER_SUBSET);
  }
  return counts;
}
