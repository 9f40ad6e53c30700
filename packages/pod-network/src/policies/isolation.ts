/** What NetworkPolicies leave of the traffic of a node's pods (networking.k8s.io/v1), as values: no address is looked up here. */
import type {
  IPBlock,
  NetworkPolicy,
  NetworkPolicyPeer,
  NetworkPolicyPort,
} from '@keelson/api/generated/types/networking/v1';
import { type Family, familyOfRange } from '@keelson/proxy/addresses';
import type { Protocol } from '@keelson/proxy/services';
import { type Address, type Cluster, type Member, protocolNamed, selectorOf } from './cluster.ts';

export const DIRECTIONS = ['ingress', 'egress'] as const;
export type Direction = (typeof DIRECTIONS)[number];

/** A pod here that policies select. */
export interface IsolatedPod {
  readonly addresses: readonly Address[];
  /** The policies of each direction, by name; none: it is not isolated. */
  readonly policies: Readonly<Record<Direction, readonly string[]>>;
}

export interface Block {
  readonly family: Family;
  readonly range: string;
  readonly except: readonly string[];
}

export interface Peers {
  /** Undefined: none are selected by what they are, whoever comes. */
  readonly pods: readonly Address[] | undefined;
  readonly blocks: readonly Block[];
}

/** A port of a pod. */
export interface PodPort extends Address {
  readonly protocol: Protocol;
  readonly port: number;
}

export interface Ports {
  /** First and last; undefined: all of the protocol. */
  readonly ranges: readonly { readonly protocol: Protocol; readonly range: readonly [number, number] | undefined }[];
  /** What names mean at the pods that are spoken to; undefined: there are no names. */
  readonly named: readonly PodPort[] | undefined;
}

/** What one rule of a policy allows: these peers, and these ports of who is spoken to. */
export interface Allowance {
  /** Undefined: everybody. */
  readonly peers: Peers | undefined;
  /** Undefined: everything, whatever its protocol. */
  readonly ports: Ports | undefined;
}

/** NAMESPACE/NAME */
export const nameOf = ({ metadata }: NetworkPolicy): string => `${metadata.namespace}/${metadata.name}`;

/** Those that are said; else ingress, and egress where there are rules of it. */
export function directionsOf({ spec }: NetworkPolicy): Direction[] {
  if (!spec.policyTypes?.length) return spec.egress?.length ? ['ingress', 'egress'] : ['ingress'];
  return DIRECTIONS.filter((direction) => spec.policyTypes!.some((type) => type.toLowerCase() === direction));
}

/** The pods of a node that are isolated. Of two with one address, which has passed on from the one to the other, the younger is meant. */
export function isolatedPods(nodeName: string, policies: readonly NetworkPolicy[], cluster: Cluster): IsolatedPod[] {
  const byNamespace = Map.groupBy(
    policies.map((policy) => ({
      name: nameOf(policy),
      namespace: policy.metadata.namespace,
      selector: selectorOf(policy.spec.podSelector),
      directions: directionsOf(policy),
    })),
    ({ namespace }) => namespace,
  );
  const here = cluster.all().filter((pod) => pod.nodeName === nodeName);
  const owners = new Map<string, Member>();
  for (const pod of here.sort((a, b) => (a.created < b.created ? -1 : a.created > b.created ? 1 : 0)))
    for (const { address } of pod.addresses) owners.set(address, pod);
  return here.flatMap((pod): IsolatedPod[] => {
    const selecting = (byNamespace.get(pod.namespace) ?? []).filter(({ selector }) => selector.matches(pod.labels));
    const addresses = pod.addresses.filter(({ address }) => owners.get(address) === pod);
    if (selecting.length === 0 || addresses.length === 0) return [];
    const named = (direction: Direction) =>
      selecting
        .filter(({ directions }) => directions.includes(direction))
        .map(({ name }) => name)
        .sort();
    return [{ addresses, policies: { ingress: named('ingress'), egress: named('egress') } }];
  });
}

/** What a policy allows the pods that it selects. */
export function allowancesOf(
  policy: NetworkPolicy,
  direction: Direction,
  nodeName: string,
  cluster: Cluster,
): Allowance[] {
  const namespace = policy.metadata.namespace ?? '';
  const { spec } = policy;
  if (direction === 'ingress') {
    const selector = selectorOf(spec.podSelector);
    const selected = () =>
      cluster.in(namespace).filter((pod) => pod.nodeName === nodeName && selector.matches(pod.labels));
    return (spec.ingress ?? []).map(({ from, ports }) => ({
      peers: peersOf(from, namespace, cluster)?.peers,
      ports: portsOf(ports, selected),
    }));
  }
  return (spec.egress ?? []).map(({ to, ports }) => {
    const found = peersOf(to, namespace, cluster);
    // Whoever is in a block, or everybody, may be a pod that has a port of that name.
    const isOpen = found === undefined || found.peers.blocks.length > 0;
    return { peers: found?.peers, ports: portsOf(ports, () => (isOpen ? cluster.all() : found.members)) };
  });
}

function peersOf(
  given: readonly NetworkPolicyPeer[] | undefined,
  namespace: string,
  cluster: Cluster,
): { peers: Peers; members: Member[] } | undefined {
  if (!given?.length) return undefined;
  const blocks = given.flatMap(({ ipBlock }) => (ipBlock ? blockOf(ipBlock) : []));
  const selecting = given.filter(({ ipBlock }) => ipBlock === undefined);
  const members = [...new Set(selecting.flatMap((peer) => cluster.peers(peer, namespace)))];
  const pods = selecting.length === 0 ? undefined : members.flatMap(({ addresses }) => addresses);
  return { peers: { pods, blocks }, members };
}

/** One with an exception that is not understood is left out: it would allow what it should not. */
function blockOf({ cidr, except = [] }: IPBlock): Block[] {
  const family = familyOfRange(cidr);
  if (family === undefined || except.some((range) => familyOfRange(range) !== family)) return [];
  return [{ family, range: cidr, except }];
}

function portsOf(
  given: readonly NetworkPolicyPort[] | undefined,
  spokenTo: () => readonly Member[],
): Ports | undefined {
  if (!given?.length) return undefined;
  const ranges: Ports['ranges'][number][] = [];
  const names: { readonly name: string; readonly protocol: Protocol }[] = [];
  for (const { protocol: said, port, endPort } of given) {
    const protocol = protocolNamed(said);
    if (protocol === undefined) continue;
    if (port === undefined) ranges.push({ protocol, range: undefined });
    else if (typeof port === 'number') ranges.push({ protocol, range: [port, Math.max(port, endPort ?? port)] });
    else names.push({ name: port, protocol });
  }
  if (names.length === 0) return { ranges, named: undefined };
  const named = spokenTo().flatMap(({ addresses, ports }) =>
    ports
      .filter((port) => names.some(({ name, protocol }) => name === port.name && protocol === port.protocol))
      .flatMap(({ protocol, port }) => addresses.map((address) => ({ ...address, protocol, port }))),
  );
  return { ranges, named };
}
