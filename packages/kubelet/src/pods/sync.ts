/** One step of making a pod's containers what they are to be: does what the plan says (SyncPod in kuberuntime_manager.go). */
import type { Pod, ResourceRequirements } from '@keelson/api/generated/types/core/v1';
import { Quantity } from '@keelson/api/quantity';
import { type PodState, RuntimeError } from '../runtime/runtime.ts';
import type { SandboxConfig } from '../runtime/sandbox.ts';
import type { Problem } from '../status/containers.ts';
import { effectiveResources } from './allocation.ts';
import type { CrashBackoff } from './backoff.ts';
import { killAll, killContainer } from './kill.ts';
import { type Plan, plan } from './plan.ts';
import type { PodServices } from './services.ts';
import { isHostNetwork, type PodContainer, uidOf } from './spec.ts';
import { StartError, startContainer } from './start.ts';

export interface SyncRequest {
  readonly pod: Pod;
  readonly state: PodState;
  readonly backoff: CrashBackoff;
  /** What could not be started, and why: kept up to date. */
  readonly problems: Map<string, Problem>;
  /** What containers were given, by name: kept up to date. */
  readonly actuated: Map<string, ResourceRequirements>;
  /** A resize could not be made. */
  resizeFailed(error: Error): void;
  readonly signal: AbortSignal;
}

export interface SyncResult {
  /** Something was done, so that there is another state. */
  readonly acted: boolean;
  /** What could not be done is worth another try then; undefined where all was done. */
  readonly retryAt: number | undefined;
}

/** Failures that have no time of their own are tried again after so long. */
export const RETRY_MS = 10_000;

/** @throws what keeps the pod as a whole from being made */
export async function syncPod(services: PodServices, request: SyncRequest): Promise<SyncResult> {
  const { pod, state, signal } = request;
  const { probes, recorder, runtime } = services;
  const todo = plan({ pod, state, probes: probes.of(uidOf(pod)), actuated: request.actuated });
  if (isNothing(todo)) return { acted: false, retryAt: undefined };
  const { sandbox } = todo;
  if (sandbox.type === 'create' && sandbox.replaces) {
    recorder.event(pod, 'Normal', 'SandboxChanged', 'Pod sandbox changed, it will be killed and re-created.');
  }
  const podIp = podIpsOf(pod, state, services)[0] ?? '';
  if (todo.killPod) await stopPod(services, request, podIp);
  else await killSome(services, request, todo, podIp);
  if (sandbox.type === 'none') return { acted: true, retryAt: undefined };
  await dropOld(services, state, sandbox.type === 'create' ? 0 : 1, pod);
  signal.throwIfAborted();
  await resizeAll(services, request, todo);
  const attempt = sandbox.attempt;
  const wanted = [...todo.ephemeral, ...todo.init, ...todo.regular];
  if (wanted.length === 0) return { acted: true, retryAt: undefined };
  const { config, id } =
    sandbox.type === 'keep'
      ? { config: await services.configurations.sandbox(pod, attempt), id: sandbox.id }
      : await newSandbox(services, request, attempt);
  const fresh = sandbox.type === 'keep' ? state : { ...(await runtime.pod(uidOf(pod))), containers: state.containers };
  const podIps = podIpsOf(pod, fresh, services);
  const retryAt = await startAll(services, request, todo, { sandboxId: id, sandbox: config, podIps });
  if (sandbox.type === 'create' && retryAt !== undefined) services.starts?.newPodFailed(pod);
  return { acted: true, retryAt };
}

function isNothing({ killPod, sandbox, kill, reset, resize, ephemeral, init, regular }: Plan): boolean {
  return (
    !killPod &&
    sandbox.type === 'keep' &&
    [kill, reset, resize, ephemeral, init, regular].every(({ length }) => length === 0)
  );
}

async function stopPod(services: PodServices, { pod, state, signal }: SyncRequest, podIp: string): Promise<void> {
  await killAll(services, pod, state, { podIp, signal });
  for (const sandbox of state.sandboxes) await services.runtime.stopSandbox(sandbox.id);
}

async function killSome(
  services: PodServices,
  request: SyncRequest,
  { kill, reset }: Plan,
  podIp: string,
): Promise<void> {
  const { pod, state, signal } = request;
  const find = (id: string) => state.containers.find((each) => each.id === id)!;
  for (const { container, id, message, reason } of kill) {
    await killContainer(services, pod, container, find(id), { message, reason, podIp, signal });
  }
  for (const { container, id, kill: runs } of reset) {
    const how = { message: 'killing', reason: 'RestartAllContainers', graceSeconds: 0, podIp, signal } as const;
    if (runs) await killContainer(services, pod, container, find(id), how);
    await services.runtime.removeContainer(id);
  }
}

async function newSandbox(
  services: PodServices,
  { pod, signal }: SyncRequest,
  attempt: number,
): Promise<{ readonly config: SandboxConfig; readonly id: string }> {
  const { configurations, preparer, starts } = services;
  starts?.pod(pod);
  await preparer.prepareClaims(pod, signal);
  try {
    const config = await configurations.sandbox(pod, attempt);
    return { config, id: await createSandbox(services, pod, config) };
  } catch (error) {
    starts?.podFailed();
    starts?.newPodFailed(pod);
    throw error;
  }
}

async function createSandbox(services: PodServices, pod: Pod, config: SandboxConfig): Promise<string> {
  const { runtime, recorder, counts, world } = services;
  const begunAt = world.clock.now();
  try {
    const id = await runtime.runSandbox(config);
    counts?.sandboxMade(config.runtimeHandler, world.clock.now() - begunAt);
    return id;
  } catch (error) {
    counts?.sandboxFailed(config.runtimeHandler);
    const message = `Failed to create pod sandbox: ${(error as Error).message}`;
    recorder.event(pod, 'Warning', 'FailedCreatePodSandBox', message);
    throw error;
  }
}

/** The pod may have it before its containers do; of these, those that give something back come first. */
async function resizeAll(services: PodServices, request: SyncRequest, { resize, sandbox }: Plan): Promise<void> {
  const { runtime, podResources } = services;
  const memory = (resources: ResourceRequirements) => Quantity.parse(resources.limits?.memory ?? '0');
  const grows = ({ from, to }: Plan['resize'][number]) => memory(to).cmp(memory(from));
  const shrinking = resize.filter(({ from, to }) => {
    return !memory(to).isZero() && (memory(from).isZero() || memory(to).cmp(memory(from)) < 0);
  });
  try {
    if (resize.length > 0) {
      const limits = shrinking.map(({ container: { spec }, to }) => {
        return [spec.name, Number(memory(to).value())] as const;
      });
      const problem = await podResources.shrinkProblem(request.pod, new Map(limits));
      if (problem !== undefined) throw new Error(problem);
    }
    if (resize.length > 0 && sandbox.type === 'keep') await tellSandbox(services, sandbox.id, request.pod);
    await podResources.grow(request.pod);
    for (const { container, id, to } of [...resize].sort((a, b) => grows(a) - grows(b))) {
      await runtime.updateContainer(id, podResources.ofContainer(request.pod, container.spec));
      request.actuated.set(container.spec.name, to);
    }
  } catch (error) {
    request.resizeFailed(error as Error);
    throw error;
  }
}

/** Many runtimes cannot be told. */
async function tellSandbox({ runtime, podResources }: PodServices, id: string, pod: Pod): Promise<void> {
  const { overhead, resources = {} } = podResources.ofSandbox(pod);
  await runtime.updateSandbox(id, overhead, resources).catch((error: Error) => {
    const isUnknown = error instanceof RuntimeError && error.code === 'Unimplemented';
    if (!isUnknown && !error.message.includes('not implemented')) throw error;
  });
}

async function startAll(
  services: PodServices,
  request: SyncRequest,
  { ephemeral, init, regular }: Plan,
  where: { readonly sandboxId: string; readonly sandbox: SandboxConfig; readonly podIps: readonly string[] },
): Promise<number | undefined> {
  const { pod, state, backoff, problems, signal } = request;
  const retries: number[] = [];
  /** @returns whether it runs */
  const start = async (container: PodContainer): Promise<boolean> => {
    signal.throwIfAborted();
    const { name } = container.spec;
    try {
      await startContainer(services, { ...where, pod, container, state, backoff, signal });
      problems.delete(name);
      request.actuated.set(name, effectiveResources(pod, container.spec));
      return true;
    } catch (error) {
      if (!(error instanceof StartError)) throw error;
      problems.set(name, { reason: error.reason, message: error.message });
      retries.push(error.retryAt ?? services.world.clock.now() + RETRY_MS);
      return false;
    }
  };
  for (const container of ephemeral) await start(container);
  for (const container of init) {
    // Without an init container nothing goes on; a sidecar may come later.
    if (!(await start(container)) && container.role === 'init') return Math.min(...retries);
  }
  for (const container of regular) await start(container);
  return retries.length > 0 ? Math.min(...retries) : undefined;
}

/**
 * Of each name the runtime keeps the last that has ended, for its logs and what is said of its end.
 * @param keepInit how many of an init container
 */
async function dropOld({ runtime }: PodServices, state: PodState, keepInit: 0 | 1, pod: Pod): Promise<void> {
  const inits = new Set((pod.spec?.initContainers ?? []).map(({ name }) => name));
  const seen = new Map<string, number>();
  for (const { id, metadata, state: is } of state.containers) {
    if (is.type === 'running') continue;
    const ended = (seen.get(metadata.name) ?? 0) + 1;
    seen.set(metadata.name, ended);
    if (ended > (inits.has(metadata.name) ? keepInit : 1)) await runtime.removeContainer(id);
  }
  for (const { id } of state.sandboxes.slice(1)) {
    if (!state.containers.some(({ sandboxId }) => sandboxId === id)) await runtime.removeSandbox(id);
  }
}

function podIpsOf(pod: Pod, state: PodState, { hostIps }: PodServices): readonly string[] {
  return isHostNetwork(pod) ? hostIps() : (state.sandboxes[0]?.ips ?? []);
}
