/** Statuses of containers, from what the runtime says (pkg/kubelet/kubelet_pods.go, convertToAPIContainerStatuses). */
import type {
  Container,
  ContainerState,
  ContainerStatus,
  Pod,
  ResourceRequirements,
  ResourceStatus,
} from '@keelson/api/generated/types/core/v1';
import { formatTime } from '@keelson/api/time';
import { hasRegular } from '../pods/plan.ts';
import { shouldStart } from '../pods/restarts.ts';
import { latest, type PodContainer } from '../pods/spec.ts';
import type { ContainerStatus as RuntimeContainer } from '../runtime/container.ts';
import { RESTART_COUNT } from '../runtime/labels.ts';
import type { PodState } from '../runtime/runtime.ts';

/** Why a container could not be started, the last time that it was tried. */
export interface Problem {
  readonly reason: string;
  readonly message: string;
}

export interface ContainersInput {
  readonly pod: Pod;
  readonly state: PodState;
  /** Scheme of container ids. */
  readonly runtimeName: string;
  readonly problems: ReadonlyMap<string, Problem>;
  /** What containers were given, by name, as far as this kubelet has given it. */
  readonly actuated: ReadonlyMap<string, ResourceRequirements>;
  /** What a container has left behind for those who ask why it ended. */
  readonly terminationMessage: (container: RuntimeContainer) => string;
  readonly recursiveReadOnly: boolean;
  /** All containers are removed and begin anew. */
  readonly restarting: boolean;
  /** How the devices are that a container has. */
  readonly deviceHealth: (containerName: string) => readonly ResourceStatus[];
}

const LOST = 'ContainerStatusUnknown';
/** All containers of the pod are removed, to begin anew. */
export const RESTARTING_ALL = 'RestartingAllContainers';

/** Of containers of one role, by what was said of them before. */
export function containerStatuses(
  containers: readonly PodContainer[],
  before: readonly ContainerStatus[],
  input: ContainersInput,
): ContainerStatus[] {
  return containers.map((container) => {
    const old = before.find(({ name }) => name === container.spec.name);
    return withProblem(container, oneStatus(container, old, input), input);
  });
}

function oneStatus({ spec }: PodContainer, old: ContainerStatus | undefined, input: ContainersInput): ContainerStatus {
  const [current, previous] = input.state.containers.filter(({ metadata }) => metadata.name === spec.name);
  if (!current) return absent(spec, old, input);
  const status = converted(spec, current, old, input);
  return previous ? { ...status, lastState: converted(spec, previous, old, input).state } : status;
}

/** The runtime knows of none. */
function absent(
  spec: Container,
  old: ContainerStatus | undefined,
  { pod, recursiveReadOnly, restarting }: ContainersInput,
): ContainerStatus {
  if (restarting && old && !old.state.waiting) return removed(old);
  if (old?.state.terminated) return old;
  const reason = (pod.spec!.initContainers?.length ?? 0) > 0 ? 'PodInitializing' : 'ContainerCreating';
  const status: ContainerStatus = {
    name: spec.name,
    state: { waiting: { reason } },
    lastState: old?.lastState ?? {},
    ready: false,
    restartCount: old?.restartCount ?? 0,
    image: spec.image ?? '',
    imageID: '',
    ...volumeMounts(spec, recursiveReadOnly),
  };
  if (!old?.state.running || status.lastState.terminated) return status;
  const message = 'The container could not be located when the pod was deleted.  The container used to be Running';
  return {
    ...status,
    lastState: { terminated: { exitCode: 137, reason: LOST, message } },
    restartCount: status.restartCount + (pod.metadata.deletionTimestamp ? 0 : 1),
  };
}

function removed({ containerID: _, started: __, ...old }: ContainerStatus): ContainerStatus {
  const message = 'The container is removed because RestartAllContainers in place';
  return {
    ...old,
    state: { waiting: { reason: RESTARTING_ALL, message } },
    lastState: { terminated: { exitCode: 137, reason: RESTARTING_ALL, message } },
    ready: false,
    restartCount: old.restartCount + 1,
  };
}

function converted(
  spec: Container,
  container: RuntimeContainer,
  old: ContainerStatus | undefined,
  input: ContainersInput,
): ContainerStatus {
  const containerID = `${input.runtimeName}://${container.id}`;
  const counted = Number(container.annotations[RESTART_COUNT] ?? container.metadata.attempt);
  // Of those that were removed so that all begin anew the runtime cannot count.
  const uncounted =
    old?.state.terminated !== undefined && old.containerID !== containerID && old.restartCount >= counted;
  const restartCount = uncounted ? old.restartCount + 1 : counted;
  const lost = container.state.type === 'unknown' && old?.state.running !== undefined;
  const { resources, allocatedResources } = resourcesOf(spec, container, old, containerID, input);
  return {
    name: spec.name,
    state: lost ? LOST_STATE : stateOf(container, containerID, input),
    lastState: remembered(old, containerID),
    ready: false,
    restartCount: lost ? old.restartCount + 1 : Math.max(restartCount, old?.restartCount ?? 0),
    image: container.image,
    imageID: container.imageRef,
    containerID,
    ...(container.state.type === 'running' && old?.containerID === containerID && old.started !== undefined
      ? { started: old.started }
      : {}),
    ...(allocatedResources ? { allocatedResources } : {}),
    ...(resources ? { resources } : {}),
    ...volumeMounts(spec, input.recursiveReadOnly),
    ...(container.user
      ? { user: { linux: { ...container.user, supplementalGroups: [...container.user.supplementalGroups] } } }
      : {}),
  };
}

const LOST_STATE: ContainerState = {
  terminated: {
    exitCode: 137,
    reason: LOST,
    message: 'The container could not be located when the pod was terminated',
  },
};

function stateOf(container: RuntimeContainer, containerID: string, input: ContainersInput): ContainerState {
  const { state } = container;
  switch (state.type) {
    case 'running':
      return { running: { startedAt: formatTime(new Date(state.startedAt)) } };
    case 'exited': {
      const message = [state.message, input.terminationMessage(container)].filter(Boolean).join(': ');
      return {
        terminated: {
          exitCode: state.exitCode,
          ...(state.signal ? { signal: state.signal } : {}),
          reason: state.reason,
          ...(message ? { message } : {}),
          startedAt: formatTime(new Date(state.startedAt)),
          finishedAt: formatTime(new Date(state.finishedAt)),
          containerID,
        },
      };
    }
    default:
      return { waiting: {} };
  }
}

/** How the last one ended, also where the runtime has nothing left of it. */
function remembered(old: ContainerStatus | undefined, containerID: string): ContainerState {
  if (old?.state.terminated && old.containerID !== containerID) return { terminated: old.state.terminated };
  return old?.lastState.terminated ? { terminated: old.lastState.terminated } : {};
}

/** What it may have, and what it was given: the latter is behind while it is resized. */
function resourcesOf(
  spec: Container,
  container: RuntimeContainer,
  old: ContainerStatus | undefined,
  containerID: string,
  { actuated }: ContainersInput,
): { resources?: ResourceRequirements | undefined; allocatedResources?: Record<string, string> | undefined } {
  const allocated = spec.resources;
  const allocatedResources = allocated?.requests;
  if (container.state.type !== 'running') return { resources: allocated, allocatedResources };
  const given = ofOwn(actuated.get(spec.name), allocated);
  const before = old?.containerID === containerID && old.state.running ? old.resources : undefined;
  return { resources: given ?? before ?? allocated, allocatedResources };
}

/** A limit that is the pod's is not told as the container's. */
function ofOwn(
  given: ResourceRequirements | undefined,
  allocated: ResourceRequirements | undefined,
): ResourceRequirements | undefined {
  if (!given?.limits || !allocated) return given;
  const own = Object.entries(given.limits).filter(([name]) => allocated.limits?.[name] !== undefined);
  const { limits: _, ...rest } = given;
  return own.length > 0 ? { ...rest, limits: Object.fromEntries(own) } : rest;
}

function volumeMounts({ volumeMounts = [] }: Container, recursive: boolean): Pick<ContainerStatus, 'volumeMounts'> {
  if (volumeMounts.length === 0) return {};
  return {
    volumeMounts: volumeMounts.map(({ name, mountPath, readOnly, recursiveReadOnly }) => {
      if (!readOnly) return { name, mountPath };
      const wanted = recursiveReadOnly === 'Enabled' || (recursiveReadOnly === 'IfPossible' && recursive);
      return { name, mountPath, readOnly, recursiveReadOnly: wanted ? 'Enabled' : 'Disabled' };
    }),
  };
}

/** A container that is to be started and cannot be is waiting, for a reason. */
function withProblem({ spec, role }: PodContainer, status: ContainerStatus, input: ContainersInput): ContainerStatus {
  const { pod, state, problems } = input;
  const known = latest(state, spec.name);
  if (role === 'init' && known?.state.type === 'exited' && known.state.exitCode === 0) return status;
  if (role === 'init' && !known && hasRegular(pod, state) && status.state.waiting) {
    const message =
      'Unable to get init container status from container runtime and pod has been initialized, treat it as exited normally';
    return { ...status, state: { terminated: { exitCode: 0, reason: 'Completed', message } } };
  }
  const problem = problems.get(spec.name);
  if (!problem || !shouldStart(spec, pod, state)) return status;
  const { reason, message } = problem;
  return {
    ...status,
    lastState: status.state.terminated ? status.state : status.lastState,
    state: { waiting: message ? { reason, message } : { reason } },
  };
}
