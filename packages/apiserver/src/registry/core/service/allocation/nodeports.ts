/** Takes and frees the node ports and the health check port of a Service (pkg/registry/core/service/storage/alloc.go). */
import { internalError, invalid as invalidObject, StatusError } from '@keelson/api/errors';
import { invalid, Path } from '@keelson/api/field';
import type { Service } from '@keelson/api/generated/types/core/v1';
import { hasNodePorts, needsHealthCheck } from '../predicates.ts';
import type { PortOperation } from './portoperation.ts';

export async function allocatePorts(service: Service, operation: PortOperation): Promise<void> {
  if (hasNodePorts(service)) await initNodePorts(service, operation);
  if (needsHealthCheck(service)) await allocateHealthCheckPort(service, operation);
}

export async function changePorts(service: Service, old: Service, operation: PortOperation): Promise<void> {
  if (hasNodePorts(service)) await updateNodePorts(service, old, operation);
  else if (hasNodePorts(old)) operation.free(...nodePortsOf(old));
  if (needsHealthCheck(service) && !needsHealthCheck(old)) await allocateHealthCheckPort(service, operation);
  if (needsHealthCheck(old) && !needsHealthCheck(service)) operation.free(old.spec.healthCheckNodePort ?? 0);
}

/** Everything that a service holds. */
export function allPortsOf(service: Service): number[] {
  const healthCheck = needsHealthCheck(service) ? (service.spec.healthCheckNodePort ?? 0) : 0;
  return [...nodePortsOf(service), ...(healthCheck > 0 ? [healthCheck] : [])];
}

function nodePortsOf({ spec }: Service): number[] {
  return (spec.ports ?? []).flatMap((p) => (p.nodePort ? [p.nodePort] : []));
}

function allocates({ spec }: Service): boolean {
  return spec.type === 'NodePort' || (spec.type === 'LoadBalancer' && spec.allocateLoadBalancerNodePorts === true);
}

/** Entries for one port number (of several protocols) share a node port. */
async function initNodePorts(service: Service, operation: PortOperation): Promise<void> {
  const ports = service.spec.ports ?? [];
  const shared = new Map<number, number>();
  for (const [i, entry] of ports.entries()) {
    if (!entry.nodePort && !allocates(service)) continue;
    const already = shared.get(entry.port);
    if (already === undefined) {
      const requested = ports.find((p) => p.port === entry.port && p.nodePort)?.nodePort;
      if (requested) await take(service, requested, i, operation);
      entry.nodePort = requested ?? (await takeAny(operation));
      shared.set(entry.port, entry.nodePort);
    } else if (!entry.nodePort) {
      entry.nodePort = already;
    } else if (entry.nodePort !== already) {
      await take(service, entry.nodePort, i, operation);
    }
  }
}

async function updateNodePorts(service: Service, old: Service, operation: PortOperation): Promise<void> {
  const before = new Set(nodePortsOf(old));
  const taken = new Set<number>();
  const seen = new Set<string>();
  for (const [i, entry] of (service.spec.ports ?? []).entries()) {
    if (!entry.nodePort) {
      if (!allocates(service)) continue;
      entry.nodePort = await takeAny(operation);
    } else if (!before.has(entry.nodePort) && !taken.has(entry.nodePort)) {
      await take(service, entry.nodePort, i, operation);
      taken.add(entry.nodePort);
    }
    const key = `${entry.protocol} ${entry.nodePort}`;
    if (seen.has(key)) throw new StatusError(500, '', `duplicate nodePort: {${key}}`);
    seen.add(key);
  }
  const after = new Set(nodePortsOf(service));
  operation.free(...[...before].filter((port) => !after.has(port)));
}

async function take(service: Service, port: number, index: number, operation: PortOperation): Promise<void> {
  try {
    await operation.take(port);
  } catch (error) {
    const path = Path.of('spec', 'ports').index(index).child('nodePort');
    throw invalidObject('', 'Service', service.metadata.name ?? '', [invalid(path, port, (error as Error).message)]);
  }
}

async function takeAny(operation: PortOperation): Promise<number> {
  try {
    return await operation.takeAny();
  } catch (error) {
    throw internalError(`failed to allocate a nodePort: ${(error as Error).message}`);
  }
}

async function allocateHealthCheckPort({ spec }: Service, operation: PortOperation): Promise<void> {
  const requested = spec.healthCheckNodePort ?? 0;
  try {
    if (requested !== 0) await operation.take(requested);
    else spec.healthCheckNodePort = await operation.takeAny();
  } catch (error) {
    const which = requested === 0 ? 'a HealthCheck NodePort 0' : `requested HealthCheck NodePort ${requested}`;
    throw internalError(`failed to allocate ${which}: ${(error as Error).message}`);
  }
}
