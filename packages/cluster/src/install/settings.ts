/** The flags by which `keelson init` sets what a configuration says, under kubeadm's names. */
import type { FlagTable, FlagValues } from '@keelson/component/pflag/flags';
import { defaultTunnel } from '@keelson/pod-network/tunnel-settings';
import type { Setting } from './context.ts';

const section = 'Configuration';

export const settingFlags = {
  'apiserver-advertise-address': { type: 'string', section },
  'apiserver-bind-port': { type: 'int', section, default: '6443' },
  'apiserver-cert-extra-sans': { type: 'strings', section },
  'apiserver-extra-args': { type: 'mapStringString', section },
  'cert-dir': { type: 'string', section, default: '/etc/kubernetes/pki' },
  'certificate-key': { type: 'string', section },
  'control-plane-endpoint': { type: 'string', section },
  'controller-manager-extra-args': { type: 'mapStringString', section },
  'cri-socket': { type: 'string', section },
  'ignore-preflight-errors': { type: 'strings', section },
  'image-repository': { type: 'string', section },
  'kubernetes-version': { type: 'string', section },
  'node-name': { type: 'string', section },
  patches: { type: 'string', section },
  'pod-network-cidr': { type: 'string', section },
  'pod-network-tunnel': { type: 'string', section, default: defaultTunnel.mode },
  'scheduler-extra-args': { type: 'mapStringString', section },
  'service-cidr': { type: 'string', section, default: '10.96.0.0/12' },
  'service-dns-domain': { type: 'string', section, default: 'cluster.local' },
} as const satisfies FlagTable;

/** The token that init makes, where it is to be another. */
export const tokenFlags = {
  token: { type: 'string', section },
  'token-ttl': { type: 'string', section, default: '24h0m0s' },
} as const satisfies FlagTable;

export const tokenDescriptions: Readonly<Record<keyof typeof tokenFlags, string>> = {
  token: 'Token by which machines join: abcdef.0123456789abcdef. Default: one that is made.',
  'token-ttl': 'How long it lasts; 0: for ever.',
};

type SettingFlag = keyof typeof settingFlags;

export const settingDescriptions: Readonly<Record<SettingFlag, string>> = {
  'apiserver-advertise-address':
    "Address that others reach this machine's API server by. Default: that of the interface with the default route.",
  'apiserver-bind-port': 'Port of the API server.',
  'apiserver-cert-extra-sans': 'More names and addresses for the certificate of the API server.',
  'apiserver-extra-args': 'More flags of the API server, name=value; they replace those of the same name.',
  'cert-dir': 'Where the certificates are.',
  'certificate-key': 'Key by which --upload-certs encrypts the authorities, in hexadecimal. Default: one that is made.',
  'control-plane-endpoint':
    'Name or address, with a port or without, that all machines of the control plane are reached by.',
  'controller-manager-extra-args': 'More flags of the controller manager.',
  'cri-socket': 'Socket of the container runtime.',
  'ignore-preflight-errors': 'Checks whose findings do not matter, such as Port; all: none of them does.',
  'image-repository': "Where the images of the control plane come from. Default: those made by 'npm run image'.",
  'kubernetes-version': 'Version of the control plane: this release has one.',
  'node-name': "Name of this machine's node. Default: the host name.",
  patches: 'Folder of patches of what is written: files such as kube-apiserver0+merge.yaml.',
  'pod-network-cidr': 'Addresses of pods: each node gets a part of them.',
  'pod-network-tunnel':
    'Which nodes pods reach through a tunnel (VXLAN): CrossSubnet, those behind a router; Always, all; Never, none.',
  'scheduler-extra-args': 'More flags of the scheduler.',
  'service-cidr': 'Addresses of services.',
  'service-dns-domain': 'Domain of services.',
};

const fields: Readonly<Record<SettingFlag, readonly [Setting['kind'], ...string[]]>> = {
  'apiserver-advertise-address': ['InitConfiguration', 'localAPIEndpoint', 'advertiseAddress'],
  'apiserver-bind-port': ['InitConfiguration', 'localAPIEndpoint', 'bindPort'],
  'apiserver-cert-extra-sans': ['ClusterConfiguration', 'apiServer', 'certSANs'],
  'apiserver-extra-args': ['ClusterConfiguration', 'apiServer', 'extraArgs'],
  'cert-dir': ['ClusterConfiguration', 'certificatesDir'],
  'certificate-key': ['InitConfiguration', 'certificateKey'],
  'control-plane-endpoint': ['ClusterConfiguration', 'controlPlaneEndpoint'],
  'controller-manager-extra-args': ['ClusterConfiguration', 'controllerManager', 'extraArgs'],
  'cri-socket': ['InitConfiguration', 'nodeRegistration', 'criSocket'],
  'ignore-preflight-errors': ['InitConfiguration', 'nodeRegistration', 'ignorePreflightErrors'],
  'image-repository': ['ClusterConfiguration', 'imageRepository'],
  'kubernetes-version': ['ClusterConfiguration', 'kubernetesVersion'],
  'node-name': ['InitConfiguration', 'nodeRegistration', 'name'],
  patches: ['InitConfiguration', 'patches', 'directory'],
  'pod-network-cidr': ['ClusterConfiguration', 'networking', 'podSubnet'],
  'pod-network-tunnel': ['PodNetworkConfiguration', 'tunnel'],
  'scheduler-extra-args': ['ClusterConfiguration', 'scheduler', 'extraArgs'],
  'service-cidr': ['ClusterConfiguration', 'networking', 'serviceSubnet'],
  'service-dns-domain': ['ClusterConfiguration', 'networking', 'dnsDomain'],
};

/** Flags that may stand beside `--config`: they say what differs from machine to machine. */
const besideFile: ReadonlySet<string> = new Set<SettingFlag>(['node-name', 'ignore-preflight-errors']);

/** The settings that the command line gave. */
export function settingsOf(values: FlagValues<typeof settingFlags>, given: ReadonlySet<string>): Setting[] {
  return (Object.keys(fields) as SettingFlag[])
    .filter((flag) => given.has(flag))
    .map((flag) => {
      const [kind, ...path] = fields[flag];
      const value = values[flag];
      return { kind, path, value: value instanceof Map ? argumentsOf(value) : value };
    });
}

/** The one token that the command line gave, or how long the one that is made lasts. */
export function tokenSettings(values: FlagValues<typeof tokenFlags>, given: ReadonlySet<string>): Setting[] {
  if (!given.has('token') && !given.has('token-ttl')) return [];
  const value = [{ token: values.token, ttl: values['token-ttl'] === '0' ? '0s' : values['token-ttl'] }];
  return [{ kind: 'InitConfiguration', path: ['bootstrapTokens'], value }];
}

const argumentsOf = (flags: ReadonlyMap<string, string>) => Array.from(flags, ([name, value]) => ({ name, value }));

/** Flags that contradict a `--config` beside them. */
export function contradictions(given: ReadonlySet<string>): string[] {
  const flags = [...Object.keys(fields), ...Object.keys(tokenFlags)];
  return flags.filter((flag) => given.has(flag) && !besideFile.has(flag));
}
