import type { FlagTable, FlagValues } from '@keelson/component/pflag/flags';
import type { FlagDescriptions } from '@keelson/component/pflag/usage';
import { commonDescriptions, connectionFlags, globalFlags, rateLimitDescriptions } from '../component-flags.ts';

const dns = { section: 'Names' } as const;

export const flags = {
  'bind-address': { type: 'ip', ...dns, default: '0.0.0.0' },
  port: { type: 'int', ...dns, default: '53' },
  'cluster-domain': { type: 'string', ...dns, default: 'cluster.local' },
  'cluster-dns': { type: 'strings', ...dns },
  'resolv-conf': { type: 'string', ...dns, default: '/etc/resolv.conf' },
  'follow-machines': { type: 'bool', ...dns },
  'metrics-bind-address': { type: 'string', ...dns, default: '127.0.0.1:9153' },
  ...connectionFlags,
  ...globalFlags,
} as const satisfies FlagTable;

export type Values = FlagValues<typeof flags>;

export const descriptions: FlagDescriptions = {
  ...commonDescriptions,
  ...rateLimitDescriptions,
  'bind-address': 'Address to listen at, by UDP and TCP.',
  'cluster-dns': 'Addresses at which pods reach this server.',
  'cluster-domain': "The cluster's domain.",
  'follow-machines':
    'Say of the name servers that are no pods that they are ready as long as the nodes of their machines are.',
  kubeconfig: 'File that tells where the API server is and who asks. Default, in a pod: its service account.',
  'metrics-bind-address': 'Address and port of /metrics, /health and /ready; empty: none.',
  port: 'Port to listen at.',
  'resolv-conf': 'File that names the servers for all other names.',
};
