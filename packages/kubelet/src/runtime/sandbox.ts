/** The sandbox of a pod: what its containers share (CRI v1 PodSandboxConfig, PodSandboxStatus). */
import type { IdMapping, LinuxResources, NamespaceMode, SecurityProfile, SelinuxOptions } from './linux.ts';

export interface SandboxMetadata {
  readonly name: string;
  readonly namespace: string;
  readonly uid: string;
  /** Counts the sandboxes that the pod has had, from 0. */
  readonly attempt: number;
}

export interface SandboxConfig {
  readonly metadata: SandboxMetadata;
  /** Empty for pods on the host's network. */
  readonly hostname: string;
  /** Absolute path of the folder that the log paths of containers are relative to. */
  readonly logDirectory: string;
  readonly dns: DnsConfig;
  readonly portMappings: readonly PortMapping[];
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
  /** Of the pod's RuntimeClass; empty for the runtime's default. */
  readonly runtimeHandler: string;
  readonly linux: {
    readonly cgroupParent: string;
    readonly sysctls: Readonly<Record<string, string>>;
    readonly security: SandboxSecurity;
    /** RuntimeClass overhead, and the sum of what the containers are given. */
    readonly overhead?: LinuxResources | undefined;
    readonly resources?: LinuxResources | undefined;
  };
}

export interface DnsConfig {
  readonly servers: readonly string[];
  readonly searches: readonly string[];
  readonly options: readonly string[];
}

export interface PortMapping {
  readonly protocol: 'TCP' | 'UDP' | 'SCTP';
  readonly containerPort: number;
  readonly hostPort: number;
  readonly hostIp: string;
}

export interface Namespaces {
  readonly network: NamespaceMode;
  readonly pid: NamespaceMode;
  readonly ipc: NamespaceMode;
  /** Container whose process namespace is joined, where `pid` is `target`. */
  readonly targetId?: string | undefined;
  /** User namespace of the pod's own; none for the host's. */
  readonly user?: { readonly uids: readonly IdMapping[]; readonly gids: readonly IdMapping[] } | undefined;
}

export interface SandboxSecurity {
  readonly namespaces: Namespaces;
  readonly privileged: boolean;
  readonly runAsUser?: number | undefined;
  readonly runAsGroup?: number | undefined;
  readonly supplementalGroups: readonly number[];
  readonly supplementalGroupsPolicy?: 'Merge' | 'Strict' | undefined;
  readonly selinux?: SelinuxOptions | undefined;
  readonly seccomp?: SecurityProfile | undefined;
  readonly apparmor?: SecurityProfile | undefined;
}

export interface SandboxStatus {
  readonly id: string;
  readonly metadata: SandboxMetadata;
  readonly state: 'ready' | 'notReady';
  /** Milliseconds since the epoch. */
  readonly createdAt: number;
  /** The first is the primary one; none on the host's network. */
  readonly ips: readonly string[];
  readonly hostNetwork: boolean;
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
  readonly runtimeHandler: string;
}
