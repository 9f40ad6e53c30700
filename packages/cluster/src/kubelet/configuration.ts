/** What the kubelet is set to, by its file and by its flags (k8s.io/kubelet/config/v1beta1 KubeletConfiguration). */
import { durationOf, readComponentConfig } from '../component-config.ts';
import { StartupError } from '../startup-error.ts';
import type { Values } from './flags.ts';
import { type Housekeeping, type HousekeepingFile, housekeepingOf } from './housekeeping.ts';

/** The fields that have an effect. */
interface File extends HousekeepingFile {
  readonly address?: string;
  readonly port?: number;
  readonly staticPodPath?: string;
  readonly clusterDNS?: readonly string[];
  readonly clusterDomain?: string;
  readonly maxPods?: number;
  readonly containerRuntimeEndpoint?: string;
  readonly authentication?: { readonly x509?: { readonly clientCAFile?: string } };
  readonly rotateCertificates?: boolean;
  readonly serverTLSBootstrap?: boolean;
  readonly tlsCertFile?: string;
  readonly tlsPrivateKeyFile?: string;
  readonly registerWithTaints?: readonly { readonly key: string; readonly value?: string; readonly effect: string }[];
  readonly resolvConf?: string;
  readonly cgroupDriver?: string;
  readonly seccompDefault?: boolean;
  readonly allowedUnsafeSysctls?: readonly string[];
  readonly serializeImagePulls?: boolean;
  readonly podLogsDir?: string;
  readonly healthzBindAddress?: string;
  readonly healthzPort?: number;
  readonly nodeStatusUpdateFrequency?: string;
  readonly nodeLeaseDurationSeconds?: number;
  readonly providerID?: string;
}

/** Durations in milliseconds. */
export interface KubeletConfiguration extends Omit<File, 'authentication' | 'nodeStatusUpdateFrequency'> {
  readonly housekeeping: Housekeeping;
  readonly clientCaFile?: string;
  readonly nodeStatusUpdateMs?: number;
}

/** @throws StartupError for a file that is none, a taint or a duration that makes no sense */
export async function configurationOf(values: Values, given: ReadonlySet<string>): Promise<KubeletConfiguration> {
  const file =
    values.config === ''
      ? {}
      : await readComponentConfig<File>(values.config, 'kubelet.config.k8s.io/v1beta1', 'KubeletConfiguration');
  const { authentication, nodeStatusUpdateFrequency, ...rest } = file;
  /** A flag that was given comes before the file, its default behind it. */
  const pick = <F extends keyof Values, T>(flag: F, own: T | undefined): T | Values[F] =>
    given.has(flag) || own === undefined ? values[flag] : own;
  const clientCaFile = pick('client-ca-file', authentication?.x509?.clientCAFile);
  return {
    ...rest,
    address: pick('address', file.address),
    port: pick('port', file.port),
    staticPodPath: pick('pod-manifest-path', file.staticPodPath),
    clusterDNS: pick('cluster-dns', file.clusterDNS),
    clusterDomain: pick('cluster-domain', file.clusterDomain) || 'cluster.local',
    maxPods: pick('max-pods', file.maxPods),
    containerRuntimeEndpoint: pick('container-runtime-endpoint', file.containerRuntimeEndpoint),
    rotateCertificates: pick('rotate-certificates', file.rotateCertificates),
    serverTLSBootstrap: pick('rotate-server-certificates', file.serverTLSBootstrap),
    tlsCertFile: pick('tls-cert-file', file.tlsCertFile),
    tlsPrivateKeyFile: pick('tls-private-key-file', file.tlsPrivateKeyFile),
    registerWithTaints: given.has('register-with-taints')
      ? values['register-with-taints'].map(taintOf)
      : (file.registerWithTaints ?? []),
    resolvConf: pick('resolv-conf', file.resolvConf),
    seccompDefault: pick('seccomp-default', file.seccompDefault),
    allowedUnsafeSysctls: pick('allowed-unsafe-sysctls', file.allowedUnsafeSysctls),
    serializeImagePulls: pick('serialize-image-pulls', file.serializeImagePulls),
    healthzBindAddress: pick('healthz-bind-address', file.healthzBindAddress),
    healthzPort: pick('healthz-port', file.healthzPort),
    providerID: pick('provider-id', file.providerID),
    housekeeping: housekeeping(file, values, given),
    ...(clientCaFile === '' ? {} : { clientCaFile }),
    ...(nodeStatusUpdateFrequency ? { nodeStatusUpdateMs: durationOf(nodeStatusUpdateFrequency) } : {}),
  };
}

/** @throws StartupError */
function housekeeping(file: File, values: Values, given: ReadonlySet<string>): Housekeeping {
  const flags = {
    imageMinimumGCAge: time(values['minimum-image-ttl-duration']),
    imageGCHighThresholdPercent: values['image-gc-high-threshold'],
    imageGCLowThresholdPercent: values['image-gc-low-threshold'],
    nodeStatusMaxImages: values['node-status-max-images'],
    evictionHard: Object.fromEntries(values['eviction-hard']),
    evictionSoft: Object.fromEntries(values['eviction-soft']),
    evictionSoftGracePeriod: Object.fromEntries(values['eviction-soft-grace-period']),
    evictionPressureTransitionPeriod: time(values['eviction-pressure-transition-period']),
    evictionMaxPodGracePeriod: values['eviction-max-pod-grace-period'],
    evictionMinimumReclaim: Object.fromEntries(values['eviction-minimum-reclaim']),
    localStorageCapacityIsolation: values['local-storage-capacity-isolation'],
    containerLogMaxSize: values['container-log-max-size'],
    containerLogMaxFiles: values['container-log-max-files'],
  } satisfies HousekeepingFile;
  const said = Object.entries(flags).filter(([field]) => given.has(HOUSEKEEPING_FLAGS[field as keyof typeof flags]));
  try {
    return housekeepingOf({ ...file, ...Object.fromEntries(said) });
  } catch (error) {
    throw new StartupError((error as Error).message, 'correct --config, or the flag');
  }
}

const time = (milliseconds: number) => `${milliseconds}ms`;

/** By field of the file. */
const HOUSEKEEPING_FLAGS = {
  imageMinimumGCAge: 'minimum-image-ttl-duration',
  imageGCHighThresholdPercent: 'image-gc-high-threshold',
  imageGCLowThresholdPercent: 'image-gc-low-threshold',
  nodeStatusMaxImages: 'node-status-max-images',
  evictionHard: 'eviction-hard',
  evictionSoft: 'eviction-soft',
  evictionSoftGracePeriod: 'eviction-soft-grace-period',
  evictionPressureTransitionPeriod: 'eviction-pressure-transition-period',
  evictionMaxPodGracePeriod: 'eviction-max-pod-grace-period',
  evictionMinimumReclaim: 'eviction-minimum-reclaim',
  localStorageCapacityIsolation: 'local-storage-capacity-isolation',
  containerLogMaxSize: 'container-log-max-size',
  containerLogMaxFiles: 'container-log-max-files',
} as const satisfies Partial<Record<keyof HousekeepingFile, keyof Values>>;

/** `key=value:effect`, `key:effect` */
function taintOf(text: string): { key: string; value: string; effect: string } {
  const [, key = '', value = '', effect = ''] = /^([^=:]+)(?:=([^:]*))?:(\w+)$/.exec(text) ?? [];
  if (!['NoSchedule', 'PreferNoSchedule', 'NoExecute'].includes(effect)) {
    throw new StartupError(`invalid taint spec: ${text}`, 'write --register-with-taints as key=value:effect');
  }
  return { key, value, effect };
}
