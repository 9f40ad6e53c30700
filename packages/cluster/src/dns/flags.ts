import { kubeSchedulerFlags } from '@keelson/component/generated/kube-scheduler-flags';
import type { FlagTable, FlagValues } from '@keelson/component/pflag/flags';
import type { FlagDescriptions } from '@keelson/component/pflag/usage';

const dns = { section: 'Names' } as const;
const api = { section: 'API server' } as const;
const global = { section: 'Global' } as const;
const { help, version, v } = kubeSchedulerFlags;

export const flags = {
  'bind-address': { type: 'ip', ...dns, default: '0.0.0.0' },
  port: { type: 'int', ...dns, default: '53' },
  'cluster-domain': { type: 'string', ...dns, default: 'cluster.local' },
  'cluster-dns': { type: 'strings', ...dns },
  'resolv-conf': { type: 'string', ...dns, default: '/etc/resolv.conf' },
  'metrics-bind-address': { type: 'string', ...dns, default: '127.0.0.1:9153' },
  kubeconfig: { type: 'string', ...api },
  'kube-api-qps': { type: 'float32', ...api },
  'kube-api-burst': { type: 'int32', ...api },
  'logging-format': { type: 'string', ...global, default: 'text' },
  help: { ...help, ...global },
  version: { ...version, ...global },
  v: { ...v, ...global },
} as const satisfies FlagTable;

export type Values = FlagValues<typeof flags>;

export const descriptions: FlagDescriptions = {
  'bind-address': 'Address to listen at, by UDP and TCP.',
  'cluster-dns': 'Addresses at which pods reach this server.',
  'cluster-domain': "The cluster's domain.",
  help: 'Show this help.',
  'kube-api-burst': 'Calls that may be made at once, where --kube-api-qps limits them.',
  'kube-api-qps': 'Calls per second to the API server. Without this flag there is no limit.',
  kubeconfig: 'File that tells where the API server is and who asks.',
  'logging-format': "text (klog's lines) or json.",
  'metrics-bind-address': 'Address and port of /metrics, /health and /ready; empty: none.',
  port: 'Port to listen at.',
  'resolv-conf': 'File that names the servers for all other names.',
  v: 'How much is logged: 0 to 10.',
  version: 'Show the version; raw: in detail.',
};
