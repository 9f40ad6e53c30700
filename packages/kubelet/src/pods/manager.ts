/**
 * The pods of a node: what their sources have of them, and the worker of each. Sources call `put` and `remove`; what is
 * said of pods goes out through their status.
 */
import type { Pod } from '@keelson/api/generated/types/core/v1';
import type { PodListing } from '../runtime/runtime.ts';
import type { MirrorPods } from '../sources/mirror.ts';
import { type Rejection, rejectedStatus } from './admission.ts';
import { Allocations } from './allocation.ts';
import { KnownPods } from './known.ts';
import { endOrphan, removeSandboxes } from './leftovers.ts';
import type { PodServices } from './services.ts';
import { fullName, isMirror, isStatic, isTerminalPhase, uidOf } from './spec.ts';
import { causeOf, isAlive, type WorkerEvent } from './state.ts';
import { PodWorker } from './worker.ts';

export interface PodManagerOptions {
  readonly services: PodServices;
  /**
   * Whether the node takes a new pod beside those that are there then. A promise where it has to ask for what the pod
   * needs: the pod counts as one that is there meanwhile.
   */
  admit(pod: Pod, others: () => readonly Pod[]): Rejection | undefined | Promise<Rejection | undefined>;
  /** Whether there is room for a pod that wants more. */
  fits(pod: Pod, others: readonly Pod[]): Rejection | undefined;
  /** Why a pod cannot have other amounts than it has, ever. */
  resizeProblem(pod: Pod, current: Pod): string | undefined;
  /** Of static pods; none where there are none. */
  readonly mirrors?: MirrorPods | undefined;
}

/** Why the node wants a pod to end, and how fast. */
export type EvictionNotice = Pick<
  Extract<WorkerEvent, { type: 'evicted' }>,
  'reason' | 'message' | 'graceSeconds' | 'condition'
>;

export class PodManager {
  readonly #options: PodManagerOptions;
  readonly #workers = new Map<string, PodWorker>();
  readonly #known: KnownPods;
  /** Static pods that wait for one of the same name to end. */
  readonly #waiting = new Map<string, Pod>();
  /** Those of which it is not known yet whether the node takes them. */
  readonly #admitting = new Map<string, Pod>();
  readonly #allocations: Allocations;
  #stopped = false;

  constructor(options: PodManagerOptions) {
    this.#options = options;
    this.#known = new KnownPods(options.mirrors, (name) => this.#isEnding(name));
    const { world, recorder } = options.services;
    const fits = (pod: Pod) => options.fits(pod, this.#others(pod));
    const problem = (pod: Pod, current: Pod) => options.resizeProblem(pod, current);
    this.#allocations = new Allocations({ world, recorder, fits, problem });
  }

  /** Static pods included, mirrors left out; with the statuses that the kubelet knows. */
  pods(): Pod[] {
    return Array.from(this.#known.all(), (pod) => this.#withStatus(pod));
  }

  /** By name in the API server: a mirror's is that of its static pod. @param uid of the pod, or of its mirror */
  pod(namespace: string, name: string, uid?: string): Pod | undefined {
    const pod = this.#known.find(namespace, name, uid);
    return pod && this.#withStatus(pod);
  }

  get(uid: string): Pod | undefined {
    return this.#known.get(uid);
  }

  /** What the API server has of it: of a static pod its mirror, if there is one. */
  stored(uid: string): Pod | undefined {
    return this.#known.stored(uid);
  }

  mayRun(uid: string): boolean {
    const worker = this.#workers.get(uid);
    return worker !== undefined && isAlive(worker.state);
  }

  /** All of them, and whether a source has their pods still. */
  *workers(): Iterable<Pick<PodWorker, 'pod' | 'state'> & { readonly isKnown: boolean }> {
    for (const { uid, pod, state } of this.#workers.values()) yield { pod, state, isKnown: this.#known.has(uid) };
  }

  /** How many mirrors of static pods the API server has. */
  get mirrorCount(): number {
    return this.#known.mirrorCount;
  }

  worker(uid: string): PodWorker | undefined {
    return this.#workers.get(uid);
  }

  /** Something about it has changed, at the runtime or elsewhere. */
  wake(uid: string): void {
    this.#workers.get(uid)?.wake();
  }

  /** A pod of a source is new or another. */
  put(pod: Pod): void {
    if (isMirror(pod)) this.#putMirror(pod);
    else this.#put(pod);
  }

  #putMirror(mirror: Pod): void {
    const pod = this.#known.putMirror(mirror);
    if (pod) this.#options.services.status.observe(uidOf(pod));
  }

  #put(pod: Pod): void {
    const uid = uidOf(pod);
    const known = this.#known.has(uid) || this.#admitting.has(uid);
    this.#known.put(pod);
    const worker = this.#workers.get(uid);
    if (worker && isStatic(pod) && causeOf(worker.state) === 'removed') this.#waiting.set(fullName(pod), pod);
    else if (worker) worker.tell({ type: 'updated', pod: this.#allocations.apply(pod) });
    else if (!known && isStatic(pod)) this.#beginStatic(pod);
    else if (!known) this.#begin(pod);
    this.#options.services.status.observe(uid);
  }

  /** A source has it no more. */
  remove(pod: Pod): void {
    if (isMirror(pod)) this.#known.removeMirror(pod);
    else this.#remove(pod);
  }

  #remove(pod: Pod): void {
    const uid = uidOf(pod);
    this.#known.remove(pod);
    const worker = this.#workers.get(uid);
    if (!worker) this.#options.services.status.forget(uid);
    else if (worker.state.phase === 'finished') void this.#forget(worker);
    else worker.tell({ type: 'removed', pod: this.#allocations.apply(pod) });
    if (isStatic(pod)) this.#known.reconcileMirror(fullName(pod));
  }

  #isEnding(name: string): boolean {
    return [...this.#workers.values()].some(
      ({ pod, state }) =>
        isStatic(pod) && fullName(pod) === name && causeOf(state) === 'removed' && state.phase !== 'finished',
    );
  }

  /** Ends what is a pod's no longer: sandboxes that are there and that no source knows, or that the node does not take. */
  async removeOrphans(): Promise<void> {
    const { runtime, preparer, world } = this.#options.services;
    for (const pod of await runtime.list()) {
      if (this.#isKnown(pod.uid) && !this.#isRejected(pod.uid)) continue;
      await this.#removeOrphan(pod).catch((error) => {
        world.log.warn({ uid: pod.uid, error }, 'Could not remove what is left of a pod');
      });
    }
    await preparer.removeOrphans((uid) => this.#isKnown(uid));
  }

  #isKnown(uid: string): boolean {
    return this.#known.has(uid) || this.#workers.has(uid);
  }

  /** One that ran before the kubelet did may be: what it held is lost. */
  #isRejected(uid: string): boolean {
    const waits = [...this.#waiting.values()].some((pod) => uidOf(pod) === uid);
    return !this.#workers.has(uid) && !this.#admitting.has(uid) && !waits;
  }

  #removeOrphan(listing: PodListing): Promise<void> {
    const { runtime, world } = this.#options.services;
    const { name, namespace, uid } = listing;
    world.log.info({ pod: name, namespace, uid }, "Removing what is left of a pod that is nobody's");
    this.#options.services.counts?.orphaned();
    return endOrphan(runtime, listing);
  }

  /** Those that run or may run, with the statuses that the kubelet knows; whoever is evicted counts no more. */
  active(): Pod[] {
    const staying = this.#alive().filter(({ state }) => causeOf(state) !== 'evicted');
    return staying.map(({ pod }) => this.#withStatus(pod));
  }

  /** The node wants it to end. */
  evict(uid: string, { reason, message, graceSeconds, condition }: EvictionNotice): void {
    const worker = this.#workers.get(uid);
    worker?.tell({ type: 'evicted', pod: worker.pod, reason, message, graceSeconds, condition });
  }

  /** Removes what pods that have ended for good have left at the runtime. */
  async removeEnded(): Promise<void> {
    const { runtime } = this.#options.services;
    for (const { uid, state } of this.#workers.values()) {
      if (state.phase === 'finished') await removeSandboxes(runtime, uid);
    }
  }

  /** Sees to it that each static pod has its mirror, and that there are no others. What cannot be done now is done the next time. */
  reconcileMirrors(): void {
    this.#known.reconcileMirrors();
  }

  /** Those that hold what they were given: they run, may run, or are about to. They count when another is to be admitted. */
  holders(): Pod[] {
    return [...this.#alive().map(({ pod }) => pod), ...this.#admitting.values()];
  }

  #alive(): PodWorker[] {
    return [...this.#workers.values()].filter(({ state }) => isAlive(state));
  }

  stop(): void {
    this.#stopped = true;
    for (const worker of this.#workers.values()) worker.stop();
  }

  #beginStatic(pod: Pod): void {
    this.#waiting.set(fullName(pod), pod);
    void this.#beginWaiting(fullName(pod));
  }

  /** Begins the static pod that waits for others of its name to end, when there are none. */
  async #beginWaiting(name: string): Promise<void> {
    const isTaken = () => this.holders().some((pod) => fullName(pod) === name);
    if (!this.#waiting.has(name) || isTaken()) return;
    await this.#removeReplaced(name).catch((error) =>
      this.#options.services.world.log.warn({ pod: name, error }, 'Could not look for static pods of before'),
    );
    const pod = this.#waiting.get(name);
    if (!pod || isTaken()) return;
    this.#waiting.delete(name);
    if (this.#known.has(uidOf(pod))) this.#begin(pod);
  }

  /**
   * Ends a static pod whose manifest was changed while no kubelet ran: it holds what its successor needs, and the API
   * server, which would tell what else is an orphan, may be that successor.
   */
  async #removeReplaced(name: string): Promise<void> {
    for (const pod of await this.#options.services.runtime.list()) {
      if (`${pod.namespace}/${pod.name}` === name && !this.#isKnown(pod.uid)) await this.#removeOrphan(pod);
    }
  }

  #begin(pod: Pod): void {
    const ended = pod.metadata.deletionTimestamp !== undefined || isTerminalPhase(pod.status?.phase);
    const found = ended ? undefined : this.#options.admit(pod, () => this.#others(pod));
    if (found instanceof Promise) void this.#beginWhen(pod, found);
    else if (found) this.#reject(pod, found);
    else this.#work(pod);
  }

  /** Its source may have changed it, or taken it away, before it is admitted. */
  async #beginWhen(pod: Pod, admitted: Promise<Rejection | undefined>): Promise<void> {
    const uid = uidOf(pod);
    this.#admitting.set(uid, pod);
    const rejection = await admitted;
    this.#admitting.delete(uid);
    const current = this.#known.get(uid);
    if (this.#stopped) return;
    if (current && rejection) this.#reject(current, rejection);
    else if (current) this.#work(current);
    if (!current || rejection) void this.#beginWaiting(fullName(pod));
  }

  #work(pod: Pod): void {
    const moved = (worker: PodWorker) => this.#moved(worker);
    const worker = new PodWorker(pod, this.#options.services, { moved, allocations: this.#allocations });
    this.#workers.set(worker.uid, worker);
    this.#options.services.counts?.admitted(pod);
    worker.tell({ type: 'updated', pod: this.#allocations.apply(pod) });
  }

  #reject(pod: Pod, rejection: Rejection): void {
    const { status, recorder } = this.#options.services;
    recorder.event(pod, 'Warning', rejection.reason, rejection.message);
    status.set(pod, uidOf(pod), rejectedStatus(pod, rejection), true);
  }

  /** One that its source has no more counts no more, even if it still runs: whoever removed it has not waited for it. */
  #others(pod: Pod): Pod[] {
    return this.holders().filter((other) => uidOf(other) !== uidOf(pod) && this.#known.has(uidOf(other)));
  }

  #moved(worker: PodWorker): void {
    if (worker.state.phase === 'terminated') this.#retryResizes();
    if (worker.state.phase !== 'finished') return;
    const name = fullName(worker.pod);
    if (isStatic(worker.pod)) this.#known.reconcileMirror(name);
    const waiting = this.#waiting.get(name);
    const isBack = waiting !== undefined && uidOf(waiting) === worker.uid;
    if (isBack) {
      this.#options.services.counts?.restarted(waiting);
      void this.#forget(worker).then(() => this.#beginWaiting(name));
    } else {
      if (!this.#known.has(worker.uid)) void this.#forget(worker);
      void this.#beginWaiting(name);
    }
  }

  /** There is room again. */
  #retryResizes(): void {
    for (const uid of this.#allocations.deferred()) {
      const pod = this.#known.get(uid);
      if (pod) this.#workers.get(uid)?.tell({ type: 'updated', pod: this.#allocations.apply(pod) });
    }
  }

  async #forget(worker: PodWorker): Promise<void> {
    this.#allocations.forget(worker.uid);
    const { runtime, status, preparer, world } = this.#options.services;
    this.#workers.delete(worker.uid);
    status.forget(worker.uid);
    worker.stop();
    try {
      await removeSandboxes(runtime, worker.uid);
      await preparer.forget(worker.pod);
    } catch (error) {
      world.log.warn({ uid: worker.uid, error }, 'Could not remove what is left of a pod');
    }
  }

  #withStatus(pod: Pod): Pod {
    const status = this.#options.services.status.get(uidOf(pod));
    return status ? { ...pod, status: { ...pod.status, ...status } } : pod;
  }
}
