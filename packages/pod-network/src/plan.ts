/** What a node's pods need to be one network with those of the others: a function of all Nodes. */
import type { NodeSpec, NodeStatus } from '@keelson/api/generated/types/core/v1';
import type { ObjectMeta } from '@keelson/api/generated/types/meta/v1';
import { canonical, FAMILIES, type Family, familyOf, familyOfRange } from '@keelson/proxy/addresses';

export interface Route {
  readonly family: Family;
  /** Of a node's pods. */
  readonly range: string;
  /** The node's address. */
  readonly via: string;
}

export interface Plan {
  /** Of this node's pods, the first family first; none: it has none yet. */
  readonly ranges: readonly string[];
  /** To the pods of the other nodes, one for each range. */
  readonly routes: readonly Route[];
  /** Of all pods of the cluster, those here included. */
  readonly pods: Readonly<Record<Family, readonly string[]>>;
}

/** What of a Node is looked at. */
export interface NodeFacts {
  readonly metadata?: Pick<ObjectMeta, 'name'>;
  readonly spec?: Pick<NodeSpec, 'podCIDR' | 'podCIDRs'>;
  readonly status?: Pick<NodeStatus, 'addresses'>;
}

/** A node without an address of a range's family has no route to that range. */
export function planOf(nodeName: string, nodes: readonly NodeFacts[]): Plan {
  const others = nodes.filter(({ metadata }) => metadata?.name !== nodeName);
  const own = nodes.find(({ metadata }) => metadata?.name === nodeName);
  const routes = others.flatMap((node) => routesTo(node)).sort((a, b) => (a.range < b.range ? -1 : 1));
  const all = [...new Set(nodes.flatMap(rangesOf))].sort();
  const [ipv4, ipv6] = FAMILIES.map((family) => all.filter((range) => familyOfRange(range) === family));
  return { ranges: own ? rangesOf(own) : [], routes, pods: { IPv4: ipv4!, IPv6: ipv6! } };
}

/** Of a node's pods. */
export function rangesOf({ spec = {} }: NodeFacts): string[] {
  const all = spec.podCIDRs?.length ? spec.podCIDRs : [spec.podCIDR ?? ''];
  return all.filter((range) => familyOfRange(range) !== undefined).map(canonicalRange);
}

function routesTo(node: NodeFacts): Route[] {
  const addresses = (node.status?.addresses ?? []).filter(({ type }) => type === 'InternalIP');
  return rangesOf(node).flatMap((range) => {
    const family = familyOfRange(range)!;
    const via = addresses.find(({ address }) => familyOf(address) === family)?.address;
    return via === undefined ? [] : [{ family, range, via: canonical(via) }];
  });
}

function canonicalRange(range: string): string {
  const [address = '', prefix] = range.split('/');
  return `${canonical(address)}/${prefix}`;
}
