/** The KubeletConfiguration that an installation gives its kubelets (kubeadm/app/componentconfigs/kubelet.go). */
import { addressAt, parseCidr } from '../../cidr.ts';
import { DNS_OFFSET } from '../../dns/service.ts';
import { MANIFESTS_DIR } from '../layout.ts';
import type { ClusterConfiguration, KubeletDocument } from './types.ts';

/** The given document with defaults where it says nothing. @param given undefined: all is default */
export function defaultKubelet(given: KubeletDocument | undefined, cluster: ClusterConfiguration): KubeletDocument {
  const { authentication, authorization, ...rest } = given ?? {};
  const { x509, webhook, anonymous, ...otherAuthentication } = (authentication ?? {}) as Record<string, object>;
  return {
    staticPodPath: MANIFESTS_DIR,
    clusterDNS: [dnsAddress(cluster)],
    clusterDomain: cluster.networking.dnsDomain,
    healthzBindAddress: '127.0.0.1',
    healthzPort: 10248,
    cgroupDriver: 'systemd',
    ...withoutEmpty(rest),
    apiVersion: 'kubelet.config.k8s.io/v1beta1',
    kind: 'KubeletConfiguration',
    rotateCertificates: true,
    authentication: {
      ...otherAuthentication,
      anonymous: { enabled: false, ...anonymous },
      webhook: { enabled: true, cacheTTL: '0s', ...webhook },
      x509: { clientCAFile: `${cluster.certificatesDir}/ca.crt`, ...x509 },
    },
    authorization: { mode: 'Webhook', ...(authorization as object | undefined) },
  };
}

/** The services' address of the cluster's DNS. */
export function dnsAddress({ networking }: ClusterConfiguration): string {
  const range = parseCidr(networking.serviceSubnet.split(',')[0]!);
  return range === undefined ? '10.96.0.10' : addressAt(range, DNS_OFFSET);
}

const withoutEmpty = (fields: object) =>
  Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== null && value !== ''));
