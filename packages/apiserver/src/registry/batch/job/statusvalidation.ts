/**
 * The status of a job as its controller, any controller, may write it. Most rules look only at what this update changes,
 * so that an old fault does not keep the rest from being written.
 */
import { semanticEqual } from '@keelson/api/codec/equality';
import { duplicate, type ErrorList, invalid, OMIT_VALUE, Path, required } from '@keelson/api/field';
import type { Job, JobStatus, UncountedTerminatedPods } from '@keelson/api/generated/types/batch/v1';
import { validateCounts } from '../../validation/counts.ts';
import { internalValue } from '../../validation/internal.ts';
import { hasCondition, isComplete, isFailed, isFinished } from './conditions.ts';
import { countIndexes, overlap } from './indexes.ts';

const STATUS = Path.of('status');
const CONDITIONS = STATUS.child('conditions');

export function validateStatus(job: Job, old: Job): ErrorList {
  const { active, succeeded, failed, ready, terminating } = job.status;
  const change = changeOf(job.status, old.status);
  return [
    ...validateCounts({ active, succeeded, failed, ready, terminating }, STATUS),
    ...validateUncountedPods(job.status.uncountedTerminatedPods),
    ...validateEnd(job, change),
    ...validateFinishedPods(job, change),
    ...validateIndexes(job, change),
    ...validateRunningPods(job.status, change),
    ...validateSuccessCriteria(job),
    ...validateTransition(job, old),
  ];
}

interface Change {
  has(key: keyof JobStatus): boolean;
  readonly finished: boolean;
  readonly complete: boolean;
  readonly failed: boolean;
  turned(type: string): boolean;
}

function changeOf(status: JobStatus, old: JobStatus): Change {
  const differs = (of: (s: JobStatus) => boolean) => of(status) !== of(old);
  return {
    has: (key) => !semanticEqual(status[key], old[key]),
    finished: differs(isFinished),
    complete: differs(isComplete),
    failed: differs(isFailed),
    turned: (type) => differs((s) => hasCondition(s, type)),
  };
}

function validateUncountedPods(pods: UncountedTerminatedPods | undefined): ErrorList {
  const seen = new Set<string>();
  const at = STATUS.child('uncountedTerminatedPods');
  return (['succeeded', 'failed'] as const).flatMap((key) =>
    (pods?.[key] ?? []).flatMap((uid, i) => {
      const path = at.child(key).index(i);
      if (uid === '') return [invalid(path, uid, 'must not be empty')];
      if (seen.has(uid)) return [duplicate(path, uid)];
      seen.add(uid);
      return [];
    }),
  );
}

const wrongConditions = (detail: string) => invalid(CONDITIONS, OMIT_VALUE, detail);

/** A job is complete or has failed, and its conditions and times say the same. */
function validateEnd({ status }: Job, change: Change): ErrorList {
  const { startTime, completionTime } = status;
  const [complete, failed] = [isComplete(status), isFailed(status)];
  const failureTarget = hasCondition(status, 'FailureTarget');
  const timeAt = STATUS.child('completionTime');
  const errors: ErrorList = [];
  if ((change.complete || change.failed) && complete && failed)
    errors.push(wrongConditions('cannot set Complete=True and Failed=true conditions'));
  if ((change.complete || change.turned('FailureTarget')) && complete && failureTarget)
    errors.push(wrongConditions('cannot set Complete=True and FailureTarget=true conditions'));
  if (change.complete || change.has('completionTime')) {
    if (completionTime !== undefined && !complete)
      errors.push(
        invalid(timeAt, completionTime, 'cannot set completionTime when there is no Complete=True condition'),
      );
    if (completionTime === undefined && complete)
      errors.push(required(timeAt, 'completionTime is required for Complete jobs'));
  }
  if ((change.has('startTime') || change.has('completionTime')) && isBefore(completionTime, startTime))
    errors.push(invalid(timeAt, completionTime, 'must be equal to or after `startTime`'));
  if ((change.failed || change.has('failedIndexes')) && failed && !failureTarget)
    errors.push(wrongConditions('cannot set Failed=True condition without the FailureTarget=true condition'));
  if (
    (change.complete || change.turned('SuccessCriteriaMet')) &&
    complete &&
    !hasCondition(status, 'SuccessCriteriaMet')
  )
    errors.push(wrongConditions('cannot set Complete=True condition without the SuccessCriteriaMet=true condition'));
  return errors;
}

function isBefore(time: string | undefined, other: string | undefined): boolean {
  return time !== undefined && other !== undefined && Date.parse(time) < Date.parse(other);
}

function validateFinishedPods({ spec, status }: Job, change: Change): ErrorList {
  if (!isFinished(status)) return [];
  const { active = 0, startTime, uncountedTerminatedPods: uncounted } = status;
  const errors: ErrorList = [];
  if ((change.finished || change.has('active')) && active > 0)
    errors.push(invalid(STATUS.child('active'), active, 'active>0 is invalid for finished job'));
  const neverRuns = spec.suspend === true && spec.completions === 0;
  if ((change.finished || change.has('startTime')) && !neverRuns && startTime === undefined)
    errors.push(required(STATUS.child('startTime'), 'startTime is required for finished job'));
  if (
    (change.finished || change.has('uncountedTerminatedPods')) &&
    (uncounted?.failed?.length || uncounted?.succeeded?.length)
  ) {
    const shown = internalValue('io.k8s.api.batch.v1.UncountedTerminatedPods', uncounted);
    errors.push(invalid(STATUS.child('uncountedTerminatedPods'), shown, 'must be empty for finished job'));
  }
  return errors;
}

function validateIndexes({ spec, status }: Job, change: Change): ErrorList {
  const { completions, backoffLimitPerIndex, completionMode } = spec;
  const { completedIndexes = '', failedIndexes } = status;
  const [completedAt, failedAt] = [STATUS.child('completedIndexes'), STATUS.child('failedIndexes')];
  const [completedChange, failedChange] = [change.has('completedIndexes'), change.has('failedIndexes')];
  const errors: ErrorList = [];
  if (completedChange && completions !== undefined)
    errors.push(...validateFormat('completedIndexes', completedIndexes, completions));
  if (failedChange && completions !== undefined && backoffLimitPerIndex !== undefined && failedIndexes !== undefined)
    errors.push(...validateFormat('failedIndexes', failedIndexes, completions));
  if (completedChange && completedIndexes !== '' && completionMode !== 'Indexed')
    errors.push(
      invalid(completedAt, completedIndexes, 'cannot set non-empty completedIndexes when non-indexed completion mode'),
    );
  if (failedChange && backoffLimitPerIndex === undefined && failedIndexes !== undefined)
    errors.push(
      invalid(failedAt, failedIndexes, 'cannot set non-null failedIndexes when backoffLimitPerIndex is null'),
    );
  if ((failedChange || completedChange) && completions !== undefined && failedIndexes !== undefined) {
    const problem = overlap(completedIndexes, failedIndexes, completions);
    if (problem) errors.push(invalid(failedAt, failedIndexes, problem));
  }
  return errors;
}

function validateFormat(key: string, text: string, completions: number): ErrorList {
  try {
    countIndexes(text, completions);
    return [];
  } catch (error) {
    return [invalid(STATUS.child(key), text, `error parsing ${key}: ${(error as Error).message}`)];
  }
}

function validateRunningPods(status: JobStatus, change: Change): ErrorList {
  const { active = 0, ready, terminating = 0 } = status;
  const errors: ErrorList = [];
  if ((change.finished || change.has('terminating')) && terminating > 0 && isFinished(status))
    errors.push(invalid(STATUS.child('terminating'), terminating, 'terminating>0 is invalid for finished job'));
  if ((change.has('ready') || change.has('active')) && ready !== undefined && ready > active)
    errors.push(invalid(STATUS.child('ready'), ready, 'cannot set more ready pods than active'));
  return errors;
}

function validateSuccessCriteria({ spec, status }: Job): ErrorList {
  if (!hasCondition(status, 'SuccessCriteriaMet')) {
    const detail = 'cannot set Complete=True for Job with SuccessPolicy unless SuccessCriteriaMet=True';
    return spec.successPolicy && isComplete(status) ? [wrongConditions(detail)] : [];
  }
  const errors: ErrorList = [];
  if (isFailed(status)) errors.push(wrongConditions('cannot set SuccessCriteriaMet=True and Failed=true conditions'));
  if (hasCondition(status, 'FailureTarget'))
    errors.push(wrongConditions('cannot set SuccessCriteriaMet=True and FailureTarget=true conditions'));
  return errors;
}

/** What is once true stays, counters grow, and times stay as they are. */
function validateTransition({ spec, status }: Job, { status: old }: Job): ErrorList {
  const errors: ErrorList = [];
  for (const type of ['Failed', 'Complete', 'FailureTarget'])
    if (hasCondition(old, type) && !hasCondition(status, type))
      errors.push(wrongConditions(`cannot disable the terminal ${type}=True condition`));
  const scales = spec.completionMode === 'Indexed' && spec.completions === spec.parallelism;
  for (const counter of scales ? (['failed'] as const) : (['failed', 'succeeded'] as const))
    if ((status[counter] ?? 0) < (old[counter] ?? 0))
      errors.push(invalid(STATUS.child(counter), status[counter] ?? 0, `cannot decrease the ${counter} counter`));
  const { completionTime, startTime } = status;
  if (completionTime !== undefined && old.completionTime !== undefined && completionTime !== old.completionTime)
    errors.push(invalid(STATUS.child('completionTime'), completionTime, 'field is immutable'));
  const resuming = hasCondition(old, 'Suspended') && hasCondition(status, 'Suspended', 'False');
  if (!resuming && old.startTime !== undefined && startTime !== old.startTime && !spec.suspend)
    errors.push(invalid(STATUS.child('startTime'), startTime, 'field is immutable for unsuspended job once set'));
  if (hasCondition(old, 'SuccessCriteriaMet') && !hasCondition(status, 'SuccessCriteriaMet'))
    errors.push(wrongConditions('cannot disable the SuccessCriteriaMet=True condition'));
  if (isComplete(old) && !hasCondition(old, 'SuccessCriteriaMet') && hasCondition(status, 'SuccessCriteriaMet'))
    errors.push(wrongConditions('cannot set SuccessCriteriaMet=True for Job already has Complete=true conditions'));
  return errors;
}
