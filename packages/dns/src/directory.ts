/** What names are made of, as the API server tells it. */
import type { Service } from '@keelson/api/generated/types/core/v1';
import type { EndpointSlice } from '@keelson/api/generated/types/discovery/v1';
import type { InformerFactory } from '@keelson/client';
import { withoutManagedFields } from '@keelson/client';

export interface Directory {
  hasNamespace(namespace: string): boolean;
  service(namespace: string, name: string): Service | undefined;
  /** Those of a service. */
  slices(namespace: string, name: string): readonly EndpointSlice[];
  /** Those that have an address as their own. */
  servicesAt(address: string): readonly Service[];
  /** Those with an endpoint at an address. */
  slicesAt(address: string): readonly EndpointSlice[];
}

export const SERVICE_NAME = 'kubernetes.io/service-name';
const BY_SERVICE = 'service';
const BY_ADDRESS = 'address';

/** Of informers, which have to be started. */
export function informedDirectory(informers: InformerFactory): Directory {
  const transform = { transform: withoutManagedFields };
  const namespaces = informers.informer('namespaces', transform);
  const services = informers.informer('services', transform);
  const slices = informers.informer('endpointslices.discovery.k8s.io', transform);
  services.addIndex(BY_ADDRESS, addressesOf);
  slices.addIndex(BY_SERVICE, ({ metadata }) => {
    const name = metadata.labels?.[SERVICE_NAME];
    return name ? [`${metadata.namespace}/${name}`] : [];
  });
  slices.addIndex(BY_ADDRESS, ({ endpoints }) => [
    ...new Set((endpoints ?? []).flatMap(({ addresses }) => (addresses ?? []).map(canonical))),
  ]);
  return {
    hasNamespace: (namespace) => namespaces.store.get(namespace) !== undefined,
    service: (namespace, name) => services.store.get(`${namespace}/${name}`),
    slices: (namespace, name) => slices.store.byIndex(BY_SERVICE, `${namespace}/${name}`),
    servicesAt: (address) => services.store.byIndex(BY_ADDRESS, address),
    slicesAt: (address) => slices.store.byIndex(BY_ADDRESS, address),
  };
}

/** The cluster's addresses of a service, without those of a headless one, which has none. */
export function addressesOf({ spec = {} }: Service): string[] {
  const all = spec.clusterIPs?.length ? spec.clusterIPs : [spec.clusterIP ?? ''];
  return all.filter((address) => address !== '' && address !== 'None').map(canonical);
}

/** An IPv6 address in its one short form. */
export const canonical = (address: string): string =>
  address.includes(':') ? new URL(`http://[${address}]`).hostname.slice(1, -1) : address;
