/** Names that pods find (pkg/kubelet/network/dns/dns.go). */
import { readFile } from 'node:fs/promises';
import { isIPv6 } from 'node:net';
import type { Pod } from '@keelson/api/generated/types/core/v1';
import { errnoText } from '@keelson/component/go/errno';
import { isHostNetwork } from '../pods/spec.ts';
import type { DnsConfig } from '../runtime/sandbox.ts';

export interface DnsSettings {
  /** Addresses of the cluster's server; none where there is none. */
  readonly clusterDns: readonly string[];
  readonly clusterDomain: string;
  /** Path of the node's resolv.conf, read for each pod, as it may change; empty: the node's own server is asked. */
  readonly resolvConf: string;
}

const MAX_SERVERS = 3;
const MAX_SEARCHES = 32;
const MAX_SEARCH_LENGTH = 2048;

/**
 * What a pod's resolv.conf says (pkg/kubelet/network/dns, GetPodDNS).
 * @param hostIps addresses of the node. @throws Error where the node's file cannot be read
 */
export async function dnsOf(pod: Pod, settings: DnsSettings, hostIps: readonly string[]): Promise<DnsConfig> {
  const { clusterDns, clusterDomain, resolvConf } = settings;
  const { dnsPolicy = 'ClusterFirst', dnsConfig = {} } = pod.spec!;
  const host =
    resolvConf === ''
      ? { servers: loopbackOf(hostIps), searches: [], options: [] }
      : parseResolvConf(await readFile(resolvConf, 'utf8').catch(inWordsOf(resolvConf)));
  const cluster = dnsPolicy === 'ClusterFirstWithHostNet' || (dnsPolicy === 'ClusterFirst' && !isHostNetwork(pod));
  const namespace = pod.metadata.namespace;
  const own = clusterDomain ? [`${namespace}.svc.${clusterDomain}`, `svc.${clusterDomain}`, clusterDomain] : [];
  const base: DnsConfig =
    dnsPolicy === 'None'
      ? { servers: [], searches: [], options: [] }
      : cluster && clusterDns.length > 0
        ? { servers: clusterDns, searches: unique([...own, ...host.searches]), options: ['ndots:5'] }
        : host;
  return {
    servers: unique([...base.servers, ...(dnsConfig.nameservers ?? [])]).slice(0, MAX_SERVERS),
    searches: fitting(unique([...base.searches, ...(dnsConfig.searches ?? [])])),
    options: mergeOptions(base.options, dnsConfig.options ?? []),
  };
}

const inWordsOf = (path: string) => (error: NodeJS.ErrnoException) => {
  throw new Error(`open ${path}: ${errnoText(error.code) ?? error.message}`, { cause: error });
};

/** Of the families that the node has. */
const loopbackOf = (hostIps: readonly string[]): string[] =>
  hostIps.length === 0 ? ['127.0.0.1'] : hostIps.map((ip) => (isIPv6(ip) ? '::1' : '127.0.0.1'));

export function parseResolvConf(text: string): DnsConfig {
  const [servers, options]: [string[], string[]] = [[], []];
  let searches: string[] = [];
  for (const line of text.split('\n')) {
    const [keyword, ...rest] = line.trim().split(/\s+/);
    if (keyword === 'nameserver' && rest[0]) servers.push(rest[0]);
    if (keyword === 'search') searches = rest.map((name) => (name.length > 1 ? name.replace(/\.$/, '') : name));
    if (keyword === 'options') options.push(...rest);
  }
  return { servers, searches, options };
}

/** Those of the pod in the place of others of their name. */
function mergeOptions(
  base: readonly string[],
  own: readonly { readonly name?: string; readonly value?: string }[],
): string[] {
  const all = new Map(base.map((option): [string, string] => [option.split(':')[0]!, option]));
  for (const { name = '', value } of own) all.set(name, value === undefined ? name : `${name}:${value}`);
  return [...all.values()];
}

function fitting(searches: readonly string[]): string[] {
  let length = 0;
  return searches.slice(0, MAX_SEARCHES).filter((search) => {
    length += search.length + 1;
    return length <= MAX_SEARCH_LENGTH;
  });
}

const unique = (texts: readonly string[]) => [...new Set(texts)];

const MAX_HOSTNAME = 63;

/** The pod's own name, and the domain that it is in with others. */
export function hostnameOf(
  { metadata, spec }: Pod,
  clusterDomain: string,
): { readonly hostname: string; readonly domain: string } {
  if (spec?.hostnameOverride !== undefined) return { hostname: spec.hostnameOverride.slice(0, 64), domain: '' };
  const full = spec?.hostname || metadata.name!;
  const hostname = full.length > MAX_HOSTNAME ? full.slice(0, MAX_HOSTNAME).replace(/[-.]+$/, '') : full;
  return { hostname, domain: spec?.subdomain ? `${spec.subdomain}.${metadata.namespace}.svc.${clusterDomain}` : '' };
}
