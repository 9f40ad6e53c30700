import type { Service } from '@keelson/api/generated/types/core/v1';
import type { EndpointSlice } from '@keelson/api/generated/types/discovery/v1';
import { addressesOf, canonical, type Directory, SERVICE_NAME } from './directory.ts';

/** A service in the namespace `ns`, for tests. */
export const service = (name: string, spec: Service['spec']): Service => ({
  apiVersion: 'v1',
  kind: 'Service',
  metadata: { name, namespace: 'ns' },
  spec,
  status: { loadBalancer: {} },
});

/** A directory of objects, for tests. */
export function directoryOf(
  namespaces: readonly string[],
  services: readonly Service[],
  slices: readonly EndpointSlice[],
): Directory {
  return {
    hasNamespace: (namespace) => namespaces.includes(namespace),
    service: (namespace, name) =>
      services.find(({ metadata }) => metadata.namespace === namespace && metadata.name === name),
    slices: (namespace, name) =>
      slices.filter(({ metadata }) => metadata.namespace === namespace && metadata.labels?.[SERVICE_NAME] === name),
    servicesAt: (address) => services.filter((service) => addressesOf(service).includes(address)),
    slicesAt: (address) =>
      slices.filter(({ endpoints }) => endpoints?.some(({ addresses }) => addresses?.map(canonical).includes(address))),
  };
}
