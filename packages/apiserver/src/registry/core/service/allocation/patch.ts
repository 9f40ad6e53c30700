/** Makes an update idempotent: what the client left out and the server had allocated is filled in from the old object. */
import { semanticEqual } from '@keelson/api/codec/equality';
import type { Service } from '@keelson/api/generated/types/core/v1';
import { needsClusterIP, needsHealthCheck } from '../predicates.ts';

/** pkg/registry/core/service/storage/storage.go patchAllocatedValues */
export function keepAllocatedValues(service: Service, old: Service): void {
  const { spec } = service;
  if (needsClusterIP(old) && needsClusterIP(service)) {
    if (!spec.clusterIP && old.spec.clusterIP) spec.clusterIP = old.spec.clusterIP;
    if (!spec.clusterIPs?.length && old.spec.clusterIPs?.length) spec.clusterIPs = [...old.spec.clusterIPs];
  }
  if (wantsNodePorts(old) && wantsNodePorts(service)) keepNodePorts(service, old);
  if (needsHealthCheck(old) && needsHealthCheck(service) && !spec.healthCheckNodePort && old.spec.healthCheckNodePort)
    spec.healthCheckNodePort = old.spec.healthCheckNodePort;
}

function wantsNodePorts({ spec }: Service): boolean {
  return spec.type === 'NodePort' || (spec.type === 'LoadBalancer' && spec.allocateLoadBalancerNodePorts !== false);
}

/** By the ports' names, unless the client uses the number elsewhere. */
function keepNodePorts({ spec }: Service, old: Service): void {
  const inUse = (ports: Service['spec']['ports']) => new Set((ports ?? []).flatMap((p) => p.nodePort || []));
  const before = inUse(old.spec.ports);
  const kept = new Set([...inUse(spec.ports)].filter((port) => before.has(port)));
  const byName = new Map((old.spec.ports ?? []).map((p) => [p.name ?? '', p.nodePort]));
  for (const port of spec.ports ?? []) {
    const former = byName.get(port.name ?? '');
    if (!port.nodePort && former && !kept.has(former)) port.nodePort = former;
  }
}

/** clusterIP is the first of clusterIPs: clients may know only one of the fields, and change only that. */
export function alignClusterIPs({ spec }: Service, old?: Service): void {
  if (!old) {
    if (spec.clusterIP && !spec.clusterIPs?.length) spec.clusterIPs = [spec.clusterIP];
    return;
  }
  const { clusterIP: oldIP = '', clusterIPs: oldIPs = [] } = old.spec;
  const clusterIP = spec.clusterIP ?? '';
  if (oldIPs.length > 0 && !spec.clusterIPs?.length && oldIP === clusterIP) spec.clusterIPs = [...oldIPs];
  if (oldIP === clusterIP || !semanticEqual(spec.clusterIPs, oldIPs)) return;
  if (clusterIP === '') delete spec.clusterIPs;
  else spec.clusterIPs = [clusterIP];
}
