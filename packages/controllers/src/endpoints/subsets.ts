/** The addresses behind a service in the old form: subsets of addresses that have the same ports (pkg/controller/endpoint). */
import type { EndpointAddress, EndpointPort, EndpointSubset, Pod, Service } from '@keelson/api/generated/types/core/v1';
import { isReady } from '../pods/state.ts';
import { addressesOf, hasHostnameIn, isReachable, targetPort } from '../services/pods.ts';

/** Addresses that an object holds at most. */
const MAX_ADDRESSES = 1000;

export function subsetsOf(service: Service, pods: readonly Pod[]): EndpointSubset[] {
  const { publishNotReadyAddresses = false, ports = [] } = service.spec;
  /** By address: the ports that it has. */
  const ready = new Map<string, { address: EndpointAddress; isReady: boolean; ports: EndpointPort[] }>();
  for (const pod of pods) {
    if (!isReachable(pod) || (!publishNotReadyAddresses && pod.metadata.deletionTimestamp)) continue;
    const address = addressOf(service, pod);
    if (!address) continue;
    const numbers = ports.flatMap((servicePort) => {
      const port = targetPort(pod, servicePort);
      const { name, protocol = 'TCP', appProtocol } = servicePort;
      if (port === undefined) return [];
      return [{ ...(name ? { name } : {}), port, protocol, ...(appProtocol === undefined ? {} : { appProtocol }) }];
    });
    if (numbers.length === 0 && !(ports.length === 0 && service.spec.clusterIP === 'None')) continue;
    ready.set(JSON.stringify([address.ip, pod.metadata.uid]), {
      address,
      isReady: publishNotReadyAddresses || isReady(pod),
      ports: numbers,
    });
  }
  return grouped([...ready.values()]);
}

function addressOf(service: Service, pod: Pod): EndpointAddress | undefined {
  const family = service.spec.ipFamilies?.[0] === 'IPv6' ? 'IPv6' : 'IPv4';
  const [ip] = addressesOf(pod, family);
  if (ip === undefined) return undefined;
  const { namespace = '', name = '', uid = '' } = pod.metadata;
  const { nodeName, hostname } = pod.spec;
  return {
    ip,
    ...(hasHostnameIn(pod, service) ? { hostname: hostname! } : {}),
    ...(nodeName ? { nodeName } : {}),
    targetRef: { kind: 'Pod', namespace, name, uid },
  };
}

/** Sorted, so that the same pods always give the same object. */
function grouped(
  entries: readonly { readonly address: EndpointAddress; readonly isReady: boolean; readonly ports: EndpointPort[] }[],
): EndpointSubset[] {
  const byPorts = Map.groupBy(entries, ({ ports }) => JSON.stringify(sortedPorts(ports)));
  const subsets = [...byPorts].map(([key, group]) => {
    const addresses = (wanted: boolean) =>
      sortedAddresses(group.filter((e) => e.isReady === wanted).map((e) => e.address));
    const [ready, notReady] = [addresses(true), addresses(false)];
    const ports = JSON.parse(key) as EndpointPort[];
    return {
      ...(ready.length > 0 ? { addresses: ready } : {}),
      ...(notReady.length > 0 ? { notReadyAddresses: notReady } : {}),
      ...(ports.length > 0 ? { ports } : {}),
    };
  });
  return subsets.sort((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1));
}

function sortedPorts(ports: readonly EndpointPort[]): EndpointPort[] {
  const key = ({ protocol = '', port, name = '' }: EndpointPort) =>
    `${protocol} ${String(port).padStart(5, '0')} ${name}`;
  return [...ports].sort((a, b) => (key(a) < key(b) ? -1 : 1));
}

function sortedAddresses(addresses: readonly EndpointAddress[]): EndpointAddress[] {
  const key = ({ ip, targetRef }: EndpointAddress) => `${ip} ${targetRef?.uid}`;
  return [...addresses].sort((a, b) => (key(a) < key(b) ? -1 : 1));
}

/**
 * The same with no more addresses than an object may hold: ready ones first, evenly from all subsets.
 * @returns whether some were left out
 */
export function truncate(subsets: readonly EndpointSubset[]): { subsets: EndpointSubset[]; truncated: boolean } {
  const ready = subsets.reduce((sum, { addresses }) => sum + (addresses?.length ?? 0), 0);
  const notReady = subsets.reduce((sum, { notReadyAddresses }) => sum + (notReadyAddresses?.length ?? 0), 0);
  if (ready + notReady <= MAX_ADDRESSES) return { subsets: [...subsets], truncated: false };
  const shareOf = (total: number, room: number) => (count: number) =>
    total === 0 ? 0 : Math.min(count, Math.floor((count * Math.min(total, room)) / total));
  const readyShare = shareOf(ready, MAX_ADDRESSES);
  const notReadyShare = shareOf(notReady, Math.max(0, MAX_ADDRESSES - ready));
  const cut = subsets.map((subset) => {
    const addresses = subset.addresses?.slice(0, readyShare(subset.addresses.length)) ?? [];
    const rest = subset.notReadyAddresses?.slice(0, notReadyShare(subset.notReadyAddresses.length)) ?? [];
    return {
      ...(addresses.length > 0 ? { addresses } : {}),
      ...(rest.length > 0 ? { notReadyAddresses: rest } : {}),
      ...(subset.ports ? { ports: subset.ports } : {}),
    };
  });
  return { subsets: cut.filter((s) => s.addresses || s.notReadyAddresses), truncated: true };
}
