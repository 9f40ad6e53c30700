/** What a Service's type implies (k8s.io/kubernetes/pkg/api/service). */
import type { Service } from '@keelson/api/generated/types/core/v1';

export const NONE = 'None';

export function isHeadless({ spec }: Service): boolean {
  return spec.clusterIPs?.length === 1 && spec.clusterIPs[0] === NONE;
}

export function needsClusterIP({ spec }: Service): boolean {
  return spec.type !== 'ExternalName';
}

/** Of a type that has node ports, whether or not they are to be allocated. */
export function hasNodePorts({ spec }: Service): boolean {
  return spec.type === 'NodePort' || spec.type === 'LoadBalancer';
}

export function isExternallyAccessible(service: Service): boolean {
  const { type, externalIPs } = service.spec;
  return hasNodePorts(service) || (type === 'ClusterIP' && (externalIPs?.length ?? 0) > 0);
}

/** A load balancer that keeps traffic on its node asks the node whether it has endpoints. */
export function needsHealthCheck({ spec }: Service): boolean {
  return spec.type === 'LoadBalancer' && spec.externalTrafficPolicy === 'Local';
}
