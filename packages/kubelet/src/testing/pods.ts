/** Pods and what a runtime says of them, for tests. */
import type { Container, Pod, PodSpec } from '@keelson/api/generated/types/core/v1';
import { containerHash } from '../pods/hash.ts';
import type { ContainerState, ContainerStatus } from '../runtime/container.ts';
import { CONTAINER_HASH, RESTART_COUNT } from '../runtime/labels.ts';
import type { PodState } from '../runtime/runtime.ts';
import type { SandboxStatus } from '../runtime/sandbox.ts';

export function podOf(spec: Partial<PodSpec> & { containers: Container[] }, metadata: Pod['metadata'] = {}): Pod {
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: 'web', namespace: 'default', uid: 'u1', generation: 1, ...metadata },
    spec: { restartPolicy: 'Always', terminationGracePeriodSeconds: 30, nodeName: 'n1', ...spec },
    status: { phase: 'Pending' },
  };
}

export function container(name: string, more: Partial<Container> = {}): Container {
  return { name, image: `${name}:v1`, imagePullPolicy: 'IfNotPresent', resources: {}, ...more };
}

export const running = (startedAt = 1000): ContainerState => ({ type: 'running', startedAt });
export const exited = (exitCode: number, finishedAt = 2000): ContainerState => ({
  type: 'exited',
  startedAt: 1000,
  finishedAt,
  exitCode,
  reason: exitCode === 0 ? 'Completed' : 'Error',
  message: '',
});

export function statusOf(spec: Container, state: ContainerState, attempt = 0): ContainerStatus {
  return {
    id: `${spec.name}-${attempt}`,
    sandboxId: 's0',
    metadata: { name: spec.name, attempt },
    state,
    createdAt: 1000 + attempt,
    image: spec.image ?? '',
    imageRef: `sha256:${spec.image}`,
    labels: {},
    annotations: { [CONTAINER_HASH]: containerHash(spec), [RESTART_COUNT]: String(attempt) },
    log: { type: 'lines', lines: [] },
    mounts: [],
  };
}

export function sandboxOf(more: Partial<SandboxStatus> = {}): SandboxStatus {
  return {
    id: 's0',
    metadata: { name: 'web', namespace: 'default', uid: 'u1', attempt: 0 },
    state: 'ready',
    createdAt: 1000,
    ips: ['10.0.0.7'],
    hostNetwork: false,
    labels: {},
    annotations: {},
    runtimeHandler: '',
    ...more,
  };
}

export function stateOf(...containers: ContainerStatus[]): PodState {
  return { sandboxes: [sandboxOf()], containers };
}
