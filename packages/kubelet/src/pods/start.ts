/** How a container is started: image, configuration, creation, start, postStart (startContainer in kuberuntime_container.go). */
import { join } from 'node:path';
import type { Pod } from '@keelson/api/generated/types/core/v1';
import { formatDuration } from '@keelson/component/go/duration';
import { unlessAborted } from '@keelson/component/promises';
import { ImageError } from '../images/manager.ts';
import type { ContainerConfig } from '../runtime/container.ts';
import { RESTART_COUNT } from '../runtime/labels.ts';
import type { PodState } from '../runtime/runtime.ts';
import type { SandboxConfig } from '../runtime/sandbox.ts';
import type { CrashBackoff } from './backoff.ts';
import { containerHash } from './hash.ts';
import { killContainer } from './kill.ts';
import { containerReference, type PodServices } from './services.ts';
import { formatPod, hasState, latest, type PodContainer } from './spec.ts';

export interface StartRequest {
  readonly pod: Pod;
  readonly container: PodContainer;
  readonly state: PodState;
  readonly sandboxId: string;
  readonly sandbox: SandboxConfig;
  readonly podIps: readonly string[];
  readonly backoff: CrashBackoff;
  readonly signal: AbortSignal;
}

/** Why it was not started: what its status says while it waits. */
export class StartError extends Error {
  override readonly name = 'StartError';
  readonly reason: string;
  /** When it is worth another try; undefined: when failures of the kind are tried again. */
  readonly retryAt: number | undefined;

  constructor(reason: string, message: string, retryAt?: number) {
    super(message);
    this.reason = reason;
    this.retryAt = retryAt;
  }
}

/** @throws StartError */
export async function startContainer(services: PodServices, request: StartRequest): Promise<void> {
  checkBackoff(services, request);
  const { starts } = services;
  const { role } = request.container;
  starts?.container(role);
  try {
    await start(services, request);
  } catch (error) {
    if (error instanceof StartError) starts?.containerFailed(role, error.reason);
    throw error;
  }
}

async function start(services: PodServices, request: StartRequest): Promise<void> {
  const imageVolumes = await ensureImageVolumes(services, request);
  let failure: unknown;
  try {
    await startWith(services, request, imageVolumes);
  } catch (error) {
    failure = error;
    throw error;
  } finally {
    const { volumeMounts = [] } = request.container.spec;
    const mounts = volumeMounts.filter(({ name }) => imageVolumes.has(name)).length;
    services.starts?.imageVolumes(imageVolumes.size, mounts, !isUnmounted(failure));
  }
}

/** As runtimes say it of a volume of an image (cri-api/pkg/errors). */
function isUnmounted(failure: unknown): boolean {
  return failure instanceof StartError && failure.message.includes('ImageVolumeMountFailed');
}

async function startWith(
  services: PodServices,
  request: StartRequest,
  imageVolumes: ReadonlyMap<string, string>,
): Promise<void> {
  const { pod, container, state, sandboxId, sandbox, podIps } = request;
  const { recorder, runtime, preparer, configurations } = services;
  const reference = containerReference(pod, container);
  const { image = '', imagePullPolicy = 'IfNotPresent' } = container.spec;
  const imageRef = await ensureImage(services, request, image, imagePullPolicy);
  /** @param id is not repeated in events, or each would be another */
  const failed = (reason: string, error: unknown, id = ''): StartError => {
    const { message } = error as Error;
    const shown = id ? message.replaceAll(id, container.spec.name) : message;
    recorder.event(reference, 'Warning', 'Failed', `Error: ${shown}`);
    return new StartError(reason, message);
  };
  const previous = latest(state, container.spec.name);
  const attempt = previous
    ? Number(previous.annotations[RESTART_COUNT] ?? previous.metadata.attempt) + 1
    : await preparer.restarts(pod, container.spec.name);
  let config: ContainerConfig;
  try {
    const targetId = targetOf(container, state);
    config = await configurations.container({ pod, container, attempt, imageRef, podIps, targetId, imageVolumes });
  } catch (error) {
    throw failed('CreateContainerConfigError', error);
  }
  const id = await runtime.createContainer(sandboxId, config, sandbox).catch((error) => {
    throw failed('CreateContainerError', error);
  });
  recorder.event(reference, 'Normal', 'Created', 'Container created');
  await runtime.startContainer(id).catch((error) => {
    throw failed('RunContainerError', error, id);
  });
  recorder.event(reference, 'Normal', 'Started', 'Container started');
  await preparer.linkLog(pod, container.spec.name, id, join(sandbox.logDirectory, config.logPath));
  await postStart(services, request, id);
}

function checkBackoff({ world, recorder }: PodServices, { pod, container, state, backoff }: StartRequest): void {
  const { spec } = container;
  const previous = state.containers.find((each) => each.metadata.name === spec.name && each.state.type === 'exited');
  if (!hasState(previous, 'exited')) return;
  const key = `${spec.name}_${containerHash(spec)}`;
  const pause = backoff.start(key, previous.state.finishedAt, world.clock.now());
  if (!pause) return;
  const name = `failed container ${spec.name} in pod ${formatPod(pod)}`;
  recorder.event(containerReference(pod, container), 'Warning', 'BackOff', `Back-off restarting ${name}`);
  const message = `back-off ${formatDuration(pause.pauseMs)} restarting failed container=${spec.name} pod=${formatPod(pod)}`;
  throw new StartError('CrashLoopBackOff', message, pause.until);
}

/** Of the volumes that the container mounts. */
async function ensureImageVolumes(services: PodServices, request: StartRequest): Promise<Map<string, string>> {
  const { pod, container } = request;
  const found = new Map<string, string>();
  for (const { name, image } of pod.spec?.volumes ?? []) {
    if (!image || !container.spec.volumeMounts?.some((mount) => mount.name === name)) continue;
    const { reference = '', pullPolicy = 'IfNotPresent' } = image;
    found.set(name, await ensureImage(services, request, reference, pullPolicy));
  }
  return found;
}

async function ensureImage(
  { images, recorder }: PodServices,
  request: StartRequest,
  image: string,
  policy: string,
): Promise<string> {
  const { pod, container, sandbox } = request;
  const reference = containerReference(pod, container);
  try {
    // A pod that ends does not wait for what it would have run.
    return await unlessAborted(images.ensure({ pod, reference, image, policy, sandbox }), request.signal);
  } catch (error) {
    if (!(error instanceof ImageError)) throw error;
    recorder.event(reference, 'Warning', 'Failed', `Error: ${error.reason}`);
    throw new StartError(error.reason, error.message, error.retryAt);
  }
}

function targetOf({ target }: PodContainer, state: PodState): string | undefined {
  if (!target) return undefined;
  const found = latest(state, target);
  if (!found) throw new Error(`unable to find target container ${target}`);
  return found.id;
}

async function postStart(services: PodServices, request: StartRequest, id: string): Promise<void> {
  const { pod, container, podIps, signal } = request;
  const handler = container.spec.lifecycle?.postStart;
  if (!handler) return;
  const { hooks, recorder, runtime } = services;
  try {
    await unlessAborted(
      hooks.run({ pod, container, containerId: id, handler, podIp: podIps[0] ?? '' }, signal),
      signal,
    );
  } catch (error) {
    signal.throwIfAborted();
    recorder.event(containerReference(pod, container), 'Warning', 'FailedPostStartHook', 'PostStartHook failed');
    const status = (await runtime.pod(pod.metadata.uid!)).containers.find((each) => each.id === id);
    if (status) {
      const how = {
        message: 'FailedPostStartHook',
        reason: 'FailedPostStartHook',
        podIp: podIps[0] ?? '',
        signal,
      } as const;
      await killContainer(services, pod, container, status, how);
    }
    throw new StartError('PostStartHookError', (error as Error).message);
  }
}
