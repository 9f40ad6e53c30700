/** The phase of a pod, from the statuses of its containers (pkg/kubelet/kubelet_pods.go, getPhase). */

import type { Container, ContainerStatus, Pod } from '@keelson/api/generated/types/core/v1';
import { isSidecar } from '@keelson/api/resources/pod';
import { restartsAfter } from '../pods/restarts.ts';
import { isStatic } from '../pods/spec.ts';
import { RESTARTING_ALL } from './containers.ts';

export type Phase = 'Pending' | 'Running' | 'Succeeded' | 'Failed';

export interface PhaseInput {
  readonly pod: Pod;
  /** Of regular and init containers. */
  readonly statuses: readonly ContainerStatus[];
  /** Nothing of it will run again, whatever its policy says. */
  readonly terminal: boolean;
  /** A regular container is there that is not over: initialization was complete once. */
  readonly initialized: boolean;
}

/** How far a pod has come, by its containers (pkg/kubelet/kubelet_pods.go, getPhase). */
export function phaseOf({ pod, statuses, terminal, initialized }: PhaseInput): Phase {
  const { initContainers = [], containers } = pod.spec!;
  const byName = new Map(statuses.map((status) => [status.name, status]));
  const init = initContainers.filter((container) => !isSidecar(container));
  const inits = init.map((container) => initProgress(pod, container, byName.get(container.name)));
  if (inits.includes('failed')) return 'Failed';
  const sidecars = initContainers.filter(isSidecar).map((container) => sidecarProgress(byName.get(container.name)));
  const regular = (containers ?? []).map((container) => regularProgress(pod, container, byName.get(container.name)));
  const count = (what: string) => [...sidecars, ...regular].filter((progress) => progress.is === what).length;
  if (inits.includes('pending') || (!initialized && sidecars.some(({ pending }) => pending))) return 'Pending';
  if (count('waiting') > 0) return 'Pending';
  if (count('unknown') > 0) return 'Pending';
  if (count('running') > 0) return 'Running';
  const stopped = regular.filter(({ is }) => is === 'stopped');
  if (stopped.length === 0) return 'Pending';
  const outcome = stopped.every(({ succeeded }) => succeeded) ? 'Succeeded' : 'Failed';
  if (terminal && !isStatic(pod)) return outcome;
  return stopped.some(({ restarts }) => restarts) ? 'Running' : outcome;
}

type InitProgress = 'pending' | 'done' | 'failed' | 'restarting';

function initProgress(pod: Pod, container: Container, status: ContainerStatus | undefined): InitProgress {
  const ended = status?.state.terminated ?? (status?.state.waiting ? status.lastState.terminated : undefined);
  if (!ended) return 'pending';
  if (ended.exitCode === 0) return 'done';
  const restarts = restartsAfter(container, pod.spec!, ended.exitCode) || ended.reason === RESTARTING_ALL;
  return restarts ? 'restarting' : 'failed';
}

interface Progress {
  readonly is: 'unknown' | 'running' | 'waiting' | 'stopped' | 'over';
  readonly pending?: boolean;
  readonly succeeded?: boolean;
  readonly restarts?: boolean;
}

function sidecarProgress(status: ContainerStatus | undefined): Progress {
  if (!status) return { is: 'unknown' };
  if (status.state.running) return { is: 'running', pending: status.started !== true };
  if (status.state.terminated || status.lastState.terminated) return { is: 'over' };
  return { is: status.state.waiting ? 'waiting' : 'unknown', pending: true };
}

function regularProgress(pod: Pod, container: Container, status: ContainerStatus | undefined): Progress {
  if (!status) return { is: 'unknown' };
  const { state, lastState } = status;
  if (state.running) return { is: 'running' };
  const ended = state.terminated ?? (state.waiting ? lastState.terminated : undefined);
  if (!ended) return { is: state.waiting ? 'waiting' : 'unknown' };
  const restarts = restartsAfter(container, pod.spec!, ended.exitCode) || ended.reason === RESTARTING_ALL;
  // One that waits to be restarted has stopped, but has not succeeded.
  return { is: 'stopped', succeeded: state.terminated?.exitCode === 0, restarts };
}
