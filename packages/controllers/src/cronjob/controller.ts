/** Wiring and writes of cron jobs; decide.ts decides (pkg/controller/cronjob). */
import type { CronJob, CronJobStatus, Job } from '@keelson/api/generated/types/batch/v1';
import { type Again, hasReason, isControlledBy, keyOf, type ObjectKey, storeKey, WorkQueue } from '@keelson/client';
import { localZone } from '@keelson/component/cron/zone';
import { exponentialBounds } from '@keelson/component/metrics/families';
import type { Running } from '@keelson/component/running';
import type { ControllerContext } from '../controller.ts';
import { Families } from '../metrics.ts';
import { indexByController, ownedBy, resolveOwner } from '../owned.ts';
import { isNamespaceTerminating } from '../pods/control.ts';
import { OwnWrites } from '../seen.ts';
import { sameAs } from '../status.ts';
import { runQueue, workersOf } from '../work.ts';
import { type Decision, decide, jobFor, withStarted } from './decide.ts';
import { scheduleOf, untilNext } from './schedule.ts';

const STATUS = 'io.k8s.api.batch.v1.CronJobStatus';

export async function start(context: ControllerContext): Promise<Running> {
  const controller = new CronJobController(context);
  return runQueue(context, {
    queue: controller.queue,
    informers: controller.informers,
    workers: workersOf(context, 'cronjob-controller', 5),
    reconcile: (key) => controller.reconcile(key),
  });
}

class CronJobController {
  readonly queue: WorkQueue<string>;
  readonly #clock;
  readonly #client;
  readonly #jobClient;
  readonly #recorder;
  readonly #cronJobs;
  readonly #jobs;
  readonly #localZone = localZone();
  readonly #ownWrites = new OwnWrites();
  readonly #skew;

  constructor({ client, informers, recorder, world, metrics }: ControllerContext) {
    this.#skew = new Families('cronjob_controller', metrics).histogram(
      exponentialBounds(1, 2, 10),
      'job_creation_skew_duration_seconds',
      'STABLE',
      'How much later than it was due a job was made.',
    );
    this.#clock = world.clock;
    this.#client = client.resource('cronjobs.batch');
    this.#jobClient = client.resource('jobs.batch');
    this.#recorder = recorder('cronjob-controller');
    this.#cronJobs = informers.informer('cronjobs.batch');
    this.#jobs = informers.informer('jobs.batch');
    this.queue = new WorkQueue<string>(world, 'cronjob');
    this.#listen();
  }

  get informers() {
    return [this.#cronJobs, this.#jobs];
  }

  #listen(): void {
    indexByController(this.#jobs);
    this.#cronJobs.addHandler({
      added: (cronJob) => this.queue.add(storeKey(cronJob)),
      updated: (old, cronJob) => this.#updated(old, cronJob),
      deleted: (cronJob) => this.#ownWrites.forget(storeKey(cronJob)),
    });
    const enqueueOwner = (job: Job) => {
      const cronJob = resolveOwner(this.#cronJobs.store, 'CronJob', job);
      if (cronJob) this.queue.add(storeKey(cronJob));
    };
    this.#jobs.addHandler({
      added: enqueueOwner,
      updated: (old, job) => {
        enqueueOwner(old);
        enqueueOwner(job);
      },
      deleted: enqueueOwner,
    });
  }

  /** With another schedule it waits for that one's next time: what it would have had before was not missed. */
  #updated(old: CronJob, cronJob: CronJob): void {
    const key = storeKey(cronJob);
    const { schedule, timeZone } = cronJob.spec;
    if (old.spec.schedule === schedule && old.spec.timeZone === timeZone) {
      this.queue.add(key);
      return;
    }
    try {
      const ms = untilNext(cronJob, scheduleOf(cronJob, this.#localZone), this.#clock.now());
      if (ms !== undefined) this.queue.addAfter(key, ms);
    } catch {
      const message = `unparseable schedule for cronjob: ${schedule}`;
      this.#recorder.event(cronJob, 'Warning', 'UnParseableCronJobSchedule', message);
    }
  }

  async reconcile(key: string): Promise<Again | undefined> {
    const cronJob = this.#cronJobs.store.get(key);
    if (!cronJob || !this.#ownWrites.seenIn(cronJob)) return undefined;
    const jobs = ownedBy(this.#jobs.store, cronJob);
    const gone = await this.#gone(cronJob, jobs);
    const decision = decide({ cronJob, jobs, gone, now: this.#clock.now(), localZone: this.#localZone });
    for (const { type, reason, message } of decision.sayings) this.#recorder.event(cronJob, type, reason, message);
    let status = decision.status;
    for (const job of decision.remove) status = await this.#remove(cronJob, status, keyOf(job), job.metadata.uid!);
    let failure: unknown;
    if (decision.start) {
      try {
        status = await this.#start(cronJob, status, decision.start);
      } catch (error) {
        failure = error;
      }
    }
    await this.#write(cronJob, status);
    if (failure && !isNamespaceTerminating(failure)) throw failure;
    return decision.againMs === undefined ? undefined : { afterMs: decision.againMs };
  }

  /** Active jobs that the copy does not have: the server is asked, since the copy may be behind. */
  async #gone({ status }: CronJob, jobs: readonly Job[]): Promise<Set<string>> {
    const known = new Set(jobs.map(({ metadata }) => metadata.uid));
    const gone = new Set<string>();
    for (const { uid, namespace, name } of status.active ?? []) {
      if (known.has(uid)) continue;
      await this.#jobClient.get({ namespace, name: name! }).catch((error) => {
        if (!hasReason(error, 'NotFound')) throw error;
        gone.add(uid!);
      });
    }
    return gone;
  }

  async #start(
    cronJob: CronJob,
    given: CronJobStatus,
    { time, replaces }: NonNullable<Decision['start']>,
  ): Promise<CronJobStatus> {
    let status = given;
    for (const { namespace, name, uid } of replaces) {
      status = await this.#remove(cronJob, status, { namespace, name: name! }, uid!);
      const kept = status.active?.some((reference) => reference.uid === uid);
      if (kept) throw new Error(`could not replace job ${namespace}/${name}`);
    }
    const draft = jobFor(cronJob, time);
    try {
      const job = await this.#jobClient.create(draft);
      this.#skew.with().observe((Date.parse(job.metadata.creationTimestamp!) - time) / 1000);
      this.#recorder.event(cronJob, 'Normal', 'SuccessfulCreate', `Created job ${job.metadata.name}`);
      return withStarted(status, job, time);
    } catch (error) {
      if (hasReason(error, 'AlreadyExists')) return this.#startedBefore(cronJob, status, keyOf(draft), time);
      if (!isNamespaceTerminating(error)) {
        const message = `Error creating job: ${(error as Error).message}`;
        this.#recorder.event(cronJob, 'Warning', 'FailedCreate', message);
      }
      throw error;
    }
  }

  /** It was started, and the status not written. */
  async #startedBefore(cronJob: CronJob, status: CronJobStatus, key: ObjectKey, time: number): Promise<CronJobStatus> {
    const job = await this.#jobClient.get(key);
    const listed = status.active?.some(({ uid }) => uid === job.metadata.uid);
    return isControlledBy(job, cronJob) && !listed ? withStarted(status, job, time) : status;
  }

  /** @returns the status without the job, if it could be deleted */
  async #remove(cronJob: CronJob, status: CronJobStatus, job: ObjectKey, uid: string): Promise<CronJobStatus> {
    try {
      await this.#jobClient.delete(job, { propagationPolicy: 'Background' });
    } catch (error) {
      const message = `Deleted job: ${(error as Error).message}`;
      this.#recorder.event(cronJob, 'Warning', 'FailedDelete', message);
      return status;
    }
    this.#recorder.event(cronJob, 'Normal', 'SuccessfulDelete', `Deleted job ${job.name}`);
    return { ...status, active: (status.active ?? []).filter((reference) => reference.uid !== uid) };
  }

  async #write(cronJob: CronJob, status: CronJobStatus): Promise<void> {
    if (sameAs(STATUS, cronJob.status, status)) return;
    this.#ownWrites.wrote(await this.#client.updateStatus({ ...cronJob, status }));
  }
}
