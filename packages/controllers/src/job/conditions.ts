import type { Job, JobCondition } from '@keelson/api/generated/types/batch/v1';
import { formatTime } from '@keelson/api/time';

type Conditions = readonly JobCondition[];

/** The condition that says that a job has come to its end, one way or the other. */
export function finishedCondition({ status }: Job): JobCondition | undefined {
  return status.conditions?.find(({ type, status: is }) => (type === 'Complete' || type === 'Failed') && is === 'True');
}

export function isFinished(job: Job): boolean {
  return finishedCondition(job) !== undefined;
}

export function trueCondition({ status }: Job, type: string): JobCondition | undefined {
  return status.conditions?.find((condition) => condition.type === type && condition.status === 'True');
}

export function newCondition(
  type: string,
  status: 'True' | 'False',
  reason: string,
  message: string,
  now: number,
): JobCondition {
  const time = formatTime(new Date(now));
  return { type, status, lastProbeTime: time, lastTransitionTime: time, reason, message };
}

/** @returns the same where it says so already; what is false and not there stays away */
export function ensureCondition(conditions: Conditions, condition: JobCondition): Conditions {
  const before = conditions.find(({ type }) => type === condition.type);
  if (!before) return condition.status === 'False' ? conditions : [...conditions, condition];
  const { status, reason, message } = condition;
  if (before.status === status && before.reason === reason && before.message === message) return conditions;
  return conditions.map((each) => (each === before ? condition : each));
}
