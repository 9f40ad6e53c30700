/** What the proxy is set to, by its file or by its flags (kubeproxy.config.k8s.io/v1alpha1 KubeProxyConfiguration). */
import { isIP } from 'node:net';
import { type ConntrackSettings, familyOfRange, type LocalTraffic, type ProxySettings } from '@keelson/proxy';
import type { LoggingFile } from '../commands/logging.ts';
import { durationOf, readComponentConfig } from '../component-config.ts';
import { unknownFields } from '../config-fields.ts';
import { StartupError } from '../startup-error.ts';
import { KUBE_PROXY_FIELDS } from './fields.ts';
import type { Values } from './flags.ts';
import { HEALTHZ_PORT, METRICS_PORT } from './ports.ts';

/** The fields that have an effect. */
interface File {
  readonly mode?: string;
  readonly hostnameOverride?: string;
  readonly bindAddress?: string;
  readonly bindAddressHardFail?: boolean;
  readonly healthzBindAddress?: string;
  readonly metricsBindAddress?: string;
  readonly clusterCIDR?: string;
  readonly detectLocalMode?: string;
  readonly detectLocal?: { readonly bridgeInterface?: string; readonly interfaceNamePrefix?: string };
  readonly nodePortAddresses?: readonly string[] | null;
  readonly clientConnection?: { readonly kubeconfig?: string };
  readonly nftables?: {
    readonly masqueradeAll?: boolean;
    readonly masqueradeBit?: number | null;
    readonly syncPeriod?: string;
    readonly minSyncPeriod?: string;
  };
  readonly conntrack?: {
    readonly maxPerCore?: number | null;
    readonly min?: number | null;
    readonly tcpEstablishedTimeout?: string | null;
    readonly tcpCloseWaitTimeout?: string | null;
    readonly tcpBeLiberal?: boolean;
    readonly udpTimeout?: string;
    readonly udpStreamTimeout?: string;
  };
  readonly featureGates?: Readonly<Record<string, boolean>> | null;
}

export interface Endpoint {
  readonly host: string;
  readonly port: number;
}

export interface KubeProxyConfiguration {
  readonly settings: ProxySettings;
  readonly conntrack: ConntrackSettings;
  readonly kubeconfig: string;
  /** Empty: the machine's name. */
  readonly nodeName: string;
  /** Undefined: none. */
  readonly healthz: Endpoint | undefined;
  readonly metrics: Endpoint | undefined;
  readonly bindAddressHardFail: boolean;
  readonly featureGates: Readonly<Record<string, boolean>>;
  /** What is wrong with the file that was read all the same. */
  readonly fault: string | undefined;
}

const LOCAL_MODES = ['ClusterCIDR', 'NodeCIDR', 'BridgeInterface', 'InterfaceNamePrefix'];

/** @throws StartupError for a file that is none, or settings that make no sense */
export async function configurationOf(values: Values): Promise<KubeProxyConfiguration> {
  const file = values.config === '' ? fromFlags(values) : await read(values.config);
  if (!['', 'nftables'].includes(file.mode ?? '')) {
    throw new StartupError(`the mode ${file.mode} is not there`, 'choose nftables, or run upstream’s kube-proxy');
  }
  const { nftables = {}, conntrack = {}, bindAddress = '' } = file;
  const nodePortAddresses = file.nodePortAddresses ?? [];
  const isPrimary = nodePortAddresses.length === 0 || nodePortAddresses[0] === 'primary';
  for (const range of isPrimary ? [] : nodePortAddresses) checkRange(range);
  const bit = nftables.masqueradeBit ?? 14;
  if (bit < 0 || bit > 31) throw new StartupError('the bit of the mark is none of 0 to 31', 'correct masqueradeBit');
  return {
    settings: {
      masqueradeAll: nftables.masqueradeAll ?? false,
      masqueradeBit: bit,
      minSyncMs: milliseconds(nftables.minSyncPeriod, 1_000),
      syncMs: milliseconds(nftables.syncPeriod, 30_000),
      localTraffic: localTrafficOf(file),
      nodePortAddresses: isPrimary ? 'primary' : nodePortAddresses,
      nodeIp: isIP(bindAddress) && !/^[0.:]+$/.test(bindAddress) ? bindAddress : undefined,
    },
    conntrack: {
      maxPerCore: conntrack.maxPerCore ?? 32_768,
      min: conntrack.min ?? 131_072,
      tcpEstablishedMs: milliseconds(conntrack.tcpEstablishedTimeout ?? undefined, 86_400_000),
      tcpCloseWaitMs: milliseconds(conntrack.tcpCloseWaitTimeout ?? undefined, 3_600_000),
      udpMs: milliseconds(conntrack.udpTimeout, 0),
      udpStreamMs: milliseconds(conntrack.udpStreamTimeout, 0),
      tcpBeLiberal: conntrack.tcpBeLiberal ?? false,
    },
    kubeconfig: file.clientConnection?.kubeconfig || values.kubeconfig,
    nodeName: values['hostname-override'] || file.hostnameOverride || '',
    healthz: endpointOf(file.healthzBindAddress, HEALTHZ_PORT),
    metrics: endpointOf(file.metricsBindAddress, METRICS_PORT),
    bindAddressHardFail: file.bindAddressHardFail ?? false,
    featureGates: file.featureGates ?? {},
    fault: values.config === '' ? undefined : unknownFields(file, KUBE_PROXY_FIELDS),
  };
}

function fromFlags(values: Values): File {
  const seconds = (ms: number) => `${ms / 1_000}s`;
  return {
    mode: values['proxy-mode'],
    bindAddress: values['bind-address'],
    bindAddressHardFail: values['bind-address-hard-fail'],
    healthzBindAddress: values['healthz-bind-address'],
    metricsBindAddress: values['metrics-bind-address'],
    clusterCIDR: values['cluster-cidr'],
    detectLocalMode: values['detect-local-mode'],
    detectLocal: {
      bridgeInterface: values['pod-bridge-interface'],
      interfaceNamePrefix: values['pod-interface-name-prefix'],
    },
    nodePortAddresses: values['nodeport-addresses'],
    featureGates: Object.fromEntries(values['feature-gates']),
    nftables: {
      masqueradeAll: values['masquerade-all'],
      masqueradeBit: values['iptables-masquerade-bit'],
      syncPeriod: seconds(values['iptables-sync-period']),
      minSyncPeriod: seconds(values['iptables-min-sync-period']),
    },
    conntrack: {
      maxPerCore: values['conntrack-max-per-core'],
      min: values['conntrack-min'],
      tcpEstablishedTimeout: seconds(values['conntrack-tcp-timeout-established']),
      tcpCloseWaitTimeout: seconds(values['conntrack-tcp-timeout-close-wait']),
      tcpBeLiberal: values['conntrack-tcp-be-liberal'],
      udpTimeout: seconds(values['conntrack-udp-timeout']),
      udpStreamTimeout: seconds(values['conntrack-udp-timeout-stream']),
    },
  };
}

/** @returns what `--config` says of logs. @throws StartupError */
export async function loggingFile({ config }: Values): Promise<LoggingFile> {
  return config === '' ? {} : open<LoggingFile>(config);
}

const open = <T extends object>(path: string): Promise<T> =>
  readComponentConfig<T>(path, 'kubeproxy.config.k8s.io/v1alpha1', 'KubeProxyConfiguration');

async function read(path: string): Promise<File> {
  const file = await open<File>(path);
  return {
    ...file,
    healthzBindAddress: file.healthzBindAddress || `0.0.0.0:${HEALTHZ_PORT}`,
    metricsBindAddress: file.metricsBindAddress || `127.0.0.1:${METRICS_PORT}`,
  };
}

function localTrafficOf({ detectLocalMode, detectLocal = {}, clusterCIDR = '' }: File): LocalTraffic {
  const by = detectLocalMode || 'ClusterCIDR';
  const { bridgeInterface = '', interfaceNamePrefix = '' } = detectLocal;
  if (!LOCAL_MODES.includes(by)) {
    throw new StartupError(`the mode ${by} of local traffic is unknown`, `choose one of ${LOCAL_MODES.join(', ')}`);
  }
  if (by === 'NodeCIDR') return { by };
  if (by === 'BridgeInterface') return { by, name: interfaceName(bridgeInterface) };
  if (by === 'InterfaceNamePrefix') return { by, prefix: interfaceName(interfaceNamePrefix) };
  const ranges = clusterCIDR.split(',').filter((range) => range !== '');
  for (const range of ranges) checkRange(range);
  return { by: 'ClusterCIDR', ranges };
}

/** It becomes part of nft's language. */
function interfaceName(text: string): string {
  if (/^[A-Za-z0-9][\w.-]{0,14}$/.test(text)) return text;
  throw new StartupError(`${JSON.stringify(text)} is no name of an interface`, 'correct detectLocal');
}

function checkRange(range: string): void {
  if (familyOfRange(range) === undefined) throw new StartupError(`${range} is no CIDR`, 'give one like 10.244.0.0/16');
}

function milliseconds(text: string | undefined, fallback: number): number {
  return text === undefined || text === '' ? fallback : durationOf(text);
}

/** `0.0.0.0:10256`, `[::]:10256`, or an address alone */
export function endpointOf(text: string | undefined, defaultPort: number): Endpoint | undefined {
  if (!text) return undefined;
  const [, host = text, port = String(defaultPort)] = /^\[?(.*?)\]?:(\d+)$/.exec(isIP(text) ? '' : text) ?? [];
  if (isIP(host) === 0) throw new StartupError(`${text} is no address and port`, 'write it as 0.0.0.0:10256');
  return port === '0' ? undefined : { host, port: Number(port) };
}
