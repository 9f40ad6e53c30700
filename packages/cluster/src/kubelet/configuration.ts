/** What the kubelet is set to, by its file and by its flags (k8s.io/kubelet/config/v1beta1 KubeletConfiguration). */
import type { FeatureGates } from '@keelson/component/featuregate/featuregate';
import type { IsEnabled } from '@keelson/kubelet/gates';
import type { CrashBackoffOptions } from '@keelson/kubelet/pods/backoff';
import { type MemoryReservation, parseReservedMemory, type ShutdownPeriod } from '@keelson/kubelet/policies';
import type { Access } from '@keelson/kubelet/server/server';
import { durationOf } from '../component-config.ts';
import { mergedGates } from '../feature-gates.ts';
import { StartupError } from '../startup-error.ts';
import { type AccessFile, accessFile, accessOf } from './access.ts';
import { KUBELET_DEFAULTS } from './defaults.ts';
import { type KubeletFile, readKubeletFile } from './file.ts';
import type { Values } from './flags.ts';
import { type GatedFile, gatedFieldProblems } from './gated-fields.ts';
import { type Housekeeping, type HousekeepingFile, housekeepingOf } from './housekeeping.ts';
import { type NodeResources, type ResourcesFile, resourcesOf } from './resources.ts';
import { type ShutdownFile, shutdownPeriodsOf } from './shutdown.ts';
import type { TracingFile } from './tracing.ts';

/** The fields that have an effect. */
interface File extends AccessFile, GatedFile, HousekeepingFile, ResourcesFile, TracingFile {
  readonly address?: string;
  readonly port?: number;
  readonly staticPodPath?: string;
  readonly clusterDNS?: readonly string[];
  readonly clusterDomain?: string;
  readonly maxPods?: number;
  readonly containerRuntimeEndpoint?: string;
  readonly rotateCertificates?: boolean;
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
  readonly userNamespaces?: { readonly idsPerPod?: number };
  readonly featureGates?: Readonly<Record<string, boolean>>;
  readonly enableProfilingHandler?: boolean;
  readonly enableDebugFlagsHandler?: boolean;
}

/** Durations in milliseconds. */
export interface KubeletConfiguration
  extends Omit<File, 'authentication' | 'authorization' | 'nodeStatusUpdateFrequency' | 'crashLoopBackOff'> {
  readonly access: Access;
  readonly housekeeping: Housekeeping;
  readonly resources: NodeResources;
  readonly shutdownPeriods: readonly ShutdownPeriod[];
  readonly clientCaFile?: string;
  readonly nodeStatusUpdateMs?: number;
  readonly imageVerification?: ImageVerification;
  readonly gates: FeatureGates;
  /** Pauses between restarts of a container: the first and the longest. */
  readonly crashLoop: CrashBackoffOptions;
  /** All fields with what they are set to, as a KubeletConfiguration says it. */
  readonly shown: object;
  /** Files of --config-dir that are no drop-ins. */
  readonly skippedFiles: readonly string[];
  /** What is wrong with files that were read all the same. */
  readonly faults: KubeletFile<unknown>['faults'];
}

/** @throws StartupError for a file that is none, a taint or a duration that makes no sense */
export async function configurationOf(values: Values, given: ReadonlySet<string>): Promise<KubeletConfiguration> {
  const { file, skipped, faults } = await readKubeletFile<File>(values.config, values['config-dir']);
  const { authentication: _, authorization: __, nodeStatusUpdateFrequency, crashLoopBackOff, ...rest } = file;
  const said = flagsOf(values, given);
  const access = accessFile(file, values, given);
  const gates = mergedGates(Object.entries(file.featureGates ?? {}), values['feature-gates']);
  const { isEnabled } = gates;
  const settings = settingsOf({ ...file, ...said }, isEnabled);
  const imageVerification = imageVerificationOf(file, isEnabled);
  checkUserNamespaces(file.userNamespaces?.idsPerPod);
  /** A flag that was given comes before the file, its default behind it. */
  const pick = <F extends keyof Values, T>(flag: F, own: T | undefined): T | Values[F] =>
    given.has(flag) || own === undefined ? values[flag] : own;
  const { clientCAFile: clientCaFile = '' } = access.authentication.x509 ?? {};
  const fields = {
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
    readOnlyPort: access.readOnlyPort,
  };
  const disabled = gatedFieldProblems({ ...file, ...fields }, isEnabled);
  if (disabled.length > 0) throw invalid(disabled.join(', invalid configuration: '));
  return {
    ...rest,
    ...fields,
    ...settings,
    access: accessOf(access),
    shown: { ...KUBELET_DEFAULTS, ...file, ...fields, ...said, ...access },
    skippedFiles: skipped,
    faults,
    ...(clientCaFile === '' ? {} : { clientCaFile }),
    imageVerification,
    gates,
    crashLoop: crashLoopOf(crashLoopBackOff?.maxContainerRestartPeriod, isEnabled),
    ...(nodeStatusUpdateFrequency ? { nodeStatusUpdateMs: durationOf(nodeStatusUpdateFrequency) } : {}),
  };
}

/** What is said by flags that have fields of their own. @throws StartupError */
function flagsOf(values: Values, given: ReadonlySet<string>): HousekeepingFile & ResourcesFile {
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
    cgroupsPerQOS: values['cgroups-per-qos'],
    cgroupRoot: values['cgroup-root'],
    kubeReserved: Object.fromEntries(values['kube-reserved']),
    systemReserved: Object.fromEntries(values['system-reserved']),
    kubeReservedCgroup: values['kube-reserved-cgroup'],
    systemReservedCgroup: values['system-reserved-cgroup'],
    enforceNodeAllocatable: values['enforce-node-allocatable'],
    podPidsLimit: values['pod-max-pids'],
    cpuCFSQuota: values['cpu-cfs-quota'],
    cpuManagerPolicy: values['cpu-manager-policy'],
    cpuManagerPolicyOptions: Object.fromEntries(values['cpu-manager-policy-options']),
    cpuManagerReconcilePeriod: time(values['cpu-manager-reconcile-period']),
    reservedSystemCPUs: values['reserved-cpus'],
    failSwapOn: values['fail-swap-on'],
    memoryManagerPolicy: values['memory-manager-policy'],
    reservedMemory: reservedMemory(values['reserved-memory']),
    topologyManagerPolicy: values['topology-manager-policy'],
    topologyManagerScope: values['topology-manager-scope'],
    topologyManagerPolicyOptions: Object.fromEntries(values['topology-manager-policy-options']),
  } satisfies HousekeepingFile & ResourcesFile;
  return Object.fromEntries(Object.entries(flags).filter(([field]) => given.has(FLAGS[field as keyof typeof flags])));
}

/** @throws StartupError */
function settingsOf(all: HousekeepingFile & ResourcesFile & ShutdownFile, isEnabled: IsEnabled) {
  try {
    return {
      housekeeping: housekeepingOf(all),
      resources: resourcesOf(all, isEnabled),
      shutdownPeriods: shutdownPeriodsOf(all),
    };
  } catch (error) {
    throw new StartupError((error as Error).message, 'correct --config, or the flag');
  }
}

function reservedMemory(text: string): MemoryReservation[] {
  try {
    return parseReservedMemory(text);
  } catch (error) {
    throw new StartupError((error as Error).message, 'correct --reserved-memory');
  }
}

const time = (milliseconds: number) => `${milliseconds}ms`;

/** By field of the file. */
const FLAGS = {
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
  cgroupsPerQOS: 'cgroups-per-qos',
  cgroupRoot: 'cgroup-root',
  kubeReserved: 'kube-reserved',
  systemReserved: 'system-reserved',
  kubeReservedCgroup: 'kube-reserved-cgroup',
  systemReservedCgroup: 'system-reserved-cgroup',
  enforceNodeAllocatable: 'enforce-node-allocatable',
  podPidsLimit: 'pod-max-pids',
  cpuCFSQuota: 'cpu-cfs-quota',
  cpuManagerPolicy: 'cpu-manager-policy',
  cpuManagerPolicyOptions: 'cpu-manager-policy-options',
  cpuManagerReconcilePeriod: 'cpu-manager-reconcile-period',
  reservedSystemCPUs: 'reserved-cpus',
  failSwapOn: 'fail-swap-on',
  memoryManagerPolicy: 'memory-manager-policy',
  reservedMemory: 'reserved-memory',
  topologyManagerPolicy: 'topology-manager-policy',
  topologyManagerScope: 'topology-manager-scope',
  topologyManagerPolicyOptions: 'topology-manager-policy-options',
} as const satisfies Partial<Record<keyof (HousekeepingFile & ResourcesFile), keyof Values>>;

/** `key=value:effect`, `key:effect` */
function taintOf(text: string): { key: string; value: string; effect: string } {
  const [, key = '', value = '', effect = ''] = /^([^=:]+)(?:=([^:]*))?:(\w+)$/.exec(text) ?? [];
  if (!['NoSchedule', 'PreferNoSchedule', 'NoExecute'].includes(effect)) {
    throw new StartupError(`invalid taint spec: ${text}`, 'write --register-with-taints as key=value:effect');
  }
  return { key, value, effect };
}

function crashLoopOf(period: string | undefined, isEnabled: IsEnabled): CrashBackoffOptions {
  const isReduced = isEnabled('ReduceDefaultCrashLoopBackOffDecay');
  const own = isReduced && !isEnabled('KubeletCrashLoopBackOffMax') ? REDUCED_MAX_MS : undefined;
  const ms = period === undefined ? own : durationOf(period);
  if (ms === undefined || (ms >= 1000 && ms <= 300_000))
    return { ...(isReduced ? { firstMs: REDUCED_FIRST_MS } : {}), ...(ms === undefined ? {} : { maxMs: ms }) };
  throw invalid(
    `CrashLoopBackOff.MaxContainerRestartPeriod (got: ${ms / 1000} seconds) must be set between 1s and 300s`,
  );
}

const REDUCED_FIRST_MS = 1_000;
const REDUCED_MAX_MS = 60_000;

const POLICIES = ['NeverVerify', 'NeverVerifyPreloadedImages', 'NeverVerifyAllowlistedImages', 'AlwaysVerify'] as const;

interface ImageVerification {
  readonly policy: (typeof POLICIES)[number];
  readonly allowlist: readonly string[];
}

function imageVerificationOf(file: File, isEnabled: IsEnabled): ImageVerification {
  if (!isEnabled('KubeletEnsureSecretPulledImages')) return { policy: 'NeverVerify', allowlist: [] };
  const { imagePullCredentialsVerificationPolicy: said = 'NeverVerifyPreloadedImages' } = file;
  const { preloadedImagesVerificationAllowlist: allowlist = [] } = file;
  const policy = POLICIES.find((each) => each === said);
  if (!policy) {
    const [first, second, third, last] = POLICIES.map((each) => JSON.stringify(each));
    const options = `Valid options are ${first}, ${second}, ${third} or ${last}`;
    throw invalid(`option ${JSON.stringify(said)} specified for imagePullCredentialsVerificationPolicy. ${options}`);
  }
  if (allowlist.length > 0 && policy !== 'NeverVerifyAllowlistedImages') {
    const other = '`imagePullCredentialsVertificationPolicy` is not "NeverVerifyAllowlistedImages"';
    throw invalid(`can't set \`preloadedImagesVerificationAllowlist\` if ${other}`);
  }
  for (const pattern of allowlist) {
    const problem = patternProblem(pattern);
    if (problem) throw invalid(`invalid image pattern in \`preloadedImagesVerificationAllowlist\`: ${problem}`);
  }
  return { policy, allowlist };
}

function patternProblem(pattern: string): string | undefined {
  if (pattern !== pattern.trim()) return `leading/trailing spaces are not allowed: ${pattern}`;
  const plain = pattern.endsWith('/*') ? pattern.slice(0, -1) : pattern;
  if (plain === '') return `the supplied pattern is too short: ${pattern}`;
  if (plain.includes('*'))
    return `not a valid wildcard pattern, only patterns ending with '/*' are allowed: ${pattern}`;
  return plain === '/' ? 'at least registry hostname is required' : undefined;
}

const ID_UNIT = 65_536;

function checkUserNamespaces(idsPerPod: number | undefined): void {
  if (idsPerPod === undefined) return;
  const field = 'userNamespaces.idsPerPod must';
  if (idsPerPod < ID_UNIT) throw invalid(`${field} not be less than ${ID_UNIT}`);
  if (idsPerPod % ID_UNIT !== 0) throw invalid(`${field} be a multiple of ${ID_UNIT}`);
  if (idsPerPod > 2 ** 32 - 1) throw invalid(`${field} not be more than ${2 ** 32 - 1}`);
}

function invalid(what: string): StartupError {
  return new StartupError(`invalid configuration: ${what}`, 'correct the file of --config');
}
