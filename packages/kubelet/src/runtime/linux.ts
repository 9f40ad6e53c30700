/** What Linux gives and limits, in a runtime's terms. */

/** `pod`: the sandbox's; `container`: one of its own; `node`: the host's; `target`: another container's. */
export type NamespaceMode = 'pod' | 'container' | 'node' | 'target';

export interface IdMapping {
  readonly hostId: number;
  readonly containerId: number;
  readonly length: number;
}

/** 0 and absent both mean "not said". */
export interface LinuxResources {
  /** Microseconds. */
  readonly cpuPeriod?: number | undefined;
  /** Microseconds in each period. */
  readonly cpuQuota?: number | undefined;
  readonly cpuShares?: number | undefined;
  /** Bytes. */
  readonly memoryLimit?: number | undefined;
  readonly memorySwapLimit?: number | undefined;
  readonly oomScoreAdj?: number | undefined;
  readonly cpusetCpus?: string | undefined;
  /** A list of NUMA nodes. */
  readonly cpusetMems?: string | undefined;
  readonly hugepageLimits?: readonly { readonly pageSize: string; readonly limit: number }[] | undefined;
  /** cgroup v2 files and their contents. */
  readonly unified?: Readonly<Record<string, string>> | undefined;
}

export interface SecurityProfile {
  readonly type: 'RuntimeDefault' | 'Unconfined' | 'Localhost';
  /** Absolute path, or name, of a profile on the machine. */
  readonly localhost?: string | undefined;
}

export interface SelinuxOptions {
  readonly user: string;
  readonly role: string;
  readonly type: string;
  readonly level: string;
}
