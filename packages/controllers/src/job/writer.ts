/**
 * Does to a job's pods what was planned, and knows what of that the informer has not shown yet (pkg/controller/job: manageJob,
 * deleteJobPods, removeTrackingFinalizers).
 */
import type { Clock } from '@keelson/api/clock';
import type { Job } from '@keelson/api/generated/types/batch/v1';
import type { Pod } from '@keelson/api/generated/types/core/v1';
import { controllerOf, hasReason, keyOf, NamedExpectations, storeKey } from '@keelson/client';
import { inSlowBatches } from '../pods/batch.ts';
import { isNamespaceTerminating, type PodControl } from '../pods/control.ts';
import { isReady } from '../pods/state.ts';
import { selectorOf } from '../selectors.ts';
import type { JobMetrics, SyncAction } from './metrics.ts';
import type { Observation } from './observe.ts';
import { plan } from './plan.ts';
import { generateNameOf, isTracked, TRACKING_FINALIZER, templateOf } from './pods.ts';

const RELEASE = { metadata: { '$deleteFromPrimitiveList/finalizers': [TRACKING_FINALIZER] } };

/** What became of the pods in one go. */
export interface Managed {
  readonly active: number;
  readonly ready: number;
  readonly terminating: number;
  /** When it is worth another look. */
  readonly afterMs?: number;
  readonly error?: unknown;
  readonly action: SyncAction;
}

export class JobPodWriter {
  readonly #control: PodControl;
  readonly #heedsCost: boolean;
  readonly #metrics: JobMetrics;
  readonly #expectations: NamedExpectations;
  /** By job, uids of pods whose finalizer was taken away and whose copies do not show it yet. */
  readonly #released = new Map<string, Set<string>>();

  /** @param heedsCost whether pods may say how dear they are */
  constructor(control: PodControl, metrics: JobMetrics, clock: Clock, heedsCost: boolean) {
    this.#control = control;
    this.#heedsCost = heedsCost;
    this.#metrics = metrics;
    this.#expectations = new NamedExpectations(clock);
  }

  /** Whether all that was done to the job's pods has been seen. @param key the job's, here and below */
  isSettled(key: string): boolean {
    return this.#expectations.satisfied(key);
  }

  releasedOf(key: string): ReadonlySet<string> {
    return new Set(this.#released.get(key));
  }

  sawCreation(key: string): void {
    this.#expectations.creationObserved(key);
  }

  sawDeletion(key: string, pod: Pod): void {
    this.#expectations.deletionObserved(key, storeKey(pod));
  }

  sawRelease(key: string, pod: Pod): void {
    this.#released.get(key)?.delete(pod.metadata.uid!);
  }

  forget(key: string): void {
    this.#expectations.forget(key);
    this.#released.delete(key);
  }

  /**
   * Adopts those that match, and gives up those that do not any more.
   * @param fresh the job as it is now. @returns those that are the job's, with its finalizer where it was just added
   * @throws Error, StatusError
   */
  async claim(candidates: readonly Pod[], job: Job, fresh: () => Promise<Job>): Promise<Pod[]> {
    const selector = selectorOf(job.spec.selector);
    const wants = (pod: Pod) => selector.matches(pod.metadata.labels ?? {});
    const pods = await this.#control.claim(candidates, job, wants, fresh, [TRACKING_FINALIZER]);
    // The copies of adopted ones do not have it yet.
    return pods.map((pod) => (controllerOf(pod) || isTracked(pod) ? pod : withFinalizer(pod)));
  }

  /** Creates and deletes pods as the job's plan says. What fails is in the result, with what was done. */
  async manage(key: string, observed: Observation): Promise<Managed> {
    const { active, ready, terminating } = observed;
    const counts = { active: active.length, ready, terminating };
    const decided = plan(observed, this.#heedsCost);
    if (decided.action === 'wait') return { ...counts, afterMs: decided.ms, action: 'pods_created' };
    if (decided.action === 'delete') return this.#remove(key, observed, decided.pods);
    if (decided.action === 'create') return this.#create(key, observed, decided.indexes);
    return { ...counts, action: 'tracking' };
  }

  /** Deletes all that runs. What fails is in the result, with what was done. */
  async deleteActive({ job, active, ready, terminating }: Observation): Promise<Managed> {
    const one = (pod: Pod) => this.#control.delete(keyOf(pod), job).catch(unlessGone);
    const { done, error } = await outcomes(active.map(one));
    return {
      active: active.length - done,
      ready: ready - active.filter(isReady).length,
      terminating: terminating + done,
      error,
      action: 'reconciling',
    };
  }

  /**
   * Takes the finalizer from pods that were counted.
   * @param tracked uids of pods that have it. @returns those of them that still do
   */
  async release(
    key: string,
    pods: readonly Pod[],
    tracked: ReadonlySet<string>,
  ): Promise<{ tracked: ReadonlySet<string>; error: unknown }> {
    const left = new Set(tracked);
    const released = this.#released.get(key) ?? new Set();
    if (pods.length > 0) this.#released.set(key, released);
    for (const { metadata } of pods) released.add(metadata.uid!);
    const one = async (pod: Pod) => {
      const uid = pod.metadata.uid!;
      try {
        await this.#control.patch(keyOf(pod), RELEASE);
      } catch (error) {
        released.delete(uid);
        unlessGone(error);
      }
      left.delete(uid);
    };
    const { error } = await outcomes(pods.map(one));
    return { tracked: left, error };
  }

  /** Lets a pod go that no job counts any more. @throws StatusError */
  async releaseOrphan(pod: Pod): Promise<void> {
    await this.#control.patch(keyOf(pod), RELEASE).catch(unlessGone);
  }

  /** Pods that are too much, or in the way of a suspended job, are not counted as failures: they lose their finalizer. */
  async #remove(key: string, observed: Observation, pods: readonly Pod[]): Promise<Managed> {
    this.#expectations.expectDeletions(key, pods.map(storeKey));
    const one = async (pod: Pod) => {
      try {
        if (isTracked(pod)) await this.#control.patch(keyOf(pod), RELEASE);
        await this.#control.delete(keyOf(pod), observed.job);
      } catch (error) {
        this.#expectations.deletionObserved(key, storeKey(pod));
        unlessGone(error);
      }
    };
    const { done, error } = await outcomes(pods.map(one));
    return {
      active: observed.active.length - done,
      ready: observed.ready - pods.filter(isReady).length,
      terminating: observed.terminating + done,
      error,
      action: 'pods_deleted',
    };
  }

  async #create(key: string, observed: Observation, indexes: readonly (number | undefined)[]): Promise<Managed> {
    const { job, active, ready, terminating } = observed;
    this.#expectations.expectCreations(key, indexes.length);
    const { successes, error } = await inSlowBatches(indexes.length, (i) => this.#createOne(observed, indexes[i]));
    for (let i = successes; i < indexes.length; i++) this.#expectations.creationObserved(key);
    const failed = job.status.failed ?? 0;
    const failures = error === undefined ? 0 : indexes.length - successes;
    this.#metrics.created(job, { failed, terminating }, successes, failures);
    return { active: active.length + successes, ready, terminating, error, action: 'pods_created' };
  }

  async #createOne({ job, replaced }: Observation, index: number | undefined): Promise<void> {
    const template = templateOf(job, index, index === undefined ? undefined : replaced.get(index));
    const name = index === undefined ? {} : { generateName: generateNameOf(job, index) };
    try {
      await this.#control.create(template, job, name);
    } catch (error) {
      if (!isNamespaceTerminating(error)) throw error;
    }
  }
}

/** @throws what it is given, but for one: it is gone already */
function unlessGone(error: unknown): void {
  if (!hasReason(error, 'NotFound')) throw error;
}

/** How many were done, and why the first was not that was not. */
async function outcomes(calls: readonly Promise<unknown>[]): Promise<{ done: number; error: unknown }> {
  const results = await Promise.allSettled(calls);
  return {
    done: results.filter(({ status }) => status === 'fulfilled').length,
    error: results.find((result) => result.status === 'rejected')?.reason,
  };
}

function withFinalizer(pod: Pod): Pod {
  const finalizers = [...(pod.metadata.finalizers ?? []), TRACKING_FINALIZER];
  return { ...pod, metadata: { ...pod.metadata, finalizers } };
}
