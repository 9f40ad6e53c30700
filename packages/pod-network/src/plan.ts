/** What a node's pods need to be one network with those of the others: a function of all Nodes. */
import type { NodeSpec, NodeStatus } from '@keelson/api/generated/types/core/v1';
import type { ObjectMeta } from '@keelson/api/generated/types/meta/v1';
import { canonical, FAMILIES, type Family, familyOf, familyOfRange } from '@keelson/proxy/addresses';

/** A range of another node's pods, and where that is. */
export interface Peer {
  readonly family: Family;
  readonly range: string;
  readonly nodeName: string;
  /** The node's, of the same family. */
  readonly address: string;
}

export interface Plan {
  readonly nodeName: string;
  /** Of this node's pods, the first family first; none: it has none yet. */
  readonly ranges: readonly string[];
  /** Of this node. */
  readonly addresses: Readonly<Partial<Record<Family, string>>>;
  /** All but this node, one for each range. */
  readonly peers: readonly Peer[];
  /** Of all pods of the cluster, those here included. */
  readonly pods: Readonly<Record<Family, readonly string[]>>;
}

/** What of a Node is looked at. */
export interface NodeFacts {
  readonly metadata?: Pick<ObjectMeta, 'name'>;
  readonly spec?: Pick<NodeSpec, 'podCIDR' | 'podCIDRs'>;
  readonly status?: Pick<NodeStatus, 'addresses'>;
}

/** A node without an address of a range's family is not reached there. */
export function planOf(nodeName: string, nodes: readonly NodeFacts[]): Plan {
  const others = nodes.filter(({ metadata }) => metadata?.name !== nodeName);
  const own = nodes.find(({ metadata }) => metadata?.name === nodeName);
  const all = [...new Set(nodes.flatMap(rangesOf))].sort();
  const [ipv4, ipv6] = FAMILIES.map((family) => all.filter((range) => familyOfRange(range) === family));
  return {
    nodeName,
    ranges: own ? rangesOf(own) : [],
    addresses: own ? addressesOf(own) : {},
    peers: others.flatMap(peersAt).sort((a, b) => (a.range < b.range ? -1 : 1)),
    pods: { IPv4: ipv4!, IPv6: ipv6! },
  };
}

/** Of a node's pods. */
export function rangesOf({ spec = {} }: NodeFacts): string[] {
  const all = spec.podCIDRs?.length ? spec.podCIDRs : [spec.podCIDR ?? ''];
  return all.filter((range) => familyOfRange(range) !== undefined).map(canonicalRange);
}

function peersAt(node: NodeFacts): Peer[] {
  const addresses = addressesOf(node);
  const nodeName = node.metadata?.name ?? '';
  return rangesOf(node).flatMap((range) => {
    const family = familyOfRange(range)!;
    const address = addresses[family];
    return address === undefined ? [] : [{ family, range, nodeName, address }];
  });
}

/** The first of each family by which machines of the cluster reach a node. */
function addressesOf({ status }: NodeFacts): Partial<Record<Family, string>> {
  const internal = (status?.addresses ?? []).filter(({ type }) => type === 'InternalIP').map(({ address }) => address);
  return Object.fromEntries(
    FAMILIES.flatMap((family) => {
      const address = internal.find((each) => familyOf(each) === family);
      return address === undefined ? [] : [[family, canonical(address)]];
    }),
  );
}

function canonicalRange(range: string): string {
  const [address = '', prefix] = range.split('/');
  return `${canonical(address)}/${prefix}`;
}
