/** Containers of containerd or CRI-O, over CRI v1. docs/kubelet.md shows where it stands. */
import type { Duplex } from 'node:stream';
import type { MetricsRegistry } from '@keelson/component/metrics/registry';
import type { Tracing } from '@keelson/component/tracing/index';
import type { ContainerConfig } from '../container.ts';
import type { FilesystemUsage, Image, ImageCredentials, ImageSpec } from '../images.ts';
import { POD_NAME, POD_NAMESPACE, POD_UID } from '../labels.ts';
import type { LinuxResources } from '../linux.ts';
import {
  type PodListing,
  type PodState,
  type Runtime,
  RuntimeError,
  type RuntimeStatus,
  type RuntimeVersion,
} from '../runtime.ts';
import type { SandboxConfig } from '../sandbox.ts';
import type { PodStats } from '../stats.ts';
import type { ExecOptions, ExecResult, Session, StreamOptions } from '../streams.ts';
import {
  containerStats,
  containerStatus,
  filesystemUsage,
  imageOf,
  podStats,
  sandboxStatus,
  stateName,
} from './answers.ts';
import { Changes } from './changes.ts';
import type { Container, PodSandbox } from './messages.ts';
import { Operations } from './operations.ts';
import { RelistMetrics } from './relist-metrics.ts';
import { containerRequest, credentialsRequest, imageRequest, resourcesRequest, sandboxRequest } from './requests.ts';
import { CriService } from './service.ts';
import { openCommand, openPort } from './streams.ts';

/** As `--runtime-request-timeout`. */
const TIMEOUT_MS = 2 * 60_000;
/** How long stopping takes beside the grace that a container is given. */
const STOP_MARGIN_MS = 2 * 60_000;

export interface CriRuntimeOptions {
  /** For calls that do not say their own. */
  readonly timeoutMs?: number;
  /** Where its calls are counted. */
  readonly metrics?: MetricsRegistry;
  readonly tracing?: Tracing | undefined;
}

export class CriRuntime implements Runtime {
  readonly #cri: CriService;
  readonly #changes: Changes;
  #pinned: Promise<string | undefined> | undefined;
  #measuring: Promise<readonly PodStats[]> | undefined;

  /** @param endpoint `unix:///run/containerd/containerd.sock` */
  constructor(endpoint: string, { timeoutMs = TIMEOUT_MS, metrics, tracing }: CriRuntimeOptions = {}) {
    const operations = metrics && new Operations(metrics, () => performance.now());
    this.#cri = new CriService(endpoint, timeoutMs, operations, tracing);
    const relists = metrics && new RelistMetrics(metrics, () => performance.now(), Date.now);
    this.#changes = new Changes(this.#cri, () => this.list(), relists);
  }

  async version(): Promise<RuntimeVersion> {
    const { runtime_name: name, runtime_version: version } = await this.#cri.call('Version', { version: '0.1.0' });
    return { name, version };
  }

  async status(): Promise<RuntimeStatus> {
    const [{ status, runtime_handlers, features }, driver] = await Promise.all([
      this.#cri.call('Status', { verbose: false }),
      this.#cgroupDriver(),
    ]);
    return {
      conditions: status.conditions.map(({ type, status: ok, reason, message }) => ({ type, ok, reason, message })),
      handlers: runtime_handlers.map(({ name, features: own }) => ({
        name,
        recursiveReadOnlyMounts: own?.recursive_read_only_mounts ?? false,
        userNamespaces: own?.user_namespaces ?? false,
      })),
      supplementalGroupsPolicy: features?.supplemental_groups_policy ?? false,
      ...(driver ? { cgroupDriver: driver } : {}),
    };
  }

  async list(): Promise<readonly PodListing[]> {
    const [sandboxes, containers] = await Promise.all([this.#sandboxes({}), this.#containers({})]);
    const pods = new Map<
      string,
      {
        uid: string;
        name: string;
        namespace: string;
        sandboxes: PodListing['sandboxes'][number][];
        containers: PodListing['containers'][number][];
      }
    >();
    const podOf = ({ labels }: { labels: Record<string, string> }) => {
      const uid = labels[POD_UID]!;
      const pod = pods.get(uid) ?? {
        uid,
        name: labels[POD_NAME] ?? '',
        namespace: labels[POD_NAMESPACE] ?? '',
        sandboxes: [],
        containers: [],
      };
      pods.set(uid, pod);
      return pod;
    };
    for (const sandbox of sandboxes) {
      const { id, state, created_at: createdAt } = sandbox;
      podOf(sandbox).sandboxes.push({ id, ready: state === 'SANDBOX_READY', createdAt: createdAt / 1e6 });
    }
    for (const container of containers) {
      const { id, pod_sandbox_id: sandboxId, metadata, state, created_at: createdAt } = container;
      podOf(container).containers.push({
        id,
        sandboxId,
        ...metadata,
        imageId: container.image_id || container.image_ref,
        state: stateName(state),
        createdAt: createdAt / 1e6,
      });
    }
    return [...pods.values()];
  }

  async pod(uid: string): Promise<PodState> {
    const labels = { [POD_UID]: uid };
    const [sandboxes, containers] = await Promise.all([this.#sandboxes(labels), this.#containers(labels)]);
    const newestFirst = (a: { created_at: number }, b: { created_at: number }) => b.created_at - a.created_at;
    const [sandboxStates, containerStates] = await Promise.all([
      Promise.all(
        sandboxes
          .sort(newestFirst)
          .map(({ id }) => present(this.#cri.call('PodSandboxStatus', { pod_sandbox_id: id, verbose: false }))),
      ),
      Promise.all(
        containers.sort(newestFirst).map(async ({ id, pod_sandbox_id: sandbox }) => {
          const answer = await present(this.#cri.call('ContainerStatus', { container_id: id, verbose: false }));
          return answer && containerStatus(answer.status, sandbox);
        }),
      ),
    ]);
    return {
      sandboxes: sandboxStates.flatMap((answer) => (answer ? [sandboxStatus(answer.status)] : [])),
      containers: containerStates.filter((status) => status !== undefined),
    };
  }

  subscribe(changed: (podUid: string) => void): () => void {
    return this.#changes.subscribe(changed);
  }

  /**
   * Who asks while an answer is under way has a part in it: two that measure side by side can end containerd before 1.6.22
   * (a map written without a lock).
   */
  stats(): Promise<readonly PodStats[]> {
    this.#measuring ??= this.#measure().finally(() => {
      this.#measuring = undefined;
    });
    return this.#measuring;
  }

  async #measure(): Promise<readonly PodStats[]> {
    try {
      return (await this.#cri.call('ListPodSandboxStats', {})).stats.map(podStats).map(ofCurrent);
    } catch (error) {
      // Runtimes that do not measure pods, or fail at it, measure containers.
      if (!(error instanceof RuntimeError) || error.code === 'Unavailable') throw error;
      return this.#statsOfContainers();
    }
  }

  async setPodCidrs(cidrs: readonly string[]): Promise<void> {
    await this.#cri.call('UpdateRuntimeConfig', { runtime_config: { network_config: { pod_cidr: cidrs.join(',') } } });
  }

  async close(): Promise<void> {
    this.#changes.stop();
    this.#cri.close();
  }

  async runSandbox(config: SandboxConfig): Promise<string> {
    const request = { config: sandboxRequest(config), runtime_handler: config.runtimeHandler };
    return (await this.#cri.call('RunPodSandbox', request, 2 * TIMEOUT_MS)).pod_sandbox_id;
  }

  async stopSandbox(id: string): Promise<void> {
    await present(this.#cri.call('StopPodSandbox', { pod_sandbox_id: id }));
  }

  async removeSandbox(id: string): Promise<void> {
    await present(this.#cri.call('RemovePodSandbox', { pod_sandbox_id: id }));
  }

  async updateSandbox(id: string, overhead: LinuxResources | undefined, resources: LinuxResources): Promise<void> {
    await this.#cri.call('UpdatePodSandboxResources', {
      pod_sandbox_id: id,
      ...(overhead ? { overhead: resourcesRequest(overhead) } : {}),
      resources: resourcesRequest(resources),
    });
  }

  async createContainer(sandboxId: string, config: ContainerConfig, sandbox: SandboxConfig): Promise<string> {
    const request = {
      pod_sandbox_id: sandboxId,
      config: containerRequest(config),
      sandbox_config: sandboxRequest(sandbox),
    };
    return (await this.#cri.call('CreateContainer', request)).container_id;
  }

  async startContainer(id: string): Promise<void> {
    await this.#cri.call('StartContainer', { container_id: id });
  }

  async stopContainer(id: string, graceSeconds: number): Promise<void> {
    const margin = graceSeconds * 1000 + STOP_MARGIN_MS;
    await present(this.#cri.call('StopContainer', { container_id: id, timeout: graceSeconds }, margin));
  }

  async removeContainer(id: string): Promise<void> {
    await present(this.#cri.call('RemoveContainer', { container_id: id }));
  }

  async updateContainer(id: string, resources: LinuxResources): Promise<void> {
    await this.#cri.call('UpdateContainerResources', { container_id: id, linux: resourcesRequest(resources) });
  }

  async checkpointContainer(id: string, location: string, timeoutSeconds: number): Promise<void> {
    if (timeoutSeconds < 0) {
      throw new RuntimeError('Failed', 'CheckpointContainer requires the timeout value to be > 0');
    }
    const timeout = Math.max(timeoutSeconds, TIMEOUT_MS / 1000);
    await this.#cri.call('CheckpointContainer', { container_id: id, location, timeout }, timeout * 1000);
  }

  async reopenLog(id: string): Promise<void> {
    await this.#cri.call('ReopenContainerLog', { container_id: id });
  }

  async execSync(containerId: string, command: readonly string[], timeoutMs: number): Promise<ExecResult> {
    const timeout = Math.ceil(timeoutMs / 1000);
    const patience = timeoutMs === 0 ? 0 : timeoutMs + TIMEOUT_MS;
    const request = { container_id: containerId, cmd: command, timeout };
    const { stdout, stderr, exit_code: exitCode } = await this.#cri.call('ExecSync', request, patience);
    return { stdout: Buffer.from(stdout), stderr: Buffer.from(stderr), exitCode };
  }

  async exec(containerId: string, { command, ...streams }: ExecOptions): Promise<Session> {
    const { url } = await this.#cri.call('Exec', { container_id: containerId, cmd: command, ...streams });
    return openCommand(url, streams);
  }

  async attach(containerId: string, streams: StreamOptions): Promise<Session> {
    const { url } = await this.#cri.call('Attach', { container_id: containerId, ...streams });
    return openCommand(url, streams);
  }

  async portForward(sandboxId: string, port: number): Promise<Duplex> {
    const { url } = await this.#cri.call('PortForward', { pod_sandbox_id: sandboxId, port: [port] });
    return openPort(url, port);
  }

  async images(): Promise<readonly Image[]> {
    const [{ images }, sandboxImage] = await Promise.all([this.#cri.call('ListImages', {}), this.#sandboxImage()]);
    return images.map((message) => {
      const image = imageOf(message);
      return image.tags.some((tag) => tag === sandboxImage) ? { ...image, pinned: true } : image;
    });
  }

  async image(spec: ImageSpec): Promise<Image | undefined> {
    const { image } = await this.#cri.call('ImageStatus', { image: imageRequest(spec), verbose: false });
    return image ? imageOf(image) : undefined;
  }

  async pullImage(spec: ImageSpec, credentials: ImageCredentials | undefined, sandbox: SandboxConfig): Promise<string> {
    const auth = credentials ? { auth: credentialsRequest(credentials) } : {};
    const request = { image: imageRequest(spec), ...auth, sandbox_config: sandboxRequest(sandbox) };
    return (await this.#cri.call('PullImage', request, 0)).image_ref;
  }

  async removeImage(spec: ImageSpec): Promise<void> {
    await this.#cri.call('RemoveImage', { image: imageRequest(spec) });
  }

  async imageFilesystems(): Promise<readonly FilesystemUsage[]> {
    return (await this.#cri.call('ImageFsInfo', {})).image_filesystems.map(filesystemUsage);
  }

  async #sandboxes(labels: Record<string, string>): Promise<PodSandbox[]> {
    const { items } = await this.#cri.call('ListPodSandbox', { filter: { label_selector: labels } });
    return items.filter((item) => item.labels[POD_UID] !== undefined);
  }

  async #containers(labels: Record<string, string>): Promise<Container[]> {
    const { containers } = await this.#cri.call('ListContainers', { filter: { label_selector: labels } });
    return containers.filter((item) => item.labels[POD_UID] !== undefined);
  }

  /** What holds the namespaces of pods. containerd before 1.7 does not pin it, but says which it is. */
  #sandboxImage(): Promise<string | undefined> {
    this.#pinned ??= this.#cri.call('Status', { verbose: true }).then(
      ({ info }) => sandboxImageOf(info.config),
      () => {
        this.#pinned = undefined;
        return undefined;
      },
    );
    return this.#pinned;
  }

  /** Runtimes before 2.0 do not say. */
  async #cgroupDriver(): Promise<'systemd' | 'cgroupfs' | undefined> {
    try {
      const { linux } = await this.#cri.call('RuntimeConfig', {});
      return linux?.cgroup_driver === 'CGROUPFS' ? 'cgroupfs' : 'systemd';
    } catch (error) {
      if (error instanceof RuntimeError && error.code === 'Unimplemented') return undefined;
      throw error;
    }
  }

  async #statsOfContainers(): Promise<PodStats[]> {
    const pods = new Map<string, PodStats & { containers: ReturnType<typeof containerStats>[] }>();
    for (const stats of (await this.#cri.call('ListContainerStats', {})).stats) {
      const { labels } = stats.attributes;
      const uid = labels[POD_UID];
      if (uid === undefined) continue;
      const pod = pods.get(uid) ?? {
        uid,
        name: labels[POD_NAME] ?? '',
        namespace: labels[POD_NAMESPACE] ?? '',
        containers: [],
      };
      pods.set(uid, pod);
      pod.containers.push(containerStats(stats));
    }
    return [...pods.values()].map(ofCurrent);
  }
}

/** Of each name one container: that which runs, or the first that is told of. Those that ended before it use no more than its disk. */
export function ofCurrent(pod: PodStats): PodStats {
  const current = new Map<string, PodStats['containers'][number]>();
  for (const container of pod.containers) {
    const known = current.get(container.name);
    if (!known || (!isMeasured(known) && isMeasured(container))) current.set(container.name, container);
  }
  return { ...pod, containers: [...current.values()] };
}

const isMeasured = ({ cpu, memory }: PodStats['containers'][number]) =>
  (cpu?.coreNanoseconds ?? 0) > 0 || (memory?.workingSetBytes ?? 0) > 0;

/** @param config of containerd's CRI plugin, as JSON; others say nothing of the kind */
function sandboxImageOf(config: string | undefined): string | undefined {
  try {
    const { sandboxImage } = JSON.parse(config ?? '{}') as { sandboxImage?: string };
    return sandboxImage;
  } catch {
    return undefined;
  }
}

/** What is gone by now is no failure. */
async function present<T>(answer: Promise<T>): Promise<T | undefined> {
  try {
    return await answer;
  } catch (error) {
    if (error instanceof RuntimeError && error.code === 'NotFound') return undefined;
    throw error;
  }
}
