/** A pod's status as the kubelet sees it. A function (pkg/kubelet/kubelet_pods.go, generateAPIPodStatus). */
import type {
  ContainerStatus,
  Pod,
  PodCondition,
  PodStatus,
  ResourceRequirements,
} from '@keelson/api/generated/types/core/v1';
import { qosClass } from '@keelson/api/resources/pod';
import { WHOLE } from '../pods/allocation.ts';
import { restartedAll } from '../pods/plan.ts';
import { containersOf, isHostNetwork, isTerminalPhase, type PodContainer } from '../pods/spec.ts';
import { podLimits, podRequests, toList } from '../resources/requests.ts';
import { conditionsOf, isOwned } from './conditions.ts';
import { type ContainersInput, containerStatuses } from './containers.ts';
import { phaseOf } from './phase.ts';

/** What probes say of containers, by their ids and names. */
export interface Readiness {
  /** Undefined where there is no startup probe or it has not found out. */
  startup(containerID: string): boolean | undefined;
  readiness(containerID: string): boolean | undefined;
  /** Whether the container has such a probe at work. */
  has(kind: 'startup' | 'readiness', containerName: string): boolean;
}

interface EvictionInput {
  readonly reason: string;
  readonly message: string;
  /** What else is said of it. */
  readonly condition?: PodCondition | undefined;
}

export interface GenerateInput extends Omit<ContainersInput, 'restarting'> {
  /** What was said last, or what the API server has. */
  readonly old: PodStatus;
  readonly probes: Readiness;
  /** No container of it will run any more. */
  readonly terminal: boolean;
  /** Why the node ends it. */
  readonly eviction?: EvictionInput | undefined;
  readonly resize: readonly PodCondition[];
  readonly hostIps: readonly string[];
  /** Gate `PodReadyToStartContainersCondition`. */
  readonly tellsReadyToStart: boolean;
}

/** The whole status (pkg/kubelet/kubelet_pods.go, generateAPIPodStatus). */
export function generateStatus(input: GenerateInput): PodStatus {
  const { pod, state, old, terminal, eviction, probes } = input;
  const containers = containersOf(pod);
  const restarting = restartedAll(pod, old);
  const statuses = (roles: readonly string[], before: readonly ContainerStatus[] | undefined) =>
    containerStatuses(
      containers.filter(({ role }) => roles.includes(role)),
      before ?? [],
      { ...input, restarting },
    );
  const withProbes = (list: readonly ContainerStatus[]) => list.map((status) => probed(containers, status, probes));
  const init = withProbes(statuses(['init', 'sidecar'], old.initContainerStatuses));
  const regular = withProbes(statuses(['regular'], old.containerStatuses))
    .map((status) => withDevices(status, input))
    .sort(byName);
  const ephemeral = statuses(['ephemeral'], old.ephemeralContainerStatuses).sort(byName);
  const active = state.containers.some(
    ({ sandboxId, metadata }) =>
      sandboxId === state.sandboxes[0]?.id && regular.some(({ name }) => name === metadata.name),
  );
  const found = phaseOf({ pod, statuses: [...regular, ...init], terminal, initialized: active });
  const { phase, reason, message } = settled(found, pod, old, eviction);
  const given: PodCondition[] = [
    ...(pod.status?.conditions ?? []).filter(({ type }) => !isOwned(type) && type !== eviction?.condition?.type),
    ...(eviction?.condition ? [eviction.condition] : []),
    ...(terminal ? [] : input.resize),
  ];
  return {
    ...(pod.metadata.generation ? { observedGeneration: pod.metadata.generation } : {}),
    phase,
    conditions: conditionsOf({
      pod,
      state,
      old,
      phase,
      init,
      regular,
      given,
      tellsReadyToStart: input.tellsReadyToStart,
    }),
    ...(message ? { message } : {}),
    ...(reason ? { reason } : {}),
    ...addresses(input),
    ...(old.startTime ? { startTime: old.startTime } : {}),
    ...(init.length > 0 ? { initContainerStatuses: init } : {}),
    containerStatuses: regular,
    qosClass: qosClass(pod),
    ...(ephemeral.length > 0 ? { ephemeralContainerStatuses: ephemeral } : {}),
    ...podResources(pod, input.actuated.get(WHOLE)),
  };
}

const byName = (a: ContainerStatus, b: ContainerStatus) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0);

/** A final phase is never left; what was said of a phase stays with it. */
function settled(found: string, pod: Pod, old: PodStatus, eviction: GenerateInput['eviction']) {
  const final = [old.phase, pod.status?.phase].find(isTerminalPhase);
  const stored = pod.status?.phase;
  if (eviction) {
    const { reason, message } = eviction;
    return { phase: isTerminalPhase(stored) ? stored : ('Failed' as const), reason, message };
  }
  const phase = (isTerminalPhase(stored) ? stored : isTerminalPhase(found) ? found : (final ?? found)) as
    | 'Pending'
    | 'Running'
    | 'Succeeded'
    | 'Failed';
  if (phase !== old.phase) return { phase };
  return { phase, reason: old.reason ?? pod.status?.reason, message: old.message ?? pod.status?.message };
}

function probed(containers: readonly PodContainer[], status: ContainerStatus, probes: Readiness): ContainerStatus {
  const role = containers.find(({ spec }) => spec.name === status.name)?.role;
  const started = hasStarted(status, probes);
  if (role === 'init') return { ...status, started, ready: status.state.terminated?.exitCode === 0 };
  if (!started) return { ...status, started, ready: false };
  const found = status.containerID ? probes.readiness(idOf(status)) : undefined;
  return { ...status, started, ready: found ?? !probes.has('readiness', status.name) };
}

function withDevices(status: ContainerStatus, { deviceHealth }: GenerateInput): ContainerStatus {
  const health = deviceHealth(status.name);
  return health.length > 0 ? { ...status, allocatedResourcesStatus: [...health] } : status;
}

function hasStarted(status: ContainerStatus, probes: Readiness): boolean {
  if (!status.state.running) return false;
  const found = probes.startup(idOf(status));
  return found ?? (status.started === true || !probes.has('startup', status.name));
}

/** Without the runtime's name. */
function idOf({ containerID = '' }: ContainerStatus): string {
  return containerID.slice(containerID.indexOf('://') + 3);
}

function addresses({ pod, state, old, hostIps }: GenerateInput): Partial<PodStatus> {
  const host = hostIps[0];
  const primaryIsV6 = host?.includes(':') ?? false;
  const sandbox = state.sandboxes.find(({ state }) => state === 'ready');
  // Of a pod whose sandbox has gone its addresses are remembered.
  const known = sandbox ? sandbox.ips : (old.podIPs ?? []).map(({ ip }) => ip);
  let ips = inOrder(known, primaryIsV6);
  if (isHostNetwork(pod)) ips = old.podIPs?.length ? old.podIPs.map(({ ip }) => ip) : [...hostIps];
  return {
    ...(host ? { hostIP: host, hostIPs: hostIps.map((ip) => ({ ip })) } : {}),
    ...(ips[0] ? { podIP: ips[0], podIPs: ips.map((ip) => ({ ip })) } : {}),
  };
}

/** One of each family, the node's first. */
function inOrder(ips: readonly string[], v6First: boolean): string[] {
  const of = (v6: boolean) => ips.find((ip) => ip.includes(':') === v6);
  return [of(v6First), of(!v6First)].filter((ip) => ip !== undefined);
}

/** What the pod as a whole may have. */
export function wholeResources(pod: Pod): ResourceRequirements {
  const [requests, limits] = [toList(podRequests(pod)), toList(podLimits(pod))];
  const some = (list: Record<string, string>) => Object.keys(list).length > 0;
  return { ...(some(limits) ? { limits } : {}), ...(some(requests) ? { requests } : {}) };
}

/** @param actuated what a pod with resources of its own was given, as far as that is known */
function podResources(
  pod: Pod,
  actuated: ResourceRequirements | undefined,
): Pick<PodStatus, 'resources' | 'allocatedResources'> {
  const allocated = wholeResources(pod);
  const given = (pod.spec!.resources && actuated) ?? allocated;
  return {
    ...(allocated.requests ? { allocatedResources: allocated.requests } : {}),
    ...(given.limits || given.requests ? { resources: given } : {}),
  };
}
