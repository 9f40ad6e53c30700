import { Path } from '@keelson/api/field';
import type { EndpointSlice } from '@keelson/api/generated/types/discovery/v1';
import { warningsForIP } from '../../validation/ip.ts';

const MANAGED_BY = 'endpointslice.kubernetes.io/managed-by';
const CONTROLLERS = ['endpointslice-controller.k8s.io', 'endpointslicemirroring-controller.k8s.io'];

export function warningsOnCreate(slice: EndpointSlice): string[] {
  const deprecated = slice.addressType === 'FQDN' ? ['spec.addressType: FQDN endpoints are deprecated'] : [];
  return [...deprecated, ...addressWarnings(slice)];
}

/** Clients hear of odd addresses; the controllers that copy them do not. */
export function addressWarnings({ metadata, endpoints }: EndpointSlice): string[] {
  if (CONTROLLERS.includes(metadata.labels?.[MANAGED_BY] ?? '')) return [];
  return (endpoints ?? []).flatMap((endpoint, i) =>
    (endpoint.addresses ?? []).flatMap((address, j) =>
      warningsForIP(Path.of('endpoints').index(i).child('addresses').index(j), address),
    ),
  );
}
