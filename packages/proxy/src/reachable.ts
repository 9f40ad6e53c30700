/** Which endpoints traffic of this node goes to (pkg/proxy/topology.go; KEP-1669 for those that are about to end). */
import { hostPort } from './addresses.ts';
import type { Endpoint } from './endpoints.ts';
import { isExternal, type ServicePort } from './services.ts';

/** Where this proxy is. */
export interface Place {
  readonly nodeName: string;
  /** Empty where the node does not say. */
  readonly zone: string;
}

export interface Reachable {
  /** For traffic with the policy Cluster. Empty where the service never needs them. */
  readonly cluster: readonly Endpoint[];
  /** For traffic with the policy Local. Empty where the service never needs them. */
  readonly local: readonly Endpoint[];
  /** Both, each once. */
  readonly all: readonly Endpoint[];
  /** Whether there is an endpoint anywhere, be it out of reach from here. */
  readonly anywhere: boolean;
}

/** In the place of ready ones, where there are none: those that still serve. */
const isLeaving = ({ serving, terminating }: Endpoint) => serving && terminating;

export function reachable(endpoints: readonly Endpoint[], port: ServicePort, place: Place): Reachable {
  const external = isExternal(port);
  // Outside traffic that comes from this node takes all endpoints, whatever its policy.
  const usesCluster = !port.internalPolicyLocal || external;
  const usesLocal = port.internalPolicyLocal || (port.externalPolicyLocal && external);
  const ready = endpoints.filter((endpoint) => endpoint.ready);
  const cluster = usesCluster ? orElse(hinted(ready, place), () => endpoints.filter(isLeaving)) : [];
  const here = endpoints.filter((endpoint) => endpoint.local);
  const local = usesLocal
    ? orElse(
        here.filter((endpoint) => endpoint.ready),
        () => here.filter(isLeaving),
      )
    : [];
  const all = new Map([...cluster, ...local].map((endpoint) => [hostPort(endpoint.ip, endpoint.port), endpoint]));
  return { cluster, local, all: [...all.values()], anywhere: ready.length > 0 || endpoints.some(isLeaving) };
}

function orElse<T>(list: readonly T[], other: () => readonly T[]): readonly T[] {
  return list.length > 0 ? list : other();
}

/** Those with a hint for this node, or else for its zone: only where every endpoint has such hints, and one of them is for here. */
function hinted(ready: readonly Endpoint[], { nodeName, zone }: Place): readonly Endpoint[] {
  const choose = (hints: (endpoint: Endpoint) => ReadonlySet<string>, here: string) => {
    if (!ready.every((endpoint) => hints(endpoint).size > 0)) return [];
    return ready.filter((endpoint) => hints(endpoint).has(here));
  };
  return orElse(
    choose(({ nodeHints }) => nodeHints, nodeName),
    () =>
      orElse(
        choose(({ zoneHints }) => zoneHints, zone),
        () => ready,
      ),
  );
}
