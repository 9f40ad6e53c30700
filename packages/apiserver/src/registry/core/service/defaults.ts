import type { Service, ServiceSpec } from '@keelson/api/generated/types/core/v1';
import { isExternallyAccessible, needsClusterIP } from './predicates.ts';

const CLIENT_IP_TIMEOUT_SECONDS = 10800;

export function defaults(service: Service): void {
  const { spec, status } = service;
  defaultSessionAffinity(spec);
  spec.type ||= 'ClusterIP';
  for (const port of spec.ports ?? []) {
    port.protocol ||= 'TCP';
    port.targetPort ||= port.port;
  }
  if (isExternallyAccessible(service)) spec.externalTrafficPolicy ||= 'Cluster';
  if (needsClusterIP(service) && isKnownType(spec.type)) spec.internalTrafficPolicy ??= 'Cluster';
  if (spec.type !== 'LoadBalancer') return;
  spec.allocateLoadBalancerNodePorts ??= true;
  for (const ingress of status?.loadBalancer?.ingress ?? []) if (ingress.ip) ingress.ipMode ??= 'VIP';
}

function isKnownType(type: string): boolean {
  return ['ClusterIP', 'NodePort', 'LoadBalancer'].includes(type);
}

function defaultSessionAffinity(spec: ServiceSpec): void {
  spec.sessionAffinity ||= 'None';
  if (spec.sessionAffinity === 'None') delete spec.sessionAffinityConfig;
  if (spec.sessionAffinity === 'ClientIP' && spec.sessionAffinityConfig?.clientIP?.timeoutSeconds === undefined)
    spec.sessionAffinityConfig = { clientIP: { timeoutSeconds: CLIENT_IP_TIMEOUT_SECONDS } };
}
