/** The proxy's tables, for tests of what stands beside them. */
import type { Service } from '@keelson/api/generated/types/core/v1';
import type { EndpointSlice } from '@keelson/api/generated/types/discovery/v1';
import type { Family } from '@keelson/proxy/addresses';
import { endpointsOf } from '@keelson/proxy/endpoints';
import { baseRules } from '@keelson/proxy/rules/base';
import { type Surroundings, serviceRules } from '@keelson/proxy/rules/service';
import { serviceTable } from '@keelson/proxy/rules/service-table';
import { servicePortsOf } from '@keelson/proxy/services';

export interface OneService {
  readonly family: Family;
  /** Of the node whose table it is. */
  readonly nodeName: string;
  /** Of all pods. */
  readonly ranges: string;
  /** The service's; its port is 80. */
  readonly address: string;
  /** The endpoint's; its port is 8080. */
  readonly endpoint: string;
  /** The node of the endpoint. */
  readonly at: string;
}

/** A table with one service, which has one endpoint. */
export function servicesFor({ family, nodeName, ranges, address, endpoint, at }: OneService): string {
  const ip = family === 'IPv4' ? 'ip' : 'ip6';
  const place: Surroundings = {
    family,
    nodeName,
    zone: '',
    nodeIp: family === 'IPv4' ? '10.7.9.1' : 'fd07:9::1',
    mark: '0x4000',
    masqueradeAll: false,
    fromPods: { matches: `${ip} saddr ${ranges}`, matchesNot: `${ip} saddr != ${ranges}` },
    nodePortIps: undefined,
    serviceRanges: [family === 'IPv4' ? '10.96.0.0/12' : 'fd96::/112'],
  };
  const service: Service = {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name: 'web', namespace: 'two' },
    spec: {
      clusterIP: address,
      clusterIPs: [address],
      ipFamilies: [family],
      ports: [{ port: 80, protocol: 'TCP' }],
    },
    status: { loadBalancer: {} },
  };
  const slice: EndpointSlice = {
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata: { name: 'web', namespace: 'two' },
    addressType: family,
    endpoints: [{ addresses: [endpoint], conditions: {}, nodeName: at }],
    ports: [{ name: '', protocol: 'TCP', port: 8080 }],
  };
  const rules = serviceRules(servicePortsOf(service, family), endpointsOf([slice], family, nodeName), place);
  return serviceTable(family).replacement(baseRules(place), new Map([['web', rules]]));
}
