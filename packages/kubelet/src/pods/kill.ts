/** How containers are stopped: preStop, the stop signal, the end of their grace (killContainer in kuberuntime_container.go). */
import type { Container, Pod } from '@keelson/api/generated/types/core/v1';
import { within } from '@keelson/client';
import { unlessAborted } from '@keelson/component/promises';
import type { ContainerStatus } from '../runtime/container.ts';
import type { PodState } from '../runtime/runtime.ts';
import type { KillReason } from './plan-container.ts';
import { containerReference, type PodServices } from './services.ts';
import { containerOf, hasState, type PodContainer } from './spec.ts';

export interface KillOptions {
  /** For the event; without one it says that the container is stopped. */
  readonly message?: string;
  readonly reason?: KillReason;
  /** In place of what the pod says. */
  readonly graceSeconds?: number | undefined;
  readonly podIp: string;
  /** Resolves when those are gone that have to go first. */
  readonly turn?: Promise<unknown>;
  /** Lets go of the container, which is left to whoever comes next. */
  readonly signal: AbortSignal;
}

/** A process that is asked to end has two seconds at least. */
const MINIMUM_GRACE_SECONDS = 2;

/** Resolves when it has ended. @throws RuntimeError; the signal's reason */
export async function killContainer(
  services: PodServices,
  pod: Pod,
  container: PodContainer,
  status: ContainerStatus,
  options: KillOptions,
): Promise<void> {
  const { message, reason = '', podIp, turn, signal } = options;
  const { world, recorder, runtime } = services;
  const text = message || `Stopping container ${container.spec.name}`;
  recorder.event(
    containerReference(pod, container),
    'Normal',
    'Killing',
    text.replaceAll(status.id, container.spec.name),
  );
  const graceSeconds = options.graceSeconds ?? graceFor(pod, container.spec, reason);
  const began = world.clock.now();
  const left = () => graceSeconds - Math.floor((world.clock.now() - began) / 1000);
  const handler = container.spec.lifecycle?.preStop;
  if (handler && graceSeconds > 0) {
    const hook = preStop(services, pod, container, status.id, podIp, signal);
    await within(world.clock, graceSeconds * 1000, hook, signal);
  }
  if (turn && left() > 0) await within(world.clock, left() * 1000, turn, signal);
  await unlessAborted(runtime.stopContainer(status.id, Math.max(MINIMUM_GRACE_SECONDS, left())), signal);
}

/** Of the deletion, else of the spec, else of the probe that has it killed. */
function graceFor({ metadata, spec }: Pod, container: Container, reason: KillReason): number {
  if (metadata.deletionGracePeriodSeconds !== undefined) return metadata.deletionGracePeriodSeconds;
  const probe = { StartupProbe: container.startupProbe, LivenessProbe: container.livenessProbe }[
    reason as 'StartupProbe'
  ];
  return probe?.terminationGracePeriodSeconds ?? spec?.terminationGracePeriodSeconds ?? MINIMUM_GRACE_SECONDS;
}

/**
 * All containers of a pod at once; sidecars wait for all others, and each for those that came after it
 * (kuberuntime_termination_order.go).
 */
export async function killAll(
  services: PodServices,
  pod: Pod,
  state: PodState,
  options: Omit<KillOptions, 'message' | 'turn'>,
): Promise<void> {
  const alive = state.containers.filter((each) => hasState(each, 'running') || each.state.type === 'unknown');
  const subjects = alive.map((status) => ({
    status,
    container: containerOf(pod, status.metadata.name) ?? stranger(status),
  }));
  const isSidecar = ({ container }: (typeof subjects)[number]) => container.role === 'sidecar';
  const kill = ({ container, status }: (typeof subjects)[number], turn?: Promise<unknown>) =>
    killContainer(services, pod, container, status, turn ? { ...options, turn } : options);
  const first = subjects.filter((subject) => !isSidecar(subject)).map((subject) => kill(subject));
  const all = [...first];
  const order = (pod.spec?.initContainers ?? []).map(({ name }) => name).reverse();
  for (const name of order) {
    const sidecar = subjects.find((subject) => isSidecar(subject) && subject.container.spec.name === name);
    if (sidecar) all.push(kill(sidecar, Promise.allSettled([...all])));
  }
  await Promise.all(all);
}

/** Of a container that the spec does not know any more. */
function stranger({ metadata, image }: ContainerStatus): PodContainer {
  return { role: 'regular', spec: { name: metadata.name, image, resources: {} } };
}

async function preStop(
  { hooks, recorder, world }: PodServices,
  pod: Pod,
  container: PodContainer,
  containerId: string,
  podIp: string,
  signal: AbortSignal,
): Promise<void> {
  try {
    await hooks.run({ pod, container, containerId, handler: container.spec.lifecycle!.preStop!, podIp }, signal);
  } catch (error) {
    world.log.info({ pod: pod.metadata.name, container: container.spec.name, error }, 'A preStop hook failed');
    recorder.event(containerReference(pod, container), 'Warning', 'FailedPreStopHook', 'PreStopHook failed');
  }
}
