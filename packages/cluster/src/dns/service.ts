/** What a cluster has for its name server: rights, and a Service with the server as its endpoint. */
import type { Service } from '@keelson/api/generated/types/core/v1';
import type { EndpointSlice } from '@keelson/api/generated/types/discovery/v1';
import type { ClusterRole, ClusterRoleBinding } from '@keelson/api/generated/types/rbac/v1';
import { type Client, type Draft, hasReason, resources } from '@keelson/client';

const FIELD_MANAGER = 'keelson';
/** Fields that others have set are taken back. */
const FORCE = { force: true };
const NAMESPACE = 'kube-system';
const NAME = 'kube-dns';
const PORT = 53;
/** Of the service's address, in the range of services: kubeadm's. */
export const DNS_OFFSET = 10;
export const METRICS_PORT = 9153;
/** Those of upstream's role of name servers do not cover slices. */
const ROLE = 'keelson:kube-dns';

/** What names are made of may be read. @param nodes whether nodes may be, too */
export const dnsRole = (name: string, nodes = false): Draft<ClusterRole> => ({
  metadata: { name },
  rules: [
    { apiGroups: [''], resources: ['namespaces', 'services', ...(nodes ? ['nodes'] : [])], verbs: ['list', 'watch'] },
    { apiGroups: ['discovery.k8s.io'], resources: ['endpointslices'], verbs: ['list', 'watch'] },
  ],
});

/** The right to say of servers that are no pods whether they are ready. */
export const dnsSlicesRule = {
  apiGroups: ['discovery.k8s.io'],
  resources: ['endpointslices'],
  verbs: ['update'],
} as const;

const binding: Draft<ClusterRoleBinding> = {
  metadata: { name: ROLE },
  roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: ROLE },
  subjects: [{ kind: 'ServiceAccount', name: NAME, namespace: NAMESPACE }],
};

const labels = { 'k8s-app': NAME, 'kubernetes.io/cluster-service': 'true', 'kubernetes.io/name': 'CoreDNS' };
const metadata = { name: NAME, namespace: NAMESPACE, labels };

/** The service of a server that is no pod, whose endpoints are {@link dnsSlice}s. */
export const dnsService = (clusterIP: string): Draft<Service> => ({
  metadata,
  spec: {
    clusterIP,
    ports: [
      { name: 'dns', protocol: 'UDP', port: PORT },
      { name: 'dns-tcp', protocol: 'TCP', port: PORT },
    ],
  },
});

/** Labels of the pods of a name server. */
export const dnsPods = { 'k8s-app': NAME };

/** The service of pods with the ports `dns`, `dns-tcp` and `metrics`. */
export const dnsPodService = (clusterIP: string): Draft<Service> => ({
  metadata: {
    ...metadata,
    annotations: { 'prometheus.io/port': String(METRICS_PORT), 'prometheus.io/scrape': 'true' },
  },
  spec: {
    clusterIP,
    ports: [
      { name: 'dns', protocol: 'UDP', port: PORT, targetPort: 'dns' },
      { name: 'dns-tcp', protocol: 'TCP', port: PORT, targetPort: 'dns-tcp' },
      { name: 'metrics', protocol: 'TCP', port: METRICS_PORT, targetPort: 'metrics' },
    ],
    selector: dnsPods,
  },
});

const sliceLabels = { 'kubernetes.io/service-name': NAME, 'endpointslice.kubernetes.io/managed-by': FIELD_MANAGER };

/** The slices of servers that are no pods. */
export const dnsSlices = {
  namespace: NAMESPACE,
  labelSelector: Object.entries(sliceLabels)
    .map((label) => label.join('='))
    .join(),
};

/**
 * Where a server is that is no pod.
 * @param server of its several ones, which
 * @param nodeName of its machine, whose readiness is the server's; undefined: it is ready
 */
export const dnsSlice = (server: string, address: string, port: number, nodeName?: string): Draft<EndpointSlice> => ({
  metadata: {
    name: `${NAME}-${server}`,
    namespace: NAMESPACE,
    labels: sliceLabels,
  },
  addressType: address.includes(':') ? 'IPv6' : 'IPv4',
  endpoints: [{ addresses: [address], conditions: { ready: true }, ...(nodeName ? { nodeName } : {}) }],
  ports: [
    { name: 'dns', protocol: 'UDP', port },
    { name: 'dns-tcp', protocol: 'TCP', port },
  ],
});

/** Lets the name server read what names are made of. @param client an administrator's @throws StatusError, ConnectionError */
export async function grantDns(client: Client): Promise<void> {
  const roles = client.resource<ClusterRole>(resources['clusterroles.rbac.authorization.k8s.io']);
  const bindings = client.resource<ClusterRoleBinding>(resources['clusterrolebindings.rbac.authorization.k8s.io']);
  await roles.apply(dnsRole(ROLE), FIELD_MANAGER, FORCE);
  await bindings.apply(binding, FIELD_MANAGER, FORCE);
}

/**
 * Makes the Service, or leads it to where the server is now.
 * @param client an administrator's
 * @returns false where the cluster has a name server of its own, in pods that its Service selects: nothing is changed then
 * @throws StatusError, ConnectionError
 */
export async function announceDns(client: Client, clusterIp: string, address: string, port: number): Promise<boolean> {
  const services = client.resource<Service>(resources.services);
  const slices = client.resource<EndpointSlice>(resources['endpointslices.discovery.k8s.io']);
  const known = await services.get({ namespace: NAMESPACE, name: NAME }).catch((error: unknown) => {
    if (hasReason(error, 'NotFound')) return undefined;
    throw error;
  });
  if (known?.spec?.selector !== undefined) return false;
  await services.apply(dnsService(clusterIp), FIELD_MANAGER, FORCE);
  await slices.apply(dnsSlice('keelson', address, port), FIELD_MANAGER, FORCE);
  return true;
}
