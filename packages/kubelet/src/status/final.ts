/** The last status of a pod (pkg/kubelet/status/status_manager.go, TerminatePod). */

import type { ContainerStatus, Pod, PodStatus } from '@keelson/api/generated/types/core/v1';
import { isSidecar } from '@keelson/api/resources/pod';
import { isStatic, isTerminalPhase } from '../pods/spec.ts';

const UNKNOWN = {
  terminated: {
    exitCode: 137,
    reason: 'ContainerStatusUnknown',
    message: 'The container could not be located when the pod was terminated',
  },
};

/** With a final phase, and with an end of every container that was begun: of whose end nothing is known, it counts as failed. */
export function finalStatus(pod: Pod, status: PodStatus): PodStatus {
  const { initContainerStatuses: init = [], containerStatuses: regular = [] } = status;
  const ended = (list: readonly ContainerStatus[]) =>
    list.map((each) => (each.state.terminated ? each : { ...each, ready: false, started: false, state: UNKNOWN }));
  const begun = beginnings(init);
  const phase = isTerminalPhase(status.phase) || isStatic(pod) ? status.phase : 'Failed';
  return {
    ...status,
    ...(phase ? { phase } : {}),
    containerStatuses: wasInitialized(pod, status) ? ended(regular) : regular,
    ...(init.length > 0 ? { initContainerStatuses: [...ended(init.slice(0, begun)), ...init.slice(begun)] } : {}),
  };
}

function wasInitialized(pod: Pod, { initContainerStatuses: init = [], containerStatuses: regular = [] }: PodStatus) {
  const specs = pod.spec!.initContainers ?? [];
  if (specs.length === 0) return true;
  if (regular.some(({ state, lastState }) => lastState.terminated || !state.waiting)) return true;
  const [spec, last] = [specs.at(-1)!, init.at(-1)];
  if (!last) return false;
  if (isSidecar(spec)) return last.state.running !== undefined && last.started === true;
  return last.state.terminated?.exitCode === 0 || last.lastState.terminated?.exitCode === 0;
}

/** How many init containers were ever begun, the first one at least. */
function beginnings(init: readonly ContainerStatus[]): number {
  const last = init.findLastIndex(({ state, lastState }) => !state.waiting || lastState.terminated);
  return Math.min(init.length, Math.max(1, last + 1));
}
