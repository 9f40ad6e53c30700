/** What the proxy can be set to. */
import { networkInterfaces } from 'node:os';
import type { Node } from '@keelson/api/generated/types/core/v1';
import { contains, type Family, familyOf, familyOfRange, isEverything } from './addresses.ts';
import type { Surroundings } from './rules/service.ts';

/** How traffic of this node's pods is known (KubeProxyConfiguration, detectLocalMode). */
export type LocalTraffic =
  | { readonly by: 'ClusterCIDR'; readonly ranges: readonly string[] }
  /** By the node's own range. */
  | { readonly by: 'NodeCIDR' }
  | { readonly by: 'BridgeInterface'; readonly name: string }
  | { readonly by: 'InterfaceNamePrefix'; readonly prefix: string };

export interface ProxySettings {
  readonly masqueradeAll: boolean;
  /** Of the packet's mark: 0 to 31. */
  readonly masqueradeBit: number;
  /** At least so long between two transactions of a family. */
  readonly minSyncMs: number;
  /** After so long a failed one is tried again. */
  readonly syncMs: number;
  readonly localTraffic: LocalTraffic;
  /** Ranges of addresses at which ports of the node are open; `primary`: at the node's own addresses. */
  readonly nodePortAddresses: readonly string[] | 'primary';
  /** Of the node, in the place of the one that its object says. */
  readonly nodeIp: string | undefined;
}

export const defaultSettings: ProxySettings = {
  masqueradeAll: false,
  masqueradeBit: 14,
  minSyncMs: 1_000,
  syncMs: 30_000,
  localTraffic: { by: 'ClusterCIDR', ranges: [] },
  nodePortAddresses: 'primary',
  nodeIp: undefined,
};

const ZONE = 'topology.kubernetes.io/zone';

/** What the rules of a family depend on besides services and endpoints. @param node undefined while it is not registered */
export function surroundingsOf(
  settings: ProxySettings,
  family: Family,
  nodeName: string,
  node: Node | undefined,
  serviceRanges: readonly string[],
): Surroundings {
  const addresses = (node?.status?.addresses ?? [])
    .filter(({ type }) => type === 'InternalIP' || type === 'ExternalIP')
    .sort((a, b) => Number(a.type === 'ExternalIP') - Number(b.type === 'ExternalIP'))
    .map(({ address }) => address);
  const own = [settings.nodeIp ?? '', ...addresses].find((address) => familyOf(address) === family);
  return {
    family,
    nodeName,
    zone: node?.metadata.labels?.[ZONE] ?? '',
    nodeIp: own,
    mark: `0x${(2 ** settings.masqueradeBit).toString(16)}`,
    masqueradeAll: settings.masqueradeAll,
    fromPods: fromPods(settings.localTraffic, family, node),
    nodePortIps: nodePortIps(settings.nodePortAddresses, family, own),
    serviceRanges: serviceRanges.filter((range) => familyOfRange(range) === family).sort(),
  };
}

function fromPods(traffic: LocalTraffic, family: Family, node: Node | undefined): Surroundings['fromPods'] {
  const matching = (what: string, value: string) => ({
    matches: `${what} ${value}`,
    matchesNot: `${what} != ${value}`,
  });
  if (traffic.by === 'BridgeInterface') return matching('iifname', `"${traffic.name}"`);
  if (traffic.by === 'InterfaceNamePrefix') return matching('iifname', `"${traffic.prefix}*"`);
  const ranges = traffic.by === 'ClusterCIDR' ? traffic.ranges : (node?.spec?.podCIDRs ?? []);
  const range = ranges.find((each) => familyOfRange(each) === family);
  return range === undefined ? undefined : matching(family === 'IPv4' ? 'ip saddr' : 'ip6 saddr', range);
}

/** This machine's addresses that the setting names, without those of the loopback; undefined: all. */
function nodePortIps(
  setting: readonly string[] | 'primary',
  family: Family,
  own: string | undefined,
): readonly string[] | undefined {
  if (setting === 'primary') return own === undefined ? [] : [own];
  const ranges = setting.filter((range) => familyOfRange(range) === family);
  if (ranges.length === 0 || ranges.some(isEverything)) return undefined;
  const machine = Object.values(networkInterfaces()).flatMap((list) => list ?? []);
  const ips = machine.filter(({ internal }) => !internal).map(({ address }) => address);
  return [...new Set(ips.filter((ip) => familyOf(ip) === family && contains(ranges, ip)))].sort();
}
