/** What a slice says of one pod (staging/src/k8s.io/endpointslice/utils.go). */
import type { Node, Pod, Service } from '@keelson/api/generated/types/core/v1';
import type { Endpoint, EndpointPort } from '@keelson/api/generated/types/discovery/v1';
import { isReady } from '../pods/state.ts';
import { addressesOf, hasHostnameIn, targetPort } from '../services/pods.ts';
import { wantsZones } from './topology.ts';

export type Family = 'IPv4' | 'IPv6';

export function endpointOf(service: Service, pod: Pod, node: Node | undefined, family: Family): Endpoint {
  const serving = isReady(pod);
  const terminating = pod.metadata.deletionTimestamp !== undefined;
  const ready = Boolean(service.spec.publishNotReadyAddresses) || (serving && !terminating);
  const { namespace, name, uid } = pod.metadata;
  const zone = node?.metadata.labels?.['topology.kubernetes.io/zone'];
  const { nodeName } = pod.spec;
  const hints = ready ? hintsOf(service, zone, nodeName) : undefined;
  return {
    addresses: addressesOf(pod, family),
    conditions: { ready, serving, terminating },
    ...(hasHostnameIn(pod, service) ? { hostname: pod.spec.hostname! } : {}),
    targetRef: { kind: 'Pod', namespace: namespace!, name: name!, uid: uid! },
    ...(nodeName ? { nodeName } : {}),
    ...(zone ? { zone } : {}),
    ...(hints ? { hints } : {}),
  };
}

/** Where traffic is to stay near: proxies of which zones and nodes take this endpoint. Hints by zones' shares come later. */
function hintsOf(service: Service, zone: string | undefined, node: string | undefined): Endpoint['hints'] {
  const near = wantsZones(service) ? '' : (service.spec.trafficDistribution ?? '');
  if (!['PreferClose', 'PreferSameZone', 'PreferSameNode'].includes(near)) return undefined;
  const forNodes = near === 'PreferSameNode' && node ? { forNodes: [{ name: node }] } : {};
  if (!zone && !node) return undefined;
  const hints = { ...(zone ? { forZones: [{ name: zone }] } : {}), ...forNodes };
  return Object.keys(hints).length > 0 ? hints : undefined;
}

/** The service's ports as they are in this pod; those that it does not have are left out. */
export function portsOf({ spec }: Service, pod: Pod): EndpointPort[] {
  return (spec.ports ?? []).flatMap((servicePort) => {
    const port = targetPort(pod, servicePort);
    if (port === undefined) return [];
    const { name = '', protocol = 'TCP', appProtocol } = servicePort;
    return [{ name, port, protocol, ...(appProtocol === undefined ? {} : { appProtocol }) }];
  });
}
