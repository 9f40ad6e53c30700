/**
 * The seam between the kubelet and what runs containers. Shaped after CRI v1 (k8s.io/cri-api), in terms of our own:
 * `cri/` speaks it to containerd and CRI-O, `simulated/` has no containers at all. docs/kubelet.md shows who calls what.
 */
import type { ContainerConfig, ContainerStatus } from './container.ts';
import type { Images } from './images.ts';
import type { LinuxResources } from './linux.ts';
import type { SandboxConfig, SandboxStatus } from './sandbox.ts';
import type { PodStats } from './stats.ts';
import type { Streams } from './streams.ts';

/** All calls throw RuntimeError where the runtime refuses or is not there. */
export interface Runtime extends Sandboxes, Containers, Images, Streams {
  version(): Promise<RuntimeVersion>;
  status(): Promise<RuntimeStatus>;

  /** Everything that runs here or did and is not removed, pods of others in the same runtime left out. */
  list(): Promise<readonly PodListing[]>;
  /** Everything about one pod; empty lists where nothing is known of it. */
  pod(uid: string): Promise<PodState>;
  /**
   * Tells of pods of which something has changed: a sandbox or a container came, started, ended or went. Once or more
   * often per change, never later than a second after it. A runtime that cannot tell is looked at regularly by its adapter.
   * @returns ends it
   */
  subscribe(changed: (podUid: string) => void): () => void;

  stats(): Promise<readonly PodStats[]>;
  /** CIDRs of the node's pods, once they are known: for runtimes that set up networks with it. */
  setPodCidrs(cidrs: readonly string[]): Promise<void>;
  close(): Promise<void>;
}

export interface Sandboxes {
  /** @returns its id. A sandbox that could not be made is not left behind. */
  runSandbox(config: SandboxConfig): Promise<string>;
  /** Ends what runs in it and takes its network down. May be called again. */
  stopSandbox(id: string): Promise<void>;
  /** With its containers, which are ended where they run. Nothing happens where it is not there. */
  removeSandbox(id: string): Promise<void>;
  updateSandbox(id: string, overhead: LinuxResources | undefined, resources: LinuxResources): Promise<void>;
}

export interface Containers {
  /** @param sandbox as it was given to `runSandbox`. @returns its id */
  createContainer(sandboxId: string, config: ContainerConfig, sandbox: SandboxConfig): Promise<string>;
  startContainer(id: string): Promise<void>;
  /** Sends the stop signal, waits, and kills what is left. Resolves when it has ended. 0 seconds kill at once. */
  stopContainer(id: string, graceSeconds: number): Promise<void>;
  /** Nothing happens where it is not there; a running one is killed. */
  removeContainer(id: string): Promise<void>;
  /** Only what is said changes. */
  updateContainer(id: string, resources: LinuxResources): Promise<void>;
  /** Writes one that runs, with its memory, into an archive. @param timeoutSeconds at least; less than usual is as usual */
  checkpointContainer(id: string, location: string, timeoutSeconds: number): Promise<void>;
  /** After its log file was moved away. */
  reopenLog(id: string): Promise<void>;
}

export interface RuntimeVersion {
  /** `containerd`, `cri-o`, `simulated`: the scheme of a node's `containerRuntimeVersion`. */
  readonly name: string;
  readonly version: string;
}

export interface RuntimeStatus {
  /** `RuntimeReady` and `NetworkReady`. */
  readonly conditions: readonly RuntimeCondition[];
  readonly handlers: readonly RuntimeHandler[];
  readonly supplementalGroupsPolicy: boolean;
  /** Where the runtime says which one it wants. */
  readonly cgroupDriver?: 'systemd' | 'cgroupfs' | undefined;
}

export interface RuntimeCondition {
  readonly type: string;
  readonly ok: boolean;
  readonly reason: string;
  readonly message: string;
}

export interface RuntimeHandler {
  /** Empty for the default. */
  readonly name: string;
  readonly recursiveReadOnlyMounts: boolean;
  readonly userNamespaces: boolean;
}

/** Enough to find what is nobody's. */
export interface PodListing {
  readonly uid: string;
  readonly name: string;
  readonly namespace: string;
  readonly sandboxes: readonly { readonly id: string; readonly ready: boolean; readonly createdAt: number }[];
  readonly containers: readonly ContainerListing[];
}

export interface ContainerListing {
  readonly id: string;
  readonly sandboxId: string;
  readonly name: string;
  readonly attempt: number;
  /** Of the image that it runs, as the list of images has it. */
  readonly imageId: string;
  readonly state: ContainerStatus['state']['type'];
  readonly createdAt: number;
}

export interface PodState {
  /** The newest first. */
  readonly sandboxes: readonly SandboxStatus[];
  /** Of all sandboxes, the newest first. */
  readonly containers: readonly ContainerStatus[];
}

export type RuntimeErrorCode =
  | 'NotFound'
  | 'DeadlineExceeded'
  /** The runtime does not answer. */
  | 'Unavailable'
  /** An image's registry does not answer, or its signature is not right: reasons of their own in pods' statuses. */
  | 'RegistryUnavailable'
  | 'SignatureValidationFailed'
  | 'Unimplemented'
  | 'Failed';

/** The message is the runtime's own: it ends up in events and statuses. */
export class RuntimeError extends Error {
  override readonly name = 'RuntimeError';
  readonly code: RuntimeErrorCode;

  constructor(code: RuntimeErrorCode, message: string, cause?: unknown) {
    super(message, { cause });
    this.code = code;
  }
}
