/** The endpoints that slices name (pkg/proxy/endpointslicecache.go). */
import type { EndpointSlice } from '@keelson/api/generated/types/discovery/v1';
import { canonical, type Family, hostPort } from './addresses.ts';

export interface Endpoint {
  readonly ip: string;
  readonly port: number;
  /** Whether it is on this node. */
  readonly local: boolean;
  readonly ready: boolean;
  readonly serving: boolean;
  readonly terminating: boolean;
  readonly zoneHints: ReadonlySet<string>;
  readonly nodeHints: ReadonlySet<string>;
}

export const SERVICE_NAME = 'kubernetes.io/service-name';

/** The key of the endpoints of a port. */
export const endpointsKey = (name: string, protocol: string): string => `${name}/${protocol.toLowerCase()}`;

/**
 * The endpoints of a service by {@link endpointsKey}, each list in the order of its addresses. Of two endpoints with one address and
 * port, the one that is not about to end counts.
 * @param slices of one service
 */
export function endpointsOf(
  slices: readonly EndpointSlice[],
  family: Family,
  nodeName: string,
): Map<string, readonly Endpoint[]> {
  const byPort = new Map<string, Map<string, Endpoint>>();
  for (const { addressType, endpoints, ports } of slices) {
    if (addressType !== family) continue;
    for (const { name = '', protocol = 'TCP', port } of ports ?? []) {
      if (!port) continue;
      const key = endpointsKey(name, protocol);
      const known = byPort.get(key) ?? new Map<string, Endpoint>();
      byPort.set(key, known);
      for (const { addresses, conditions = {}, hints = {}, nodeName: node } of endpoints ?? []) {
        const [address] = addresses ?? [];
        if (address === undefined) continue;
        const ip = canonical(address);
        const terminating = conditions.terminating ?? false;
        if (terminating && known.has(hostPort(ip, port))) continue;
        known.set(hostPort(ip, port), {
          ip,
          port,
          local: node === nodeName,
          ready: conditions.ready ?? true,
          serving: conditions.serving ?? true,
          terminating,
          zoneHints: new Set((hints.forZones ?? []).map((zone) => zone.name)),
          nodeHints: new Set((hints.forNodes ?? []).map((hinted) => hinted.name)),
        });
      }
    }
  }
  const sorted = (endpoints: ReadonlyMap<string, Endpoint>) =>
    [...endpoints].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, endpoint]) => endpoint);
  return new Map([...byPort].map(([key, endpoints]) => [key, sorted(endpoints)]));
}

/** How many addresses on this node are ready, of all ports of a service. */
export function readyHere(endpoints: ReadonlyMap<string, readonly Endpoint[]>): number {
  const ready = [...endpoints.values()].flat().filter((endpoint) => endpoint.local && endpoint.ready);
  return new Set(ready.map(({ ip }) => ip)).size;
}
