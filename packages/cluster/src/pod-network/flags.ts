import type { FlagTable, FlagValues } from '@keelson/component/pflag/flags';
import type { FlagDescriptions } from '@keelson/component/pflag/usage';
import { defaultTunnel } from '@keelson/pod-network/tunnel-settings';
import { commonDescriptions, connectionFlags, globalFlags, rateLimitDescriptions } from '../component-flags.ts';
import { HEALTHZ_PORT, METRICS_PORT } from './ports.ts';

const network = { section: 'Network' } as const;
const ports = { section: 'Ports' } as const;

export const CNI_FOLDER = '/etc/cni/net.d';
/** libcni's own. */
export const CACHE_FOLDER = '/var/lib/cni';
/** Emptied when the machine starts. */
export const ADDRESS_FOLDER = '/run/cni-ipam-state';

export const flags = {
  config: { type: 'string', ...network },
  tunnel: { type: 'string', ...network, default: defaultTunnel.mode },
  'vxlan-id': { type: 'int', ...network, default: String(defaultTunnel.id) },
  'vxlan-port': { type: 'int', ...network, default: String(defaultTunnel.port) },
  'hostname-override': { type: 'string', ...network },
  'cni-conf-dir': { type: 'string', ...network, default: CNI_FOLDER },
  'cni-ipam-dir': { type: 'string', ...network, default: ADDRESS_FOLDER },
  'cni-cache-dir': { type: 'string', ...network, default: CACHE_FOLDER },
  cleanup: { type: 'bool', ...network },
  'healthz-bind-address': { type: 'string', ...ports, default: `127.0.0.1:${HEALTHZ_PORT}` },
  'metrics-bind-address': { type: 'string', ...ports, default: `127.0.0.1:${METRICS_PORT}` },
  ...connectionFlags,
  ...globalFlags,
} as const satisfies FlagTable;

export type Values = FlagValues<typeof flags>;

export const descriptions: FlagDescriptions = {
  ...commonDescriptions,
  ...rateLimitDescriptions,
  cleanup: 'Take away what was made, and end.',
  'cni-cache-dir': 'Where the container runtime notes what addresses it has given to pods (the cache of libcni).',
  'cni-conf-dir': "Where the container runtime looks for its networks' configurations.",
  'cni-ipam-dir':
    'Where addresses that pods have are noted, and what --cni-conf-dir leads to is; it should be emptied when the machine starts.',
  config: 'File with a PodNetworkConfiguration, which counts instead of --tunnel, --vxlan-id and --vxlan-port.',
  'healthz-bind-address': 'Address and port of /healthz, /livez and /readyz; empty: none.',
  'hostname-override': "Name of the node. Default: this machine's.",
  'metrics-bind-address': 'Address and port of /metrics, /statusz and /flagz; empty: none.',
  tunnel:
    'Which nodes are reached through a tunnel (VXLAN): CrossSubnet, those behind a router; Always, all; Never, none.',
  'vxlan-id': "The tunnel's network, the same on all nodes.",
  'vxlan-port': "The tunnel's port of UDP, the same on all nodes.",
};
