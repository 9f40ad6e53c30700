/**
 * What is to be done for a pod, from what is wanted and what the runtime says. A function: it reads no clock and calls
 * nobody. Compare computePodActions (pkg/kubelet/kuberuntime/kuberuntime_manager.go).
 */
import type { Container, Pod, PodStatus } from '@keelson/api/generated/types/core/v1';
import type { ContainerStatus } from '../runtime/container.ts';
import type { PodState } from '../runtime/runtime.ts';
import {
  type Actuated,
  isChanged,
  type Kill,
  lost,
  type ProbeFindings,
  type Resize,
  resizeOf,
} from './plan-container.ts';
import { planInit } from './plan-init.ts';
import { matchingRule, restartsWithoutCode, shouldStart } from './restarts.ts';
import { containersOf, hasState, isHostNetwork, latest, type PodContainer } from './spec.ts';

/** Removed, after it is killed where it runs, so that everything begins anew. */
export interface Reset {
  readonly container: PodContainer;
  readonly id: string;
  readonly kill: boolean;
}

export interface Plan {
  /** Stop all containers and the sandbox. */
  readonly killPod: boolean;
  readonly sandbox:
    | { readonly type: 'keep'; readonly id: string; readonly attempt: number }
    /** `replaces`: the pod had one before. */
    | { readonly type: 'create'; readonly attempt: number; readonly replaces: boolean }
    | { readonly type: 'none' };
  readonly kill: readonly Kill[];
  readonly reset: readonly Reset[];
  /** Given other resources while they run. */
  readonly resize: readonly Resize[];
  /** In the order in which they are started. */
  readonly ephemeral: readonly PodContainer[];
  readonly init: readonly PodContainer[];
  readonly regular: readonly PodContainer[];
}

export interface PlanInput {
  readonly pod: Pod;
  readonly state: PodState;
  readonly probes: ProbeFindings;
  readonly actuated?: Actuated;
}

/** What is to be done next; when that is done, it is asked again. */
export function plan({ pod, state, probes, actuated = new Map() }: PlanInput): Plan {
  const sandbox = sandboxPlan(pod, state);
  if (sandbox.type === 'create') return fromTheBeginning(pod, state, sandbox);
  const reset = resets(pod, state);
  const kept: Plan = { killPod: false, sandbox, kill: [], reset, resize: [], ephemeral: [], init: [], regular: [] };
  if (reset.length > 0) return kept;
  const ephemeral = containersOf(pod).filter(({ role, spec }) => role === 'ephemeral' && !latest(state, spec.name));
  const init = planInit(pod, state, probes, actuated);
  if (init.failed) return { ...kept, killPod: true, kill: init.kill, ephemeral };
  if (!init.initialized) return { ...kept, kill: init.kill, resize: init.resize, init: init.start, ephemeral };
  const regular = planRegular(pod, state, probes, actuated);
  const over = regular.keep === 0 && regular.start.length === 0;
  return {
    ...kept,
    killPod: over,
    kill: [...init.kill, ...regular.kill],
    resize: over ? [] : [...init.resize, ...regular.resize],
    ephemeral,
    // A sidecar alone keeps no pod alive.
    init: over ? [] : init.start,
    regular: regular.start,
  };
}

/** Whether the pod has a sandbox that can be used (pkg/kubelet/kuberuntime/util, PodSandboxChanged). */
export function sandboxPlan(pod: Pod, state: PodState): Extract<Plan['sandbox'], { readonly type: 'keep' | 'create' }> {
  const [newest] = state.sandboxes;
  if (!newest) return { type: 'create', attempt: 0, replaces: false };
  const ready = state.sandboxes.filter((sandbox) => sandbox.state === 'ready').length;
  const usable =
    ready === 1 &&
    newest.state === 'ready' &&
    newest.hostNetwork === isHostNetwork(pod) &&
    (isHostNetwork(pod) || newest.ips.length > 0);
  if (usable) return { type: 'keep', id: newest.id, attempt: newest.metadata.attempt };
  return { type: 'create', attempt: newest.metadata.attempt + 1, replaces: true };
}

/** A new sandbox: everything is killed and begins with the first init container, unless the pod is done. */
function fromTheBeginning(pod: Pod, state: PodState, sandbox: Extract<Plan['sandbox'], { type: 'create' }>): Plan {
  const spec = pod.spec!;
  const nothing: Plan = {
    killPod: true,
    sandbox: { type: 'none' },
    kill: [],
    reset: [],
    resize: [],
    ephemeral: [],
    init: [],
    regular: [],
  };
  if (spec.restartPolicy === 'Never' && sandbox.attempt !== 0 && state.containers.length > 0) return nothing;
  const regular = containersOf(pod).filter(({ role, spec: container }) => {
    if (role !== 'regular') return false;
    const once = (container.restartPolicy ?? spec.restartPolicy) === 'OnFailure';
    return !(once && succeeded(latest(state, container.name)));
  });
  if (regular.length === 0 && hasRegular(pod, state)) return nothing;
  const first = containersOf(pod).find(({ role }) => role === 'init' || role === 'sidecar');
  return first ? { ...nothing, sandbox, init: [first] } : { ...nothing, sandbox, regular };
}

function succeeded(status: ContainerStatus | undefined): boolean {
  return hasState(status, 'exited') && status.state.exitCode === 0;
}

/** Whether any regular container was made: then all init containers have been. */
export function hasRegular(pod: Pod, state: PodState): boolean {
  return (pod.spec!.containers ?? []).some(({ name }) => {
    const status = latest(state, name);
    return status !== undefined && status.state.type !== 'unknown';
  });
}

function planRegular(pod: Pod, state: PodState, probes: ProbeFindings, actuated: Actuated) {
  const [start, kill, resize]: [PodContainer[], Kill[], Resize[]] = [[], [], []];
  let keep = 0;
  for (const container of containersOf(pod).filter(({ role }) => role === 'regular')) {
    const { spec } = container;
    const status = latest(state, spec.name);
    if (!hasState(status, 'running')) {
      if (!shouldStart(spec, pod, state)) continue;
      start.push(container);
      if (status?.state.type === 'unknown') kill.push(lost(container, status.id, 'Container'));
      continue;
    }
    const fault = faultOf(container, status, probes);
    const other = fault ? undefined : resizeOf(pod, container, status.id, actuated);
    if (other?.type === 'restart') {
      start.push(container);
      kill.push(other.kill);
    }
    if (other?.type === 'resize') resize.push(other.resize);
    if (!fault) {
      if (other?.type !== 'restart') keep++;
      continue;
    }
    const restart = fault.changed || restartsWithoutCode(spec, pod.spec!);
    if (restart) start.push(container);
    const message = restart ? `${fault.message}, will be restarted` : fault.message;
    kill.push({ container, id: status.id, message, reason: fault.reason });
  }
  return { start, kill, resize, keep };
}

/** Why a running container cannot stay. */
function faultOf({ spec }: PodContainer, { id, annotations }: ContainerStatus, probes: ProbeFindings) {
  const name = `Container ${spec.name}`;
  if (isChanged(spec, annotations)) {
    return { message: `${name} definition changed`, reason: '', changed: true } as const;
  }
  if (probes.liveness(id) === false) {
    return { message: `${name} failed liveness probe`, reason: 'LivenessProbe', changed: false } as const;
  }
  if (probes.startup(id) === false) {
    return { message: `${name} failed startup probe`, reason: 'StartupProbe', changed: false } as const;
  }
  return undefined;
}

/** Whether a container has ended with a code of which its rules say that all are to begin anew. */
export function restartsAll(pod: Pod, state: PodState): boolean {
  if (pod.metadata.deletionTimestamp) return false;
  return containersOf(pod).some(({ spec }) => isSource(spec, latest(state, spec.name)));
}

/** The same of what was said last, which holds until the container has another status, also when it is removed. */
export function restartedAll(pod: Pod, { initContainerStatuses = [], containerStatuses = [] }: PodStatus): boolean {
  if (pod.metadata.deletionTimestamp) return false;
  const statuses = [...initContainerStatuses, ...containerStatuses];
  return containersOf(pod).some(({ spec }) => {
    const ended = statuses.find(({ name }) => name === spec.name)?.state.terminated;
    return ended !== undefined && matchingRule(spec, ended.exitCode)?.action === 'RestartAllContainers';
  });
}

function isSource(spec: Container, status: ContainerStatus | undefined): boolean {
  return hasState(status, 'exited') && matchingRule(spec, status.state.exitCode)?.action === 'RestartAllContainers';
}

/** All containers in reverse order, that which gave cause to it last: as long as it is there, the reset is not over. */
function resets(pod: Pod, state: PodState): Reset[] {
  if (!restartsAll(pod, state)) return [];
  const there = containersOf(pod)
    .filter(({ role }) => role !== 'ephemeral')
    .reverse()
    .flatMap((container) =>
      state.containers
        .filter(({ metadata }) => metadata.name === container.spec.name)
        .map((status) => ({ container, status, source: isSource(container.spec, status) })),
    );
  const order = [...there.filter(({ source }) => !source), ...there.filter(({ source }) => source)];
  return order.map(({ container, status }) => ({ container, id: status.id, kill: hasState(status, 'running') }));
}
