/** What a Service asks of a node (pkg/proxy/serviceport.go). */
import type { Service } from '@keelson/api/generated/types/core/v1';
import { canonical, type Family, familyOf, familyOfRange, isEverything } from './addresses.ts';

export type Protocol = 'tcp' | 'udp' | 'sctp';

/** One port of a service, in one family. */
export interface ServicePort {
  readonly namespace: string;
  readonly service: string;
  /** Of the port; empty where a service has only one. */
  readonly name: string;
  readonly protocol: Protocol;
  readonly port: number;
  readonly clusterIp: string;
  /** 0: none. */
  readonly nodePort: number;
  readonly externalIps: readonly string[];
  /** Addresses by which load balancers lead packets here unchanged. */
  readonly ingressIps: readonly string[];
  /** Who may use the ingress addresses; empty: everybody. */
  readonly sourceRanges: readonly string[];
  /** How long a client comes to the same endpoint after it last did; undefined: it need not. */
  readonly affinitySeconds: number | undefined;
  readonly internalPolicyLocal: boolean;
  readonly externalPolicyLocal: boolean;
}

const SERVICE_PROXY_NAME = 'service.kubernetes.io/service-proxy-name';

/** @returns none where the service has no address in that family, or is not for this proxy */
export function servicePortsOf(service: Service, family: Family): ServicePort[] {
  const { metadata, spec = {}, status } = service;
  if (metadata.labels?.[SERVICE_PROXY_NAME] !== undefined || spec.type === 'ExternalName') return [];
  const addresses = spec.clusterIPs?.length ? spec.clusterIPs : [spec.clusterIP ?? ''];
  const clusterIp = addresses.find((address) => familyOf(address) === family);
  if (clusterIp === undefined) return [];
  const ofFamily = (list: readonly string[]) => list.filter((address) => familyOf(address) === family).map(canonical);
  const ranges = (spec.loadBalancerSourceRanges ?? [])
    .map((range) => range.trim())
    .filter((range) => familyOfRange(range) === family);
  const ingress = (status?.loadBalancer?.ingress ?? []).filter(({ ipMode }) => (ipMode ?? 'VIP') === 'VIP');
  const common = {
    namespace: metadata.namespace!,
    service: metadata.name!,
    clusterIp: canonical(clusterIp),
    externalIps: ofFamily(spec.externalIPs ?? []),
    ingressIps: ofFamily(ingress.map(({ ip }) => ip ?? '')),
    sourceRanges: ranges.some(isEverything) ? [] : ranges,
    affinitySeconds:
      spec.sessionAffinity === 'ClientIP'
        ? (spec.sessionAffinityConfig?.clientIP?.timeoutSeconds ?? 10_800)
        : undefined,
    internalPolicyLocal: spec.internalTrafficPolicy === 'Local',
    externalPolicyLocal: spec.externalTrafficPolicy === 'Local',
  };
  return (spec.ports ?? []).map(({ name = '', protocol = 'TCP', port, nodePort = 0 }) => ({
    ...common,
    name,
    protocol: protocol.toLowerCase() as Protocol,
    port,
    nodePort,
  }));
}

/** `namespace/name:port`, as logs and comments have it. */
export const portName = ({ namespace, service, name }: ServicePort): string =>
  `${namespace}/${service}${name === '' ? '' : `:${name}`}`;

/** Whether it is reached from outside the cluster, too. */
export const isExternal = ({ nodePort, externalIps, ingressIps }: ServicePort): boolean =>
  nodePort !== 0 || externalIps.length > 0 || ingressIps.length > 0;

/** The port at which load balancers ask whether this node has endpoints of the service; 0: none. */
export function healthCheckPortOf({ spec = {} }: Service): number {
  return spec.type === 'LoadBalancer' && spec.externalTrafficPolicy === 'Local' ? (spec.healthCheckNodePort ?? 0) : 0;
}
