/**
 * The worker of one pod. One step at a time; what happens meanwhile is one cause for another. A step is let go of when the
 * pod's state moves on under it. `state.ts` has the states; docs/kubelet.md draws them.
 */
import type { Pod, PodStatus, ResourceRequirements } from '@keelson/api/generated/types/core/v1';
import type { PodState } from '../runtime/runtime.ts';
import type { Problem } from '../status/containers.ts';
import { finalStatus } from '../status/final.ts';
import { generateStatus, wholeResources } from '../status/generate.ts';
import { type Allocations, effectiveResources, sameResources, WHOLE } from './allocation.ts';
import { CrashBackoff } from './backoff.ts';
import { killAll } from './kill.ts';
import { PodRejection, type PodServices, PreparationError } from './services.ts';
import { containersOf, hasState, isHostNetwork, isTerminalPhase, latest, uidOf } from './spec.ts';
import { INITIAL, next, type WorkerEvent, type WorkerState } from './state.ts';
import { RETRY_MS, syncPod } from './sync.ts';
import type { StepCause } from './worker-metrics.ts';

export interface WorkerHooks {
  /** Its state is another. */
  moved(worker: PodWorker): void;
  /** Resizes that are under way, or wait. */
  readonly allocations: Allocations;
}

/** What fails at first often works at once: the node authorizer, for one, is a little behind. */
const FIRST_RETRY_MS = 500;

const DEADLINE = {
  reason: 'DeadlineExceeded',
  message: 'Pod was active on the node longer than the specified deadline',
};

export class PodWorker {
  readonly uid: string;
  readonly #services: PodServices;
  readonly #hooks: WorkerHooks;
  readonly #backoff: CrashBackoff;
  readonly #problems = new Map<string, Problem>();
  readonly #actuated = new Map<string, ResourceRequirements>();
  #pod: Pod;
  #state: WorkerState = INITIAL;
  #busy = false;
  #again = false;
  #stopped = false;
  #failures = 0;
  readonly #seenAt: number;
  /** Of the next step. */
  #cause: StepCause = 'create';
  /** Since it was pending here, it is to be told when it has started. */
  #isStarting = false;
  #step = new AbortController();
  #cancelTimer = () => {};
  /** What a step does that lasts, when something changes meanwhile. */
  #sayMeanwhile: () => void = () => {};

  constructor(pod: Pod, services: PodServices, hooks: WorkerHooks) {
    this.uid = uidOf(pod);
    this.#pod = pod;
    this.#services = services;
    this.#seenAt = services.world.clock.now();
    this.#hooks = hooks;
    this.#backoff = new CrashBackoff(services.crashBackoff);
  }

  /** As its source has it, or as it was last. */
  get pod(): Pod {
    return this.#pod;
  }

  get state(): WorkerState {
    return this.#state;
  }

  tell(event: WorkerEvent): void {
    if ('pod' in event) this.#pod = event.pod;
    if (this.#cause !== 'create') this.#cause = event.type === 'evicted' ? 'kill' : 'update';
    if (event.type === 'updated') this.#noticeStart(event.pod);
    const state = next(this.#state, event);
    if (state !== this.#state) {
      this.#state = state;
      this.#step.abort(new Error('the pod is in another state'));
      this.#hooks.moved(this);
    }
    this.wake();
  }

  /** Something that it depends on has changed. */
  wake(): void {
    this.#again = true;
    if (this.#stopped) return;
    if (this.#busy) this.#sayMeanwhile();
    else void this.#run();
  }

  /** Containers go on. */
  stop(): void {
    this.#stopped = true;
    this.#cancelTimer();
    this.#step.abort(new Error('the kubelet stops'));
  }

  async #run(): Promise<void> {
    this.#busy = true;
    while (this.#again && !this.#stopped) {
      this.#again = false;
      this.#cancelTimer();
      this.#step = new AbortController();
      const { signal } = this.#step;
      const { world } = this.#services;
      try {
        const retryAt = await this.#counted(() => this.#once(signal));
        this.#failures = 0;
        if (retryAt !== undefined) this.#wakeAt(retryAt);
      } catch (error) {
        if (signal.aborted) continue;
        this.#report(error as Error);
        if (error instanceof PodRejection) {
          const { reason } = error;
          this.tell({ type: 'evicted', pod: this.#pod, reason, message: `Pod was rejected: ${error.message}` });
          continue;
        }
        const pause = Math.min(RETRY_MS, FIRST_RETRY_MS * 2 ** this.#failures++);
        this.#wakeAt(world.clock.now() + pause * (1 + world.random() / 2));
      }
    }
    this.#busy = false;
  }

  async #counted<T>(step: () => Promise<T>): Promise<T> {
    const { counts, world } = this.#services;
    const startedAt = world.clock.now();
    const cause = this.#state.phase === 'terminated' ? 'terminated' : this.#cause;
    if (cause === 'create') counts?.begun(startedAt - this.#seenAt);
    this.#cause = 'sync';
    try {
      return await step();
    } finally {
      counts?.stepped(cause, world.clock.now() - startedAt);
    }
  }

  /** @param pod as the API server has it */
  #noticeStart({ metadata, status }: Pod): void {
    const hasStarted = status?.phase === 'Running' && status.containerStatuses?.every(({ started }) => started);
    if (!this.#isStarting || !hasStarted) return;
    this.#isStarting = false;
    const made = Date.parse(metadata.creationTimestamp ?? '');
    if (!Number.isNaN(made)) this.#services.counts?.started(this.#services.world.clock.now() - made);
  }

  /** @returns when to look again without cause */
  #once(signal: AbortSignal): Promise<number | undefined> {
    switch (this.#state.phase) {
      case 'syncing':
        return this.#traced('syncPod', () => this.#sync(signal));
      case 'terminating': {
        const { graceSeconds } = this.#state.ending;
        return this.#traced('syncTerminatingPod', () => this.#terminate(graceSeconds, signal));
      }
      case 'terminated':
        return this.#traced('syncTerminatedPod', () => this.#cleanUp());
      case 'finished':
        return Promise.resolve(undefined);
    }
  }

  /** @param name of the span, upstream's */
  #traced<T>(name: string, step: () => Promise<T>): Promise<T> {
    const { tracing } = this.#services;
    if (!tracing) return step();
    const { namespace = '', name: pod = '' } = this.#pod.metadata;
    const attributes = {
      'k8s.pod.uid': this.uid,
      'k8s.pod': `${namespace}/${pod}`,
      'k8s.pod.name': pod,
      'k8s.namespace.name': namespace,
    };
    return tracing.root(name, attributes, step);
  }

  async #sync(signal: AbortSignal): Promise<number | undefined> {
    const { runtime, probes, preparer, world, resyncMs } = this.#services;
    const state = await runtime.pod(this.uid);
    const pod = this.#pod;
    await this.#noticeResize(state);
    const deadline = this.#deadline();
    if (deadline !== undefined && deadline <= world.clock.now()) {
      this.#services.recorder.event(pod, 'Normal', DEADLINE.reason, DEADLINE.message);
      this.tell({ type: 'evicted', pod, ...DEADLINE });
      return undefined;
    }
    const said = this.#say(state);
    if (isTerminalPhase(said.phase)) {
      this.tell({ type: 'completed', pod });
      return undefined;
    }
    this.#checkNetwork();
    await preparer.prepare(pod, signal);
    signal.throwIfAborted();
    probes.follow(pod, this.uid, said);
    const { acted, retryAt } = await syncPod(this.#services, {
      pod,
      state,
      backoff: this.#backoff,
      problems: this.#problems,
      actuated: this.#actuated,
      resizeFailed: (error) => this.#hooks.allocations.failed(pod, error),
      signal,
    });
    if (acted) await this.#sayState(await runtime.pod(this.uid));
    const resync = resyncMs > 0 ? world.clock.now() + resyncMs * (1 + world.random() / 2) : undefined;
    return earliest(retryAt, this.#deadline(), resync);
  }

  /** What runs since before this kubelet has what it was said to have. */
  async #noticeResize(state: PodState): Promise<void> {
    const pod = this.#pod;
    if (!this.#actuated.has(WHOLE)) this.#actuated.set(WHOLE, pod.status?.resources ?? wholeResources(pod));
    let done = true;
    for (const { spec, role } of containersOf(pod)) {
      if (role === 'ephemeral' || !hasState(latest(state, spec.name), 'running')) continue;
      if (!this.#actuated.has(spec.name)) {
        const resources = saidOf(pod, spec.name) ?? spec.resources;
        this.#actuated.set(spec.name, effectiveResources(pod, { ...spec, ...(resources ? { resources } : {}) }));
      }
      if (!sameResources(this.#actuated.get(spec.name)!, effectiveResources(pod, spec))) done = false;
    }
    if (!done) return;
    await this.#services.podResources.settle(pod).catch((error: Error) => {
      this.#hooks.allocations.failed(pod, error);
      throw error;
    });
    this.#actuated.set(WHOLE, wholeResources(pod));
    this.#hooks.allocations.completed(pod);
  }

  async #sayState(state: PodState): Promise<void> {
    await this.#noticeResize(state);
    const said = this.#say(state);
    this.#services.probes.follow(this.#pod, this.uid, said);
  }

  /** Of a pod that runs, or will. */
  #say(state: PodState): PodStatus {
    const { status, counts, world } = this.#services;
    const pod = this.#pod;
    const { phase: before = 'Pending' } = status.get(this.uid) ?? pod.status ?? {};
    const said = status.set(pod, this.uid, this.#generate(state, false));
    if (before === 'Pending' && said.phase === 'Running') {
      this.#isStarting = true;
      counts?.running(world.clock.now() - this.#seenAt);
    }
    return said;
  }

  async #terminate(graceSeconds: number, signal: AbortSignal): Promise<number | undefined> {
    const { runtime, status, probes, preparer, world } = this.#services;
    const pod = this.#pod;
    const state = await runtime.pod(this.uid);
    const say = () => status.set(pod, this.uid, this.#generate(state, false));
    const said = say();
    probes.ending(this.uid);
    // Whether it is ready is still found out, and told.
    this.#sayMeanwhile = say;
    await killAll(this.#services, pod, state, { graceSeconds, podIp: said.podIP ?? '', signal })
      .catch((error: Error) => {
        if (!signal.aborted)
          this.#services.recorder.event(pod, 'Warning', 'FailedKillPod', `error killing pod: ${error.message}`);
        throw error;
      })
      .finally(() => {
        this.#sayMeanwhile = () => {};
      });
    for (const { id } of state.sandboxes) await runtime.stopSandbox(id);
    probes.forget(this.uid);
    const after = await runtime.pod(this.uid);
    if (after.containers.some((each) => each.state.type === 'running')) return world.clock.now() + RETRY_MS;
    // Before it is said that the pod has ended: then its claims may go to others.
    await preparer.releaseClaims(pod);
    status.set(pod, this.uid, this.#generate(after, true));
    this.tell({ type: 'stopped' });
    return undefined;
  }

  async #cleanUp(): Promise<undefined> {
    const { runtime, status, preparer, images } = this.#services;
    const state = await runtime.pod(this.uid);
    const said = status.set(this.#pod, this.uid, this.#generate(state, true));
    await preparer.cleanUp(this.#pod);
    images.forget(this.uid);
    this.tell({ type: 'cleanedUp' });
    status.set(this.#pod, this.uid, finalStatus(this.#pod, said), true);
    return undefined;
  }

  #generate(state: PodState, terminal: boolean): PodStatus {
    const { status, probes, preparer, runtimeName, recursiveReadOnly, hostIps, isEnabled } = this.#services;
    const ending = this.#state.phase === 'syncing' ? undefined : this.#state.ending;
    const pod = this.#pod;
    return generateStatus({
      pod,
      state,
      runtimeName,
      problems: this.#problems,
      actuated: this.#actuated,
      terminationMessage: (container) => preparer.terminationMessage(container),
      deviceHealth: (name) => preparer.deviceHealth(pod, name),
      recursiveReadOnly,
      old: status.get(this.uid) ?? pod.status ?? {},
      probes: probes.of(this.uid),
      terminal,
      eviction: ending?.reason
        ? { reason: ending.reason, message: ending.message ?? '', condition: ending.condition }
        : undefined,
      resize: this.#hooks.allocations.conditions(this.uid),
      hostIps: hostIps(),
      tellsReadyToStart: isEnabled('PodReadyToStartContainersCondition'),
    });
  }

  #checkNetwork(): void {
    const problem = this.#services.networkProblem();
    if (problem === undefined || isHostNetwork(this.#pod)) return;
    throw new PreparationError('NetworkNotReady', `network is not ready: ${problem}`);
  }

  /** When the pod has been active for as long as it may. */
  #deadline(): number | undefined {
    const seconds = this.#pod.spec?.activeDeadlineSeconds;
    const { startTime } = this.#services.status.get(this.uid) ?? this.#pod.status ?? {};
    return seconds === undefined || !startTime ? undefined : Date.parse(startTime) + seconds * 1000;
  }

  #report(error: Error): void {
    const { recorder, world } = this.#services;
    world.log.warn({ pod: this.#pod.metadata.name, uid: this.uid, error }, 'A step of a pod failed');
    if (error instanceof PreparationError) recorder.event(this.#pod, 'Warning', error.reason, error.message);
  }

  #wakeAt(at: number): void {
    const { clock } = this.#services.world;
    this.#cancelTimer = clock.after(Math.max(0, at - clock.now()), () => this.wake(), { background: true });
  }
}

function saidOf({ status }: Pod, name: string): ResourceRequirements | undefined {
  const statuses = [...(status?.initContainerStatuses ?? []), ...(status?.containerStatuses ?? [])];
  return statuses.find((each) => each.name === name)?.resources;
}

function earliest(...times: (number | undefined)[]): number | undefined {
  const known = times.filter((time) => time !== undefined);
  return known.length > 0 ? Math.min(...known) : undefined;
}
