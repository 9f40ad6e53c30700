/** The pods that NetworkPolicies speak of. */
import type { Pod } from '@keelson/api/generated/types/core/v1';
import { canonical, type Family, familyOf } from '@keelson/proxy/addresses';
import type { Protocol } from '@keelson/proxy/services';

export interface Address {
  readonly family: Family;
  readonly address: string;
}

export interface NamedPort {
  readonly name: string;
  readonly protocol: Protocol;
  readonly port: number;
}

/** A pod with addresses of its own. */
export interface Member {
  readonly namespace: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly nodeName: string;
  readonly created: string;
  readonly addresses: readonly Address[];
  readonly ports: readonly NamedPort[];
}

const PROTOCOLS: Readonly<Record<string, Protocol>> = { TCP: 'tcp', UDP: 'udp', SCTP: 'sctp' };

/** @returns undefined for one that there is not */
export const protocolNamed = (name = 'TCP'): Protocol | undefined => PROTOCOLS[name];

/**
 * @param noted addresses that the runtime has given it, which count rather than those that the API server has been told of
 * @returns undefined for a pod that has no addresses of its own: it is the node's, it has ended, or has none yet
 */
export function memberOf({ metadata, spec, status }: Pod, noted: readonly string[] = []): Member | undefined {
  if (spec === undefined || spec.hostNetwork || status?.phase === 'Succeeded' || status?.phase === 'Failed') return;
  const told = status?.podIPs?.length ? status.podIPs.map(({ ip }) => ip) : [status?.podIP];
  const addresses = (noted.length > 0 ? noted : told).flatMap((ip = ''): Address[] => {
    const family = familyOf(ip);
    return family === undefined ? [] : [{ family, address: canonical(ip) }];
  });
  if (addresses.length === 0) return;
  const beside = (spec.initContainers ?? []).filter(({ restartPolicy }) => restartPolicy === 'Always');
  const ports = [...(spec.containers ?? []), ...beside].flatMap(({ ports = [] }) =>
    ports.flatMap(({ name, protocol, containerPort }): NamedPort[] => {
      const known = protocolNamed(protocol);
      return name && known && containerPort ? [{ name, protocol: known, port: containerPort }] : [];
    }),
  );
  return {
    namespace: metadata.namespace ?? '',
    labels: metadata.labels ?? {},
    nodeName: spec.nodeName ?? '',
    created: metadata.creationTimestamp ?? '',
    addresses,
    ports,
  };
}
