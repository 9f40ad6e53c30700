/** From a service to an address that stands for it (k8s.io/apiserver/pkg/util/proxy/proxy.go). */
import { notFound, serviceUnavailable } from '@keelson/api/errors';
import { quote } from '@keelson/api/field';
import type { Service, ServicePort } from '@keelson/api/generated/types/core/v1';
import type { EndpointSlice } from '@keelson/api/generated/types/discovery/v1';
import type { Objects } from '../objects.ts';
import type { Address, ResolveService } from './client.ts';

/** The label of endpoint slices that says whose they are. */
export const SERVICE_NAME = 'kubernetes.io/service-name';
const CLUSTER_TYPES: readonly (string | undefined)[] = ['ClusterIP', 'LoadBalancer', 'NodePort'];

/** To the service's own address, which something like kube-proxy makes reachable (ResolveCluster). */
export function serviceResolver(objects: Objects): ResolveService {
  return async (namespace, name, port) => {
    const { type, clusterIP = '', externalName = '', ports } = await specOf(objects, namespace, name);
    if (type === 'ExternalName') return { host: externalName, port };
    if (!CLUSTER_TYPES.includes(type)) throw unsupported(type);
    if (type === 'ClusterIP' && clusterIP === 'None') throw new Error('cannot route to service with ClusterIP "None"');
    portOf(ports, name, port);
    return { host: clusterIP, port };
  };
}

/**
 * To one of the service's ready endpoints, of its first IP family where there is one (ResolveEndpoint).
 * @param random from 0 to below 1
 */
export function endpointResolver(objects: Objects, random: () => number): ResolveService {
  return async (namespace, name, port) => {
    const { type, ports, ipFamilies } = await specOf(objects, namespace, name);
    if (!CLUSTER_TYPES.includes(type)) throw unsupported(type);
    const portName = portOf(ports, name, port).name ?? '';
    const slices = await slicesOf(objects, namespace, name);
    const isOther = ({ addressType }: EndpointSlice) => Number(addressType !== ipFamilies?.[0]);
    const addresses = slices
      .toSorted((a, b) => isOther(a) - isOther(b))
      .map((slice) => addressesOf(slice, portName))
      .find((found) => found.length > 0);
    if (!addresses) throw serviceUnavailable(`no endpoints available for service ${quote(name)}`);
    return addresses[Math.floor(random() * addresses.length)]!;
  };
}

export async function slicesOf(
  objects: Pick<Objects, 'list'>,
  namespace: string,
  name: string,
): Promise<EndpointSlice[]> {
  const slices = await objects.list('endpointslices.discovery.k8s.io', namespace);
  return slices.filter(({ metadata }) => metadata.labels?.[SERVICE_NAME] === name);
}

async function specOf(objects: Objects, namespace: string, name: string): Promise<NonNullable<Service['spec']>> {
  const service = await objects.get('services', namespace, name);
  if (!service) throw notFound({ group: '', resource: 'service' }, name);
  return service.spec ?? {};
}

function portOf(ports: readonly ServicePort[] | undefined, name: string, port: number): ServicePort {
  const found = ports?.find((each) => each.port === port);
  if (!found) throw serviceUnavailable(`no service port ${port} found for service ${quote(name)}`);
  return found;
}

function addressesOf({ ports, endpoints }: EndpointSlice, portName: string): Address[] {
  const port = ports?.find((each) => (each.name ?? '') === portName && each.port !== undefined)?.port;
  if (port === undefined) return [];
  return (endpoints ?? [])
    .filter(({ conditions }) => conditions?.ready !== false)
    .flatMap(({ addresses }) => (addresses ?? []).slice(0, 1).map((host) => ({ host, port })));
}

function unsupported(type: string | undefined): Error {
  return new Error(`unsupported service type ${quote(type ?? '')}`);
}
