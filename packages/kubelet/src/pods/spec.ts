/** Reading pods. */

import type { Container, EphemeralContainer, Pod, PodCondition, PodStatus } from '@keelson/api/generated/types/core/v1';
import { isSidecar } from '@keelson/api/resources/pod';
import type { ContainerState, ContainerStatus } from '../runtime/container.ts';
import type { PodState } from '../runtime/runtime.ts';

export type ContainerRole = 'init' | 'sidecar' | 'regular' | 'ephemeral';

/** A container of a pod, of whatever kind; ephemeral ones have all its fields but a few, which they may not set. */
export interface PodContainer {
  readonly role: ContainerRole;
  readonly spec: Container;
  /** Container whose process namespace an ephemeral one joins. */
  readonly target?: string | undefined;
}

/** In the order of the spec: init containers, regular ones, ephemeral ones. */
export function containersOf(pod: Pod): PodContainer[] {
  const { initContainers = [], containers, ephemeralContainers = [] } = pod.spec!;
  return [
    ...initContainers.map((spec): PodContainer => ({ role: isSidecar(spec) ? 'sidecar' : 'init', spec })),
    ...(containers ?? []).map((spec): PodContainer => ({ role: 'regular', spec })),
    ...ephemeralContainers.map(ephemeral),
  ];
}

function ephemeral({ targetContainerName, ...spec }: EphemeralContainer): PodContainer {
  return { role: 'ephemeral', spec: spec as Container, target: targetContainerName };
}

export function containerOf(pod: Pod, name: string): PodContainer | undefined {
  return containersOf(pod).find(({ spec }) => spec.name === name);
}

export function uidOf(pod: Pod): string {
  return pod.metadata.uid!;
}

/** `web_default(3f0c…)`, as messages name pods. */
export function formatPod(pod: Pod): string {
  return `${pod.metadata.name}_${pod.metadata.namespace}(${pod.metadata.uid})`;
}

export function isTerminalPhase(phase: string | undefined): phase is 'Succeeded' | 'Failed' {
  return phase === 'Succeeded' || phase === 'Failed';
}

export function isHostNetwork(pod: Pod): boolean {
  return pod.spec?.hostNetwork === true;
}

export const CONFIG_SOURCE = 'kubernetes.io/config.source';
export const CONFIG_MIRROR = 'kubernetes.io/config.mirror';
export const CONFIG_HASH = 'kubernetes.io/config.hash';
export const CONFIG_SEEN = 'kubernetes.io/config.seen';

/** Made from a manifest on the node: its source is not the API server. */
export function isStatic(pod: Pod): boolean {
  const source = pod.metadata.annotations?.[CONFIG_SOURCE];
  return source !== undefined && source !== 'api';
}

/** What the API server has in place of a static pod. */
export function isMirror(pod: Pod): boolean {
  return pod.metadata.annotations?.[CONFIG_MIRROR] !== undefined;
}

/** `namespace/name` */
export function fullName(pod: Pod): string {
  return `${pod.metadata.namespace}/${pod.metadata.name}`;
}

const SYSTEM_CRITICAL_PRIORITY = 2_000_000_000;

/** Comes before all others (pkg/kubelet/types/pod_update.go, IsCriticalPod). */
export function isCritical(pod: Pod): boolean {
  return isStatic(pod) || isMirror(pod) || (pod.spec?.priority ?? 0) >= SYSTEM_CRITICAL_PRIORITY;
}

export function conditionOf(status: PodStatus | undefined, type: string): PodCondition | undefined {
  return status?.conditions?.find((condition) => condition.type === type);
}

/** The newest container of a name. */
export function latest(state: PodState, name: string): ContainerStatus | undefined {
  return state.containers.find(({ metadata }) => metadata.name === name);
}

export function hasState<T extends ContainerState['type']>(
  container: ContainerStatus | undefined,
  type: T,
): container is ContainerStatus & { readonly state: Extract<ContainerState, { readonly type: T }> } {
  return container?.state.type === type;
}
