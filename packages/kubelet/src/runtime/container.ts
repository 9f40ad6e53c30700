/** Containers of a sandbox (CRI v1 ContainerConfig, ContainerStatus). */
import type { ImageSpec } from './images.ts';
import type { LinuxResources, SecurityProfile, SelinuxOptions } from './linux.ts';
import type { Namespaces } from './sandbox.ts';

export interface ContainerMetadata {
  readonly name: string;
  /** Counts the containers of this name that the pod has had, from 0. */
  readonly attempt: number;
}

export interface ContainerConfig {
  readonly metadata: ContainerMetadata;
  readonly image: ImageSpec;
  /** Empty: the image's own. */
  readonly command: readonly string[];
  readonly args: readonly string[];
  readonly workingDirectory: string;
  readonly env: readonly { readonly name: string; readonly value: string }[];
  readonly mounts: readonly Mount[];
  readonly devices: readonly {
    readonly containerPath: string;
    readonly hostPath: string;
    readonly permissions: string;
  }[];
  /** By full name, `vendor.com/gpu=0`: the runtime knows what they stand for. */
  readonly cdiDevices: readonly string[];
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
  /** Relative to the sandbox's log directory. */
  readonly logPath: string;
  readonly stdin: boolean;
  readonly stdinOnce: boolean;
  readonly tty: boolean;
  /** `SIGUSR1`; absent: the image's own, or SIGTERM. */
  readonly stopSignal?: string | undefined;
  readonly linux: {
    readonly resources: LinuxResources;
    readonly security: ContainerSecurity;
  };
}

export interface Mount {
  readonly containerPath: string;
  /** Empty where an image is mounted. */
  readonly hostPath: string;
  readonly readOnly: boolean;
  readonly recursiveReadOnly: boolean;
  readonly selinuxRelabel: boolean;
  readonly propagation: 'private' | 'hostToContainer' | 'bidirectional';
  readonly image?: ImageSpec | undefined;
  readonly imageSubPath?: string | undefined;
}

export interface ContainerSecurity {
  readonly namespaces: Namespaces;
  readonly privileged: boolean;
  readonly readOnlyRootFilesystem: boolean;
  readonly noNewPrivileges: boolean;
  readonly runAsUser?: number | undefined;
  /** Where the image names its user and the pod does not. */
  readonly runAsUserName?: string | undefined;
  readonly runAsGroup?: number | undefined;
  readonly supplementalGroups: readonly number[];
  readonly supplementalGroupsPolicy?: 'Merge' | 'Strict' | undefined;
  readonly capabilities: { readonly add: readonly string[]; readonly drop: readonly string[] };
  readonly maskedPaths: readonly string[];
  readonly readonlyPaths: readonly string[];
  readonly selinux?: SelinuxOptions | undefined;
  readonly seccomp?: SecurityProfile | undefined;
  readonly apparmor?: SecurityProfile | undefined;
}

/** What the runtime knows of a container. Times are milliseconds since the epoch. */
export interface ContainerStatus {
  readonly id: string;
  readonly sandboxId: string;
  readonly metadata: ContainerMetadata;
  readonly state: ContainerState;
  readonly createdAt: number;
  /** As the container was asked for. */
  readonly image: string;
  /** Digest of what it runs, as pods' `imageID` has it. */
  readonly imageRef: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
  /** Where its output is found. */
  readonly log: LogSource;
  readonly mounts: readonly Mount[];
  /** What the runtime says that it has been given, if it says it. */
  readonly resources?: LinuxResources | undefined;
  readonly user?:
    | { readonly uid: number; readonly gid: number; readonly supplementalGroups: readonly number[] }
    | undefined;
  readonly stopSignal?: string | undefined;
}

export type ContainerState =
  | { readonly type: 'created' }
  | { readonly type: 'running'; readonly startedAt: number }
  | {
      readonly type: 'exited';
      readonly startedAt: number;
      readonly finishedAt: number;
      readonly exitCode: number;
      readonly signal?: number | undefined;
      /** `Completed`, `Error`, `OOMKilled`, or what the runtime says. */
      readonly reason: string;
      readonly message: string;
    }
  /** The runtime has lost track of it. */
  | { readonly type: 'unknown' };

export type LogSource =
  /** In CRI's format: `TIME STREAM F|P TEXT`. Rotated and reopened by the kubelet. */
  | { readonly type: 'file'; readonly path: string }
  /** A container without a process has lines that were thought up. */
  | { readonly type: 'lines'; readonly lines: readonly LogLine[] };

export interface LogLine {
  readonly at: number;
  readonly stream: 'stdout' | 'stderr';
  readonly text: string;
}
