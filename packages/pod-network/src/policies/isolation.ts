/** What NetworkPolicies leave of the traffic of a node's pods (networking.k8s.io/v1), as values: no pod is looked up here. */
import type {
  IPBlock,
  NetworkPolicy,
  NetworkPolicyPeer,
  NetworkPolicyPort,
} from '@keelson/api/generated/types/networking/v1';
import { type Family, familyOfRange } from '@keelson/proxy/addresses';
import type { Protocol } from '@keelson/proxy/services';
import { protocolNamed } from './members.ts';
import { type PodSet, peerSet, portSet } from './pod-sets.ts';

export const DIRECTIONS = ['ingress', 'egress'] as const;
export type Direction = (typeof DIRECTIONS)[number];

export interface Block {
  readonly family: Family;
  readonly range: string;
  readonly except: readonly string[];
}

export interface Peers {
  /** Pods, by what they are. */
  readonly pods: readonly PodSet[];
  readonly blocks: readonly Block[];
}

export interface Ports {
  /** First and last; undefined: all of the protocol. */
  readonly ranges: readonly { readonly protocol: Protocol; readonly range: readonly [number, number] | undefined }[];
  /** What names mean at the pods that are spoken to. */
  readonly named: readonly PodSet[];
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

/** What a policy allows the pods that it selects. @param nodeName where these are */
export function allowancesOf({ metadata, spec }: NetworkPolicy, direction: Direction, nodeName: string): Allowance[] {
  const namespace = metadata.namespace ?? '';
  if (direction === 'egress')
    return (spec.egress ?? []).map(({ to, ports }) => ({
      peers: peersOf(to, namespace),
      ports: portsOf(ports, undefined),
    }));
  return (spec.ingress ?? []).map(({ from, ports }) => ({
    peers: peersOf(from, namespace),
    ports: portsOf(ports, nodeName),
  }));
}

function peersOf(given: readonly NetworkPolicyPeer[] | undefined, namespace: string): Peers | undefined {
  if (!given?.length) return undefined;
  const pods = given.filter(({ ipBlock }) => ipBlock === undefined).map((peer) => peerSet(peer, namespace));
  return { pods: distinct(pods), blocks: given.flatMap(({ ipBlock }) => (ipBlock ? blockOf(ipBlock) : [])) };
}

/** One with an exception that is not understood is left out: it would allow what it should not. */
function blockOf({ cidr, except = [] }: IPBlock): Block[] {
  const family = familyOfRange(cidr);
  if (family === undefined || except.some((range) => familyOfRange(range) !== family)) return [];
  return [{ family, range: cidr, except }];
}

/** @param nodeName of the pods that are spoken to; undefined: of any node */
function portsOf(given: readonly NetworkPolicyPort[] | undefined, nodeName: string | undefined): Ports | undefined {
  if (!given?.length) return undefined;
  const ranges: Ports['ranges'][number][] = [];
  const named: PodSet[] = [];
  for (const { protocol: said, port, endPort } of given) {
    const protocol = protocolNamed(said);
    if (protocol === undefined) continue;
    if (port === undefined) ranges.push({ protocol, range: undefined });
    else if (typeof port === 'number') ranges.push({ protocol, range: [port, Math.max(port, endPort ?? port)] });
    else named.push(portSet(port, protocol, nodeName));
  }
  return { ranges, named: distinct(named) };
}

const distinct = (sets: readonly PodSet[]): PodSet[] => [...new Map(sets.map((set) => [set.name, set])).values()];
