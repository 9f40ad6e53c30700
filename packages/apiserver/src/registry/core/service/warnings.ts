/** Compare pkg/api/service/warnings.go. */
import { Path } from '@keelson/api/field';
import type { Service } from '@keelson/api/generated/types/core/v1';
import { warningsForCIDR, warningsForIP } from '../../validation/ip.ts';
import { NONE } from './predicates.ts';

const SPEC = Path.of('spec');
const TOPOLOGY_HINTS = 'service.kubernetes.io/topology-aware-hints';
const TOPOLOGY_MODE = 'service.kubernetes.io/topology-mode';

export function warnings({ metadata, spec }: Service): string[] {
  const headless = spec.type === 'ClusterIP' && spec.clusterIP === NONE;
  const externalName = spec.type === 'ExternalName';
  const externalIPs = spec.externalIPs ?? [];
  const when = (condition: boolean, text: string) => (condition ? [text] : []);
  return [
    ...when(
      metadata.annotations?.[TOPOLOGY_HINTS] !== undefined,
      `annotation ${TOPOLOGY_HINTS} is deprecated, please use ${TOPOLOGY_MODE} instead`,
    ),
    ...(spec.clusterIP && spec.clusterIP !== NONE ? eachIP('clusterIPs', spec.clusterIPs ?? []) : []),
    ...when(headless && !!spec.loadBalancerIP, 'spec.loadBalancerIP is ignored for headless services'),
    ...when(headless && externalIPs.length > 0, 'spec.externalIPs is ignored for headless services'),
    ...when(headless && spec.sessionAffinity !== 'None', 'spec.SessionAffinity is ignored for headless services'),
    ...eachIP('externalIPs', externalIPs),
    ...when(
      externalIPs.length > 0 && !headless && !externalName,
      'spec.externalIPs is deprecated and may no longer be implemented in some clusters',
    ),
    ...(spec.loadBalancerIP ? warningsForIP(SPEC.child('loadBalancerIP'), spec.loadBalancerIP) : []),
    ...(spec.loadBalancerSourceRanges ?? []).flatMap((range, i) =>
      warningsForCIDR(SPEC.child('loadBalancerSourceRanges').index(i), range),
    ),
    ...when(externalName && externalIPs.length > 0, 'spec.externalIPs is ignored when spec.type is "ExternalName"'),
    ...when(!externalName && !!spec.externalName, 'spec.externalName is ignored when spec.type is not "ExternalName"'),
    ...when(
      spec.trafficDistribution === 'PreferClose',
      'spec.trafficDistribution: "PreferClose" is deprecated; use "PreferSameZone"',
    ),
  ];
}

export function statusWarnings({ status }: Service): string[] {
  return (status.loadBalancer.ingress ?? []).flatMap(({ ip }, i) =>
    ip ? warningsForIP(Path.of('status', 'loadBalancer', 'ingress').index(i), ip) : [],
  );
}

function eachIP(name: string, ips: readonly string[]): string[] {
  return ips.flatMap((ip, i) => warningsForIP(SPEC.child(name).index(i), ip));
}
