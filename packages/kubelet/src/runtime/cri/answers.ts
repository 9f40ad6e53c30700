/** What the runtime says, in the kubelet's words. */
import type { ContainerState, ContainerStatus, Mount } from '../container.ts';
import type { FilesystemUsage, Image } from '../images.ts';
import type { LinuxResources } from '../linux.ts';
import type { ContainerListing } from '../runtime.ts';
import type { SandboxStatus } from '../sandbox.ts';
import type {
  ContainerStats,
  CpuUsage,
  IoUsage,
  MemoryUsage,
  NetworkUsage,
  PodStats,
  Pressure,
  Stall,
  SwapUsage,
} from '../stats.ts';
import type * as cri from './messages.ts';

const millis = (nanos: number) => nanos / 1e6;

export function sandboxStatus(sandbox: cri.PodSandboxStatus): SandboxStatus {
  const { network, linux } = sandbox;
  const ips = network ? [network.ip, ...network.additional_ips.map(({ ip }) => ip)].filter((ip) => ip !== '') : [];
  const { metadata, id, labels, annotations } = sandbox;
  return {
    id,
    metadata,
    state: sandbox.state === 'SANDBOX_READY' ? 'ready' : 'notReady',
    createdAt: millis(sandbox.created_at),
    ips,
    hostNetwork: linux?.namespaces?.options?.network === 'NODE',
    labels,
    annotations,
    runtimeHandler: sandbox.runtime_handler,
  };
}

const STATES: Readonly<Record<cri.ContainerState, ContainerListing['state']>> = {
  CONTAINER_CREATED: 'created',
  CONTAINER_RUNNING: 'running',
  CONTAINER_EXITED: 'exited',
  CONTAINER_UNKNOWN: 'unknown',
};

export const stateName = (state: cri.ContainerState): ContainerListing['state'] => STATES[state];

function stateOf(status: cri.ContainerStatus): ContainerState {
  const type = STATES[status.state];
  if (type === 'running') return { type, startedAt: millis(status.started_at) };
  if (type !== 'exited') return { type };
  const { exit_code: exitCode, reason, message } = status;
  const [startedAt, finishedAt] = [millis(status.started_at), millis(status.finished_at)];
  return { type, startedAt, finishedAt, exitCode, reason, message };
}

const PROPAGATIONS: Readonly<Record<string, Mount['propagation']>> = {
  PROPAGATION_HOST_TO_CONTAINER: 'hostToContainer',
  PROPAGATION_BIDIRECTIONAL: 'bidirectional',
};

/** @param image as the container was asked for */
export function containerStatus(status: cri.ContainerStatus, sandboxId: string): ContainerStatus {
  const { id, metadata, labels, annotations, image, user, stop_signal: signal } = status;
  const resources = status.resources?.linux;
  return {
    id,
    sandboxId,
    metadata,
    state: stateOf(status),
    createdAt: millis(status.created_at),
    image: image?.user_specified_image || image?.image || '',
    imageRef: status.image_ref,
    labels,
    annotations,
    log: { type: 'file', path: status.log_path },
    mounts: status.mounts.map((mount) => ({
      containerPath: mount.container_path,
      hostPath: mount.host_path,
      readOnly: mount.readonly,
      recursiveReadOnly: mount.recursive_read_only,
      selinuxRelabel: mount.selinux_relabel,
      propagation: PROPAGATIONS[mount.propagation] ?? 'private',
    })),
    ...(resources ? { resources: linuxResources(resources) } : {}),
    ...(user?.linux
      ? { user: { uid: user.linux.uid, gid: user.linux.gid, supplementalGroups: user.linux.supplemental_groups } }
      : {}),
    ...(signal === '' || signal === 'RUNTIME_DEFAULT' ? {} : { stopSignal: signal }),
  };
}

function linuxResources(resources: cri.LinuxResources): LinuxResources {
  return {
    cpuPeriod: resources.cpu_period,
    cpuQuota: resources.cpu_quota,
    cpuShares: resources.cpu_shares,
    memoryLimit: resources.memory_limit_in_bytes,
    memorySwapLimit: resources.memory_swap_limit_in_bytes,
    oomScoreAdj: resources.oom_score_adj,
    cpusetCpus: resources.cpuset_cpus,
  };
}

export function imageOf({ id, repo_tags: tags, repo_digests: digests, size, uid, username, pinned }: cri.Image): Image {
  return { id, tags, digests, size, ...(uid ? { uid: uid.value } : {}), username, pinned };
}

export function filesystemUsage({ timestamp, fs_id, used_bytes, inodes_used }: cri.FilesystemUsage): FilesystemUsage {
  return {
    at: millis(timestamp),
    mountpoint: fs_id?.mountpoint ?? '',
    usedBytes: used_bytes?.value ?? 0,
    usedInodes: inodes_used?.value ?? 0,
  };
}

export function podStats({ attributes: { metadata }, linux }: cri.PodSandboxStats): PodStats {
  const { cpu, memory, io, network, process } = linux ?? {};
  const interfaces = network ? [network.default_interface ?? [], network.interfaces].flat() : [];
  // containerd does not say when it has counted what went through the network.
  const counted = network?.timestamp || (cpu?.timestamp ?? 0);
  return {
    uid: metadata.uid,
    name: metadata.name,
    namespace: metadata.namespace,
    ...(cpu ? { cpu: cpuUsage(cpu) } : {}),
    ...(memory ? { memory: memoryUsage(memory) } : {}),
    ...(io ? { io: ioUsage(io) } : {}),
    ...(network ? { network: interfaces.map((each) => interfaceUsage(each, counted)) } : {}),
    ...(process?.process_count ? { processes: process.process_count.value } : {}),
    containers: (linux?.containers ?? []).map(containerStats),
  };
}

export function containerStats(stats: cri.ContainerStats): ContainerStats {
  const { attributes, cpu, memory, io, swap, writable_layer: layer } = stats;
  return {
    id: attributes.id,
    name: attributes.metadata.name,
    ...(cpu ? { cpu: cpuUsage(cpu) } : {}),
    ...(memory ? { memory: memoryUsage(memory) } : {}),
    ...(io ? { io: ioUsage(io) } : {}),
    ...(swap ? { swap: swapUsage(swap) } : {}),
    ...(layer ? { writableLayer: filesystemUsage(layer) } : {}),
  };
}

function swapUsage({ timestamp, swap_usage_bytes: used, swap_available_bytes: available }: cri.SwapUsage): SwapUsage {
  return { at: millis(timestamp), usedBytes: used?.value, availableBytes: available?.value };
}

function cpuUsage({ timestamp, usage_core_nano_seconds: total, usage_nano_cores: now, psi }: cri.CpuUsage): CpuUsage {
  return {
    at: millis(timestamp),
    coreNanoseconds: total?.value ?? 0,
    ...(now ? { nanoCores: now.value } : {}),
    ...pressureOf(psi),
  };
}

function ioUsage({ timestamp, psi }: cri.IoUsage): IoUsage {
  return { at: millis(timestamp), ...pressureOf(psi) };
}

/** Older runtimes tell of none. */
function pressureOf(psi: cri.PsiStats | null): { pressure?: Pressure } {
  return psi ? { pressure: { some: stallOf(psi.Some), full: stallOf(psi.Full) } } : {};
}

function stallOf(data: cri.PsiData | null): Stall {
  const { Total = 0, Avg10 = 0, Avg60 = 0, Avg300 = 0 } = data ?? {};
  return { total: Total, avg10: Avg10, avg60: Avg60, avg300: Avg300 };
}

function memoryUsage(usage: cri.MemoryUsage): MemoryUsage {
  const optional = {
    availableBytes: usage.available_bytes,
    usageBytes: usage.usage_bytes,
    rssBytes: usage.rss_bytes,
    pageFaults: usage.page_faults,
    majorPageFaults: usage.major_page_faults,
  };
  const known = Object.entries(optional).flatMap(([name, value]) => (value ? [[name, value.value] as const] : []));
  return {
    at: millis(usage.timestamp),
    workingSetBytes: usage.working_set_bytes?.value ?? 0,
    ...Object.fromEntries(known),
    ...pressureOf(usage.psi),
  };
}

function interfaceUsage(usage: cri.InterfaceUsage, timestamp: number): NetworkUsage {
  return {
    at: millis(timestamp),
    name: usage.name,
    rxBytes: usage.rx_bytes?.value ?? 0,
    rxErrors: usage.rx_errors?.value ?? 0,
    txBytes: usage.tx_bytes?.value ?? 0,
    txErrors: usage.tx_errors?.value ?? 0,
  };
}
