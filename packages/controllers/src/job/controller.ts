/** Wiring and statuses of jobs; observe.ts, plan.ts and tracking.ts decide, writer.ts has their pods (pkg/controller/job). */
import type { Job, JobCondition, JobStatus } from '@keelson/api/generated/types/batch/v1';
import type { Pod } from '@keelson/api/generated/types/core/v1';
import { formatTime } from '@keelson/api/time';
import { type Again, controllerOf, keyOf, storeKey, WorkQueue } from '@keelson/client';
import { type Running, together } from '@keelson/component/running';
import type { ControllerContext } from '../controller.ts';
import { orphansIn, ownedBy, resolveOwner } from '../owned.ts';
import { PodControl } from '../pods/control.ts';
import { podInformer } from '../pods/informer.ts';
import { OwnWrites, staleSkips } from '../seen.ts';
import { selectorOf } from '../selectors.ts';
import { sameAs } from '../status.ts';
import { runQueue, workersOf } from '../work.ts';
import { type Failures, NO_FAILURES } from './backoff.ts';
import { ensureCondition, isFinished, newCondition } from './conditions.ts';
import { JobMetrics, type SyncAction } from './metrics.ts';
import { type Observation, observe } from './observe.ts';
import { isSuspended, isTracked } from './pods.ts';
import { track, withEnd, withoutReleased } from './tracking.ts';
import { JobPodWriter, type Managed } from './writer.ts';

const KIND = { group: 'batch', version: 'v1', kind: 'Job' } as const;
const STATUS = 'io.k8s.api.batch.v1.JobStatus';
const OURS = 'kubernetes.io/job-controller';
/** Changes of pods are gathered for so long: many come to their end together. */
const BATCH_MS = 100;

export async function start(context: ControllerContext): Promise<Running> {
  const controller = new JobController(context);
  const { informers } = controller;
  const workers = workersOf(context, 'job-controller', 5);
  return together([
    runQueue(context, { queue: controller.queue, informers, workers, reconcile: (key) => controller.reconcile(key) }),
    runQueue(context, {
      queue: controller.orphans,
      informers,
      workers,
      reconcile: (key) => controller.releaseOrphan(key),
    }),
  ]);
}

class JobController {
  /** Jobs. */
  readonly queue: WorkQueue<string>;
  /** Pods whose job is gone or has ended, while they have its finalizer. */
  readonly orphans: WorkQueue<string>;
  readonly #clock;
  readonly #isEnabled;
  readonly #client;
  readonly #recorder;
  readonly #jobs;
  readonly #pods;
  readonly #writer: JobPodWriter;
  readonly #ownWrites: OwnWrites;
  readonly #metrics: JobMetrics;
  readonly #milliseconds = () => performance.now();
  readonly #failures = new Map<string, Failures>();

  constructor({ client, informers, recorder, world, metrics, settings }: ControllerContext) {
    this.#isEnabled = settings.isEnabled;
    this.#metrics = new JobMetrics(metrics);
    this.#ownWrites = new OwnWrites(staleSkips(metrics, 'job_controller', { group: 'batch', resource: 'jobs' }));
    this.#clock = world.clock;
    this.#client = client.resource('jobs.batch');
    this.#recorder = recorder('job-controller');
    this.#jobs = informers.informer('jobs.batch');
    this.#pods = podInformer(informers);
    const control = new PodControl(client, this.#recorder, KIND);
    this.#writer = new JobPodWriter(control, this.#metrics, world.clock, this.#isEnabled('PodDeletionCost'));
    this.queue = new WorkQueue<string>(world, 'job');
    this.orphans = new WorkQueue<string>(world, 'job_orphan_pod');
    this.#listen();
  }

  get informers() {
    return [this.#jobs, this.#pods];
  }

  #listen(): void {
    this.#jobs.addHandler({
      added: (job) => {
        this.queue.add(storeKey(job));
        if (isManagedElsewhere(job)) this.#metrics.managedBy(job.spec.managedBy!);
      },
      updated: (old, job) => this.#jobUpdated(old, job),
      deleted: (job) => {
        this.#forget(storeKey(job));
        this.#releasePodsOf(job);
      },
    });
    this.#pods.addHandler({
      added: (pod) => {
        this.#metrics.podChanged(undefined, pod);
        this.#podChanged(undefined, pod);
      },
      updated: (old, pod) => {
        this.#metrics.podChanged(old, pod);
        this.#podChanged(old, pod);
      },
      deleted: (pod) => {
        this.#metrics.podChanged(pod, undefined);
        this.#podLeaves(pod, true);
      },
    });
  }

  #forget(key: string): void {
    this.#writer.forget(key);
    this.#ownWrites.forget(key);
    this.#failures.delete(key);
  }

  #jobUpdated(old: Job, job: Job): void {
    if (isFinished(job)) this.#releasePodsOf(job);
    else if (old.metadata.generation === job.metadata.generation) this.queue.addAfter(storeKey(job), BATCH_MS);
    else this.queue.add(storeKey(job));
  }

  #podChanged(old: Pod | undefined, pod: Pod): void {
    if (pod.metadata.deletionTimestamp) {
      this.#podLeaves(pod, false);
      return;
    }
    const before = old && controllerOf(old);
    const after = controllerOf(pod);
    const previous = before && before.uid !== after?.uid ? this.#jobOf(old) : undefined;
    if (previous) this.#podBelongs(previous, pod);
    const job = this.#jobOf(pod);
    if (job) {
      if (!old) this.#writer.sawCreation(storeKey(job));
      this.#podBelongs(job, pod);
    } else if (!after) {
      if (isTracked(pod)) this.orphans.add(storeKey(pod));
      this.#enqueueMatching(pod);
    }
  }

  #podBelongs(job: Job, pod: Pod): void {
    if (!isTracked(pod)) this.#writer.sawRelease(storeKey(job), pod);
    this.queue.addAfter(storeKey(job), BATCH_MS);
  }

  /** @param gone the pod itself, not only its containers */
  #podLeaves(pod: Pod, gone: boolean): void {
    const job = this.#jobOf(pod);
    if (!job || isFinished(job)) {
      if (isTracked(pod) && !gone) this.orphans.add(storeKey(pod));
      return;
    }
    const key = storeKey(job);
    this.#writer.sawDeletion(key, pod);
    if (gone || !isTracked(pod)) this.#writer.sawRelease(key, pod);
    this.queue.addAfter(key, BATCH_MS);
  }

  #jobOf(pod: Pod): Job | undefined {
    return resolveOwner(this.#jobs.store, KIND.kind, pod);
  }

  #enqueueMatching(pod: Pod): void {
    const { namespace, labels } = pod.metadata;
    if (!labels) return;
    for (const job of this.#jobs.store.list(namespace)) {
      const selector = selectorOf(job.spec.selector);
      if (!selector.empty && selector.matches(labels)) this.queue.addAfter(storeKey(job), BATCH_MS);
    }
  }

  #releasePodsOf(job: Job): void {
    const { store } = this.#pods;
    for (const pod of ownedBy(store, job)) if (isTracked(pod)) this.orphans.add(storeKey(pod));
  }

  /** Lets a pod go that no job counts any more. */
  async releaseOrphan(key: string): Promise<void> {
    const pod = this.#pods.store.get(key);
    if (!pod || !isTracked(pod)) return;
    const owner = controllerOf(pod);
    if (owner && (owner.kind !== KIND.kind || owner.apiVersion !== 'batch/v1')) return;
    const job = this.#jobOf(pod);
    if (job && (isManagedElsewhere(job) || !isFinished(job))) return;
    await this.#writer.releaseOrphan(pod);
  }

  async reconcile(key: string): Promise<Again | undefined> {
    const job = this.#jobs.store.get(key);
    if (!job || isManagedElsewhere(job) || !this.#ownWrites.seenIn(job)) return undefined;
    if (isFinished(job)) {
      this.#forget(key);
      return undefined;
    }
    const { completionMode = 'NonIndexed' } = job.spec;
    if (completionMode !== 'NonIndexed' && completionMode !== 'Indexed') {
      const message = 'Skipped Job sync because completion mode is unknown';
      this.#recorder.event(job, 'Warning', 'UnknownCompletionMode', message);
      return undefined;
    }
    const startedAt = this.#milliseconds();
    const look: { action: SyncAction } = { action: 'reconciling' };
    const told = (succeeded: boolean) =>
      this.#metrics.synced(job, succeeded, look.action, this.#milliseconds() - startedAt);
    try {
      const again = await this.#look(key, job, look);
      told(true);
      return again;
    } catch (error) {
      told(false);
      throw error;
    }
  }

  /** @param look is told what it comes to */
  async #look(key: string, job: Job, look: { action: SyncAction }): Promise<Again | undefined> {
    const settled = this.#writer.isSettled(key);
    const observed = observe({
      job,
      pods: await this.#claim(job),
      released: this.#writer.releasedOf(key),
      failures: this.#failures.get(key) ?? NO_FAILURES,
      now: this.#clock.now(),
    });
    return observed.ending ? this.#end(key, observed, settled) : this.#goOn(key, observed, settled, look);
  }

  #claim(job: Job): Promise<Pod[]> {
    const { store } = this.#pods;
    const candidates = [...ownedBy(store, job), ...orphansIn(store, job.metadata.namespace!)];
    return this.#writer.claim(candidates, job, () => this.#client.get(keyOf(job)));
  }

  /** Deletes what runs, and tells the end only when all of it was deleted. */
  async #end(key: string, observed: Observation, settled: boolean): Promise<undefined> {
    const managed = await this.#writer.deleteActive(observed);
    const ending = managed.active === 0 && settled ? observed.ending : undefined;
    await this.#track(key, observed, managed, observed.job.status, ending);
    if (managed.error) throw managed.error;
  }

  async #goOn(
    key: string,
    observed: Observation,
    settled: boolean,
    look: { action: SyncAction },
  ): Promise<Again | undefined> {
    const { job, succeeded, now } = observed;
    const mayManage = settled && !job.metadata.deletionTimestamp;
    const { active, ready, terminating } = observed;
    const idle: Managed = { active: active.length, ready, terminating, action: look.action };
    const managed = mayManage ? await this.#writer.manage(key, observed) : idle;
    look.action = managed.action;
    const { completions } = job.spec;
    const enough = completions === undefined ? succeeded > 0 : succeeded >= completions;
    if (enough && managed.active === 0) {
      const message = 'Reached expected number of succeeded pods';
      const ending = newCondition('SuccessCriteriaMet', 'True', 'CompletionsReached', message, now);
      await this.#track(key, observed, managed, job.status, ending);
    } else {
      const status = mayManage ? this.#tellSuspended(job, now) : job.status;
      await this.#track(key, observed, managed, status, undefined);
    }
    if (managed.error) throw managed.error;
    const times = [managed.afterMs, observed.deadlineMs].filter((ms) => ms !== undefined);
    return times.length > 0 ? { afterMs: Math.min(...times) } : undefined;
  }

  #tellSuspended(job: Job, now: number): JobStatus {
    const { conditions = [], startTime, ...rest } = job.status;
    const suspended = isSuspended(job);
    const condition = suspended
      ? newCondition('Suspended', 'True', 'JobSuspended', 'Job suspended', now)
      : newCondition('Suspended', 'False', 'JobResumed', 'Job resumed', now);
    const ensured = ensureCondition(conditions, condition);
    if (ensured === conditions) return job.status;
    this.#recorder.event(job, 'Normal', suspended ? 'Suspended' : 'Resumed', condition.message!);
    const told = { ...rest, conditions: [...ensured] };
    if (suspended && !this.#isEnabled('MutableSchedulingDirectivesForSuspendedJobs') && startTime !== undefined)
      return { ...told, startTime };
    return suspended ? told : { ...told, startTime: formatTime(new Date(now)) };
  }

  /** Counts what came to its end, and ends the job when nothing is left to count. */
  async #track(
    key: string,
    observed: Observation,
    { active, ready, terminating }: Managed,
    status: JobStatus,
    ending: JobCondition | undefined,
  ): Promise<void> {
    const tracking = track(observed, { ...status, active, ready, terminating }, ending);
    const counted = await this.#write(observed.stored, tracking.status);
    this.#metrics.judged(tracking.judged);
    this.#failures.set(key, observed.failures);
    const { tracked, error } = await this.#writer.release(key, tracking.release, tracking.tracked);
    const settled = withoutReleased(counted.status, tracked);
    const ended = error ? undefined : withEnd(settled, tracking.finished);
    const written = await this.#write(counted, ended ?? settled);
    if (error) throw error;
    if (ended) this.#tellEnd(written, tracking.finished!);
  }

  async #write(job: Job, status: JobStatus): Promise<Job> {
    if (sameAs(STATUS, job.status, status)) return job;
    const written = await this.#client.updateStatus({ ...job, status });
    this.#ownWrites.wrote(written);
    this.#metrics.counted(written, job.status);
    return written;
  }

  #tellEnd(job: Job, condition: JobCondition): void {
    const { type, reason, message } = condition;
    this.#metrics.finished(job, condition);
    if (type !== 'Complete') {
      this.#recorder.event(job, 'Warning', reason!, message!);
      return;
    }
    const { completions } = job.spec;
    if (completions !== undefined && (job.status.succeeded ?? 0) > completions) {
      const tooMany = 'Too many succeeded pods running after completion count reached';
      this.#recorder.event(job, 'Warning', 'TooManySucceededPods', tooMany);
    }
    this.#recorder.event(job, 'Normal', 'Completed', 'Job completed');
  }
}

function isManagedElsewhere({ spec }: Job): boolean {
  return spec.managedBy !== undefined && spec.managedBy !== OURS;
}
