/** What a kubelet of a real node is told. */
import type { Taint } from '@keelson/api/generated/types/core/v1';
import type { Client } from '@keelson/client';
import type { MetricsRegistry } from '@keelson/component/metrics/registry';
import type { Tracing } from '@keelson/component/tracing/index';
import type { CgroupDriver } from './cgroups/names.ts';
import type { CgroupSettings } from './cgroups/start.ts';
import type { CpuSettings } from './cpus/manager.ts';
import type { EvictionPolicy } from './eviction/manager.ts';
import type { IsEnabled } from './gates.ts';
import type { ImageCollectionPolicy } from './images/collector.ts';
import type { ProviderConfiguration } from './images/providers.ts';
import type { PullRecordsOptions } from './images/pull-records.ts';
import type { LogRotation } from './logs/rotation.ts';
import type { MemorySettings } from './memory/manager.ts';
import type { Reservations } from './node/allocatable.ts';
import type { CrashBackoffOptions } from './pods/backoff.ts';
import type { SwapSettings } from './resources/swap.ts';
import type { Runtime } from './runtime/runtime.ts';
import type { ShutdownPeriod } from './shutdown/periods.ts';
import type { PodRules } from './sources/static-pod.ts';
import type { TopologyOptions } from './topology/manager.ts';
import type { ServerFactory } from './view.ts';

/** Defaults are upstream's. */
export interface KubeletOptions {
  /** Acts as `system:node:NAME` of `system:nodes`. */
  readonly client: Client;
  readonly nodeName: string;
  readonly runtime: Runtime;
  /** Absolute; `/var/lib/kubelet`. */
  readonly rootDirectory: string;
  /** Absolute; `/var/log/pods`. */
  readonly podLogsDirectory?: string | undefined;
  /** Where links to logs of containers are made for those who collect them; without it there are none. */
  readonly logLinksDirectory?: string | undefined;
  /** Whether a feature gate is. Default: as they are where nobody has said anything. */
  readonly isEnabled?: IsEnabled | undefined;
  /** The primary one first; without it the machine's first address. */
  readonly nodeIps?: readonly string[] | undefined;
  readonly labels?: Readonly<Record<string, string>> | undefined;
  readonly annotations?: Readonly<Record<string, string>> | undefined;
  readonly taints?: readonly Taint[] | undefined;
  readonly maxPods?: number | undefined;
  readonly providerId?: string | undefined;
  /** What pods cannot have, beside what there has to be so that evictions come in time. */
  readonly reserved?: Reservations | undefined;
  readonly clusterDns?: readonly string[] | undefined;
  readonly clusterDomain?: string | undefined;
  readonly resolvConf?: string | undefined;
  /** Folder of static pods' manifests, or one manifest. */
  readonly staticPodPath?: string | undefined;
  /** What static pods are held to. */
  readonly podRules?: PodRules | undefined;
  /** Where the runtime does not say which. */
  readonly cgroupDriver?: CgroupDriver | undefined;
  /** Without them the runtime makes those of containers, and pods as a whole have no limits. */
  readonly cgroups?: CgroupSettings | undefined;
  /** Who has CPUs of their own. Without it nobody, and nothing is remembered of them. */
  readonly cpus?: CpuSettings | undefined;
  /** Who has memory from certain NUMA nodes. Without it nobody, and nothing is remembered of it. */
  readonly memory?: MemorySettings | undefined;
  /** What of a container, or a pod, is to be near to each other. Default: nothing. */
  readonly topology?: TopologyOptions | undefined;
  /** Whether limits of CPU count. */
  readonly cpuCfsQuota?: boolean | undefined;
  /** Who may have memory on disk. Without it nobody, whatever the machine has. */
  readonly swap?: SwapSettings | undefined;
  readonly seccompDefault?: boolean | undefined;
  readonly allowedUnsafeSysctls?: readonly string[] | undefined;
  readonly serializeImagePulls?: boolean | undefined;
  readonly crashLoop?: CrashBackoffOptions | undefined;
  readonly server?: ServerFactory | undefined;
  readonly metrics?: MetricsRegistry | undefined;
  /** None where nobody follows what is done; what the runtime is asked it has of its own. */
  readonly tracing?: Tracing | undefined;
  readonly imageCollection?: ImageCollectionPolicy | undefined;
  readonly eviction?: EvictionPolicy | undefined;
  /** How old what is known of the size of volumes and logs may be. */
  readonly foldersMs?: number | undefined;
  /** Images that the node's status tells of; -1: all. */
  readonly maxStatusImages?: number | undefined;
  readonly logRotation?: LogRotation | undefined;
  /** How long pods have when the machine goes down. Without them it waits for nobody. */
  readonly shutdownPeriods?: readonly ShutdownPeriod[] | undefined;
  readonly statusMs?: number | undefined;
  readonly reportMs?: number | undefined;
  readonly leaseSeconds?: number | undefined;
  /** Which images that are here need credentials of each pod. Default: those that this kubelet has pulled. */
  readonly imageVerification?: Pick<PullRecordsOptions, 'policy' | 'allowlist'> | undefined;
  /** Programs that know what opens registries, in one folder. */
  readonly credentialProviders?:
    | { readonly directory: string; readonly configurations: readonly ProviderConfiguration[] }
    | undefined;
  /** How many users a pod with a user namespace of its own has; a multiple of 65,536. */
  readonly userNamespaceIds?: number | undefined;
  /** How long a driver of devices may be away until the slices in which it offers them are deleted. */
  readonly driverGraceMs?: number | undefined;
}
