/**
 * When a Service changes its type, fields that the old type filled in by itself go, unless the client changed them too
 * (pkg/registry/core/service/strategy.go dropTypeDependentFields). What was allocated is released later.
 */
import { semanticEqual } from '@keelson/api/codec/equality';
import type { Service } from '@keelson/api/generated/types/core/v1';
import { hasNodePorts, isExternallyAccessible, needsClusterIP, needsHealthCheck } from './predicates.ts';

export function dropTypeDependentFields(service: Service, old: Service): void {
  const { spec } = service;
  if (needsClusterIP(old) && !needsClusterIP(service)) dropAddresses(service, old);
  if (hasNodePorts(old) && !hasNodePorts(service) && !addsNodePorts(service, old))
    for (const port of spec.ports ?? []) delete port.nodePort;
  if (needsHealthCheck(old) && !needsHealthCheck(service) && spec.healthCheckNodePort === old.spec.healthCheckNodePort)
    delete spec.healthCheckNodePort;
  if (old.spec.type === 'LoadBalancer' && spec.type !== 'LoadBalancer') {
    if (spec.allocateLoadBalancerNodePorts === old.spec.allocateLoadBalancerNodePorts)
      delete spec.allocateLoadBalancerNodePorts;
    if (spec.loadBalancerClass === old.spec.loadBalancerClass) delete spec.loadBalancerClass;
  }
  if (
    isExternallyAccessible(old) &&
    !isExternallyAccessible(service) &&
    spec.externalTrafficPolicy === old.spec.externalTrafficPolicy
  )
    delete spec.externalTrafficPolicy;
  if (spec.type !== 'LoadBalancer') service.status = { ...service.status, loadBalancer: {} };
}

function dropAddresses({ spec }: Service, old: Service): void {
  if (spec.clusterIP === old.spec.clusterIP && semanticEqual(spec.clusterIPs, old.spec.clusterIPs)) {
    delete spec.clusterIP;
    delete spec.clusterIPs;
  }
  if (semanticEqual(spec.ipFamilies, old.spec.ipFamilies)) delete spec.ipFamilies;
  if (spec.ipFamilyPolicy === old.spec.ipFamilyPolicy) delete spec.ipFamilyPolicy;
}

function addsNodePorts({ spec }: Service, old: Service): boolean {
  const before = new Set((old.spec.ports ?? []).map((p) => p.nodePort));
  return (spec.ports ?? []).some((p) => p.nodePort && !before.has(p.nodePort));
}
