/** From a service to the address that stands for it (k8s.io/apiserver/pkg/util/proxy/proxy.go: ResolveCluster). */
import { notFound, serviceUnavailable } from '@keelson/api/errors';
import { quote } from '@keelson/api/field';
import type { Service } from '@keelson/api/generated/types/core/v1';
import type { Objects } from '../../objects.ts';
import type { Address, ResolveService } from './client.ts';

export function serviceResolver(objects: Objects): ResolveService {
  return async (namespace, name, port) => {
    const service = await objects.get('services', namespace, name);
    if (!service) throw notFound({ group: '', resource: 'service' }, name);
    return addressOf(service, name, port);
  };
}

/** @throws Error for services that lead nowhere */
function addressOf({ spec }: Service, name: string, port: number): Address {
  const { type = '', clusterIP = '', externalName = '', ports } = spec ?? {};
  switch (type) {
    case 'ExternalName':
      return { host: externalName, port };
    case 'ClusterIP':
    case 'LoadBalancer':
    case 'NodePort':
      if (type === 'ClusterIP' && clusterIP === 'None')
        throw new Error('cannot route to service with ClusterIP "None"');
      if (ports?.some((p) => p.port === port)) return { host: clusterIP, port };
      throw serviceUnavailable(`no service port ${port} found for service ${quote(name)}`);
    default:
      throw new Error(`unsupported service type ${quote(type)}`);
  }
}
