/** What pod workers work with. One for each node; what is the same for many nodes is shared by them. */
import type { Container, ObjectReference, Pod, ResourceStatus } from '@keelson/api/generated/types/core/v1';
import type { EventRecorder, World } from '@keelson/client';
import type { Tracing } from '@keelson/component/tracing/index';
import type { IsEnabled } from '../gates.ts';
import type { ImageManager } from '../images/manager.ts';
import type { HookRunner } from '../lifecycle/hooks.ts';
import type { Probes } from '../probes/probes.ts';
import type { ContainerConfig, ContainerStatus } from '../runtime/container.ts';
import type { LinuxResources } from '../runtime/linux.ts';
import type { Runtime } from '../runtime/runtime.ts';
import type { SandboxConfig } from '../runtime/sandbox.ts';
import type { StatusManager } from '../status/manager.ts';
import type { CrashBackoffOptions } from './backoff.ts';
import type { PodContainer } from './spec.ts';
import type { StartMetrics } from './start-metrics.ts';
import type { WorkerMetrics } from './worker-metrics.ts';

export interface PodServices {
  readonly world: World;
  readonly runtime: Runtime;
  /** Scheme of container ids. */
  readonly runtimeName: string;
  readonly status: StatusManager;
  readonly probes: Probes;
  readonly images: ImageManager;
  readonly hooks: HookRunner;
  readonly recorder: EventRecorder;
  readonly preparer: Preparer;
  readonly configurations: Configurations;
  readonly podResources: PodResources;
  readonly crashBackoff: CrashBackoffOptions;
  readonly isEnabled: IsEnabled;
  /** None where nobody counts. */
  readonly starts?: StartMetrics | undefined;
  readonly counts?: WorkerMetrics | undefined;
  /** None where nobody follows what is done. */
  readonly tracing?: Tracing | undefined;
  readonly recursiveReadOnly: boolean;
  /** The node's addresses, the primary one first. */
  hostIps(): readonly string[];
  /** Why pods get no network; undefined where they do. */
  networkProblem(): string | undefined;
  /** Every so often a pod is looked at without cause, for what nobody tells of: volumes to refresh. 0: never. */
  readonly resyncMs: number;
}

/** What a pod has on the node besides its containers: folders, volumes, cgroups, claims; and what is remembered of it there. */
export interface Preparer {
  /** Makes it, or brings it up to date. @throws PreparationError, PodRejection */
  prepare(pod: Pod, signal: AbortSignal): Promise<void>;
  /** Has claims of devices prepared; before each sandbox. @throws PreparationError */
  prepareClaims(pod: Pod, signal: AbortSignal): Promise<void>;
  /** The pod has no containers and will have none: its claims are given back. May be called again. @throws Error */
  releaseClaims(pod: Pod): Promise<void>;
  /** How often a container was started, as far as the node remembers beside the runtime. */
  restarts(pod: Pod, containerName: string): Promise<number>;
  /** A container was started: those who collect logs are led to its own. Never fails. */
  linkLog(pod: Pod, containerName: string, id: string, log: string): Promise<void>;
  /** How the devices are that a container has. */
  deviceHealth(pod: Pod, containerName: string): readonly ResourceStatus[];
  /** What it wrote for those who ask why it ended. */
  terminationMessage(container: ContainerStatus): string;
  /** Takes away what `prepare` made. May be called again. */
  cleanUp(pod: Pod): Promise<void>;
  /** What is left when the API server has the pod no more: logs. */
  forget(pod: Pod): Promise<void>;
  /** What pods have left that nobody knows any more. */
  removeOrphans(isKnown: (uid: string) => boolean): Promise<void>;
}

/** What the runtime is told of pods that are prepared. */
export interface Configurations {
  sandbox(pod: Pod, attempt: number): Promise<SandboxConfig>;
  /** @throws Error with a message for CreateContainerConfigError */
  container(request: ContainerRequest): Promise<ContainerConfig>;
}

/** What pods may have of the machine while they run. */
export interface PodResources {
  /** What the runtime is told of a container. */
  ofContainer(pod: Pod, container: Container): LinuxResources;
  /** What it is told of the pod as a whole. */
  ofSandbox(pod: Pod): Pick<SandboxConfig['linux'], 'overhead' | 'resources'>;
  /**
   * Why the pod, or containers of it that run, cannot have less memory than they have, in upstream's words: they use more.
   * @param limits bytes by container, of those that are to have less
   */
  shrinkProblem(pod: Pod, limits: ReadonlyMap<string, number>): Promise<string | undefined>;
  /** The pod may have what it is to have, before its containers do; and no more than that, when they have. @throws Error */
  grow(pod: Pod): Promise<void>;
  settle(pod: Pod): Promise<void>;
}

export interface ContainerRequest {
  readonly pod: Pod;
  readonly container: PodContainer;
  readonly attempt: number;
  readonly imageRef: string;
  readonly podIps: readonly string[];
  /** Container whose process namespace an ephemeral one joins. */
  readonly targetId?: string | undefined;
  /** What is mounted of images, by volume name: pulled, and by the reference that the runtime has. */
  readonly imageVolumes: ReadonlyMap<string, string>;
}

/** What `prepare` could not do, and the event that tells of it. */
export class PreparationError extends Error {
  override readonly name: string = 'PreparationError';
  readonly reason: string;

  constructor(reason: string, message: string, cause?: unknown) {
    super(message, { cause });
    this.reason = reason;
  }
}

/** The node cannot have the pod, as it turns out late. */
export class PodRejection extends PreparationError {}

/** Whom events about a container name. */
export function containerReference(pod: Pod, { role, spec }: PodContainer): { reference: ObjectReference } {
  const list = {
    init: 'initContainers',
    sidecar: 'initContainers',
    regular: 'containers',
    ephemeral: 'ephemeralContainers',
  };
  const { namespace, name, uid, resourceVersion } = pod.metadata;
  return {
    reference: {
      kind: 'Pod',
      apiVersion: 'v1',
      ...(namespace ? { namespace } : {}),
      ...(name ? { name } : {}),
      ...(uid ? { uid } : {}),
      ...(resourceVersion ? { resourceVersion } : {}),
      fieldPath: `spec.${list[role]}{${spec.name}}`,
    },
  };
}
