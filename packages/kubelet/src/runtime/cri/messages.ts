/** Messages of CRI v1, as far as the kubelet speaks them. Field names are the protocol's; times are nanoseconds since 1970. */

/** By method: what goes in and what comes out. */
export interface Methods {
  Version: [{ version: string }, { runtime_name: string; runtime_version: string }];
  Status: [{ verbose: boolean }, StatusResponse];
  RuntimeConfig: [object, { linux: { cgroup_driver: string } | null }];
  UpdateRuntimeConfig: [{ runtime_config: { network_config: { pod_cidr: string } } }, object];
  RunPodSandbox: [{ config: object; runtime_handler: string }, { pod_sandbox_id: string }];
  StopPodSandbox: [{ pod_sandbox_id: string }, object];
  RemovePodSandbox: [{ pod_sandbox_id: string }, object];
  PodSandboxStatus: [{ pod_sandbox_id: string; verbose: boolean }, { status: PodSandboxStatus }];
  ListPodSandbox: [{ filter: { label_selector: Record<string, string> } }, { items: PodSandbox[] }];
  UpdatePodSandboxResources: [{ pod_sandbox_id: string; overhead?: object; resources: object }, object];
  CreateContainer: [{ pod_sandbox_id: string; config: object; sandbox_config: object }, { container_id: string }];
  StartContainer: [{ container_id: string }, object];
  StopContainer: [{ container_id: string; timeout: number }, object];
  RemoveContainer: [{ container_id: string }, object];
  ListContainers: [{ filter: { label_selector: Record<string, string> } }, { containers: Container[] }];
  ContainerStatus: [{ container_id: string; verbose: boolean }, { status: ContainerStatus }];
  UpdateContainerResources: [{ container_id: string; linux: object }, object];
  CheckpointContainer: [{ container_id: string; location: string; timeout: number }, object];
  ReopenContainerLog: [{ container_id: string }, object];
  GetContainerEvents: [object, AsyncIterable<{ pod_sandbox_status: PodSandboxStatus | null }>];
  ExecSync: [
    { container_id: string; cmd: readonly string[]; timeout: number },
    { stdout: Uint8Array; stderr: Uint8Array; exit_code: number },
  ];
  Exec: [object, { url: string }];
  Attach: [object, { url: string }];
  PortForward: [{ pod_sandbox_id: string; port: number[] }, { url: string }];
  ListPodSandboxStats: [object, { stats: PodSandboxStats[] }];
  ListContainerStats: [object, { stats: ContainerStats[] }];
  ListImages: [object, { images: Image[] }];
  ImageStatus: [{ image: object; verbose: boolean }, { image: Image | null }];
  PullImage: [{ image: object; auth?: object; sandbox_config: object }, { image_ref: string }];
  RemoveImage: [{ image: object }, object];
  ImageFsInfo: [object, { image_filesystems: FilesystemUsage[] }];
}

export interface StatusResponse {
  status: { conditions: { type: string; status: boolean; reason: string; message: string }[] };
  runtime_handlers: {
    name: string;
    features: { recursive_read_only_mounts: boolean; user_namespaces: boolean } | null;
  }[];
  features: { supplemental_groups_policy: boolean } | null;
  /** Where it is asked to be verbose, what the runtime likes to say. */
  info: Record<string, string>;
}

interface Labelled {
  labels: Record<string, string>;
  annotations: Record<string, string>;
  created_at: number;
}

export interface PodSandbox extends Labelled {
  id: string;
  metadata: { name: string; uid: string; namespace: string; attempt: number };
  state: 'SANDBOX_READY' | 'SANDBOX_NOTREADY';
  runtime_handler: string;
}

export interface PodSandboxStatus extends PodSandbox {
  network: { ip: string; additional_ips: { ip: string }[] } | null;
  linux: { namespaces: { options: { network: string } | null } | null } | null;
}

export type ContainerState = 'CONTAINER_CREATED' | 'CONTAINER_RUNNING' | 'CONTAINER_EXITED' | 'CONTAINER_UNKNOWN';

export interface Container extends Labelled {
  id: string;
  pod_sandbox_id: string;
  metadata: { name: string; attempt: number };
  /** Empty where the runtime is older than that field: then the other one is the id. */
  image_id: string;
  image_ref: string;
  state: ContainerState;
}

export interface ContainerStatus extends Labelled {
  id: string;
  metadata: { name: string; attempt: number };
  state: ContainerState;
  started_at: number;
  finished_at: number;
  exit_code: number;
  image: { image: string; user_specified_image: string } | null;
  image_ref: string;
  reason: string;
  message: string;
  log_path: string;
  mounts: {
    container_path: string;
    host_path: string;
    readonly: boolean;
    recursive_read_only: boolean;
    selinux_relabel: boolean;
    propagation: string;
  }[];
  resources: { linux: LinuxResources | null } | null;
  user: { linux: { uid: number; gid: number; supplemental_groups: number[] } | null } | null;
  stop_signal: string;
}

export interface LinuxResources {
  cpu_period: number;
  cpu_quota: number;
  cpu_shares: number;
  memory_limit_in_bytes: number;
  memory_swap_limit_in_bytes: number;
  oom_score_adj: number;
  cpuset_cpus: string;
}

interface Value {
  value: number;
}

export interface CpuUsage {
  timestamp: number;
  usage_core_nano_seconds: Value | null;
  usage_nano_cores: Value | null;
  psi: PsiStats | null;
}

export interface MemoryUsage {
  timestamp: number;
  working_set_bytes: Value | null;
  available_bytes: Value | null;
  usage_bytes: Value | null;
  rss_bytes: Value | null;
  page_faults: Value | null;
  major_page_faults: Value | null;
  psi: PsiStats | null;
}

export interface IoUsage {
  timestamp: number;
  psi: PsiStats | null;
}

export interface PsiStats {
  Full: PsiData | null;
  Some: PsiData | null;
}

export interface PsiData {
  Total: number;
  Avg10: number;
  Avg60: number;
  Avg300: number;
}

export interface SwapUsage {
  timestamp: number;
  swap_available_bytes: Value | null;
  swap_usage_bytes: Value | null;
}

export interface InterfaceUsage {
  name: string;
  rx_bytes: Value | null;
  rx_errors: Value | null;
  tx_bytes: Value | null;
  tx_errors: Value | null;
}

export interface PodSandboxStats {
  attributes: { id: string; metadata: PodSandbox['metadata'] };
  linux: {
    cpu: CpuUsage | null;
    memory: MemoryUsage | null;
    io: IoUsage | null;
    network: { timestamp: number; default_interface: InterfaceUsage | null; interfaces: InterfaceUsage[] } | null;
    process: { process_count: Value | null } | null;
    containers: ContainerStats[];
  } | null;
}

export interface ContainerStats {
  attributes: { id: string; metadata: { name: string }; labels: Record<string, string> };
  cpu: CpuUsage | null;
  memory: MemoryUsage | null;
  io: IoUsage | null;
  swap: SwapUsage | null;
  writable_layer: FilesystemUsage | null;
}

export interface FilesystemUsage {
  timestamp: number;
  fs_id: { mountpoint: string } | null;
  used_bytes: Value | null;
  inodes_used: Value | null;
}

export interface Image {
  id: string;
  repo_tags: string[];
  repo_digests: string[];
  size: number;
  uid: Value | null;
  username: string;
  pinned: boolean;
}
