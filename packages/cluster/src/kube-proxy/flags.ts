import type { FlagTable, FlagValues } from '@keelson/component/pflag/flags';
import type { FlagDescriptions } from '@keelson/component/pflag/usage';
import {
  commonDescriptions,
  connectionFlags,
  GATES_DESCRIPTION,
  globalFlags,
  rateLimitDescriptions,
} from '../component-flags.ts';

const proxy = { section: 'Proxy' } as const;
const conntrack = { section: 'Connections' } as const;
const global = { section: 'Global' } as const;

/** The flags of upstream's kube-proxy that have an effect, and those of its other modes that manifests give. */
export const flags = {
  config: { type: 'string', ...proxy },
  'proxy-mode': { type: 'string', ...proxy },
  'hostname-override': { type: 'string', ...proxy },
  'bind-address': { type: 'ip', ...proxy, default: '0.0.0.0' },
  'bind-address-hard-fail': { type: 'bool', ...proxy },
  'healthz-bind-address': { type: 'string', ...proxy, default: '0.0.0.0:10256' },
  'metrics-bind-address': { type: 'string', ...proxy, default: '127.0.0.1:10249' },
  'cluster-cidr': { type: 'string', ...proxy },
  'detect-local-mode': { type: 'string', ...proxy },
  'pod-bridge-interface': { type: 'string', ...proxy },
  'pod-interface-name-prefix': { type: 'string', ...proxy },
  'nodeport-addresses': { type: 'strings', ...proxy },
  'masquerade-all': { type: 'bool', ...proxy },
  'iptables-masquerade-bit': { type: 'int32', ...proxy, default: '14' },
  'iptables-sync-period': { type: 'duration', ...proxy, default: '30s' },
  'iptables-min-sync-period': { type: 'duration', ...proxy, default: '1s' },
  'iptables-localhost-nodeports': { type: 'bool', ...proxy, default: 'true' },
  'oom-score-adj': { type: 'int32', ...proxy, default: '-999' },
  cleanup: { type: 'bool', ...proxy },
  'conntrack-max-per-core': { type: 'int32', ...conntrack, default: '32768' },
  'conntrack-min': { type: 'int32', ...conntrack, default: '131072' },
  'conntrack-tcp-be-liberal': { type: 'bool', ...conntrack },
  'conntrack-tcp-timeout-established': { type: 'duration', ...conntrack, default: '24h0m0s' },
  'conntrack-tcp-timeout-close-wait': { type: 'duration', ...conntrack, default: '1h0m0s' },
  'conntrack-udp-timeout': { type: 'duration', ...conntrack },
  'conntrack-udp-timeout-stream': { type: 'duration', ...conntrack },
  ...connectionFlags,
  'kube-api-qps': { ...connectionFlags['kube-api-qps'], default: '5' },
  'kube-api-burst': { ...connectionFlags['kube-api-burst'], default: '10' },
  'feature-gates': { type: 'mapStringBool', ...global },
  ...globalFlags,
} as const satisfies FlagTable;

export type Values = FlagValues<typeof flags>;

export const descriptions: FlagDescriptions = {
  ...commonDescriptions,
  ...rateLimitDescriptions,
  'bind-address': "Address of the node, in the place of that of the node's object; 0.0.0.0: that one.",
  'bind-address-hard-fail': 'End where the port of health or metrics is taken.',
  cleanup: 'Take the rules away, and end.',
  'cluster-cidr': 'Addresses of pods; two of different families, comma separated.',
  config: 'File with a KubeProxyConfiguration, which counts instead of the flags.',
  'conntrack-max-per-core': 'Flows that the kernel keeps, per core; 0: as it is.',
  'conntrack-min': 'Flows that it keeps at least.',
  'conntrack-tcp-be-liberal': 'Take packets out of their window for part of a flow.',
  'conntrack-tcp-timeout-close-wait': 'How long a flow in CLOSE_WAIT is kept; 0: as it is.',
  'conntrack-tcp-timeout-established': 'How long an idle flow is kept; 0: as it is.',
  'conntrack-udp-timeout': 'How long a flow of UDP without an answer is kept; 0: as it is.',
  'conntrack-udp-timeout-stream': 'How long a flow of UDP is kept; 0: as it is.',
  'detect-local-mode': 'How traffic of pods is known: ClusterCIDR, NodeCIDR, BridgeInterface, InterfaceNamePrefix.',
  'feature-gates': GATES_DESCRIPTION,
  'healthz-bind-address': 'Address and port of /healthz and /livez; empty: none.',
  'hostname-override': "Name of the node. Default: this machine's.",
  'iptables-masquerade-bit': 'Bit of the mark of packets that are to be masqueraded.',
  'iptables-min-sync-period': 'At least so long between two transactions.',
  'iptables-sync-period': 'After so long a failed transaction is tried again.',
  'masquerade-all': 'Masquerade all traffic to cluster addresses.',
  'metrics-bind-address':
    'Address and port of /metrics, /healthz, /configz, /proxyMode, /statusz and /flagz; empty: none.',
  'nodeport-addresses':
    "Ranges of this machine's addresses at which ports of the node are open, or `primary`, the default: the node's own.",
  'pod-bridge-interface': 'The bridge of pods, for BridgeInterface.',
  'pod-interface-name-prefix': 'How the names of interfaces of pods begin, for InterfaceNamePrefix.',
  'proxy-mode': 'nftables, or empty.',
};
