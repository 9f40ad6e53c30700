/** The `/etc/hosts` that containers see (pkg/kubelet/kubelet_pods.go, ensureHostsFile). */
import type { HostAlias } from '@keelson/api/generated/types/core/v1';

export interface HostsInput {
  readonly podIps: readonly string[];
  readonly hostname: string;
  /** Empty for none. */
  readonly domain: string;
  readonly aliases: readonly HostAlias[];
}

const HEADER = '# Kubernetes-managed hosts file';
const LOCAL = [
  '127.0.0.1\tlocalhost',
  '::1\tlocalhost ip6-localhost ip6-loopback',
  'fe00::0\tip6-localnet',
  'fe00::0\tip6-mcastprefix',
  'fe00::1\tip6-allnodes',
  'fe00::2\tip6-allrouters',
];

/** The hosts file of a pod with a network of its own. */
export function podHosts({ podIps, hostname, domain, aliases }: HostsInput): string {
  const names = domain ? `${hostname}.${domain}\t${hostname}` : hostname;
  const lines = [`${HEADER}.`, ...LOCAL, ...podIps.map((ip) => `${ip}\t${names}`)];
  return `${lines.join('\n')}\n${aliasLines(aliases)}`;
}

/** Of a pod on the host's network: the host's, and the aliases. */
export function hostHosts(hosts: string, aliases: readonly HostAlias[]): string {
  return `${HEADER} (host network).\n${hosts}${aliasLines(aliases)}`;
}

function aliasLines(aliases: readonly HostAlias[]): string {
  if (aliases.length === 0) return '';
  const lines = aliases.map(({ ip, hostnames = [] }) => `${ip}\t${hostnames.join('\t')}\n`);
  return `\n# Entries added by HostAliases.\n${lines.join('')}`;
}
