/** The fields that a KubeProxyConfiguration may have (k8s.io/kube-proxy/config/v1alpha1). */
import { configFields, LOGGING_FIELDS } from '../config-fields.ts';

const RULES = 'masqueradeBit masqueradeAll syncPeriod minSyncPeriod';

export const KUBE_PROXY_FIELDS = configFields(
  `
    kind apiVersion featureGates hostnameOverride bindAddress healthzBindAddress metricsBindAddress
    bindAddressHardFail enableProfiling showHiddenMetricsForVersion mode detectLocalMode clusterCIDR
    nodePortAddresses oomScoreAdj configSyncPeriod portRange windowsRunAsService
  `,
  {
    clientConnection: configFields('kubeconfig acceptContentTypes contentType qps burst'),
    conntrack: configFields(
      'maxPerCore min tcpEstablishedTimeout tcpCloseWaitTimeout tcpBeLiberal udpTimeout udpStreamTimeout',
    ),
    detectLocal: configFields('bridgeInterface interfaceNamePrefix'),
    iptables: configFields(`${RULES} localhostNodePorts`),
    ipvs: configFields('syncPeriod minSyncPeriod scheduler excludeCIDRs strictARP tcpTimeout tcpFinTimeout udpTimeout'),
    logging: LOGGING_FIELDS,
    nftables: configFields(RULES),
    winkernel: configFields('networkName sourceVip enableDSR rootHnsEndpointName forwardHealthCheckVip'),
  },
);
