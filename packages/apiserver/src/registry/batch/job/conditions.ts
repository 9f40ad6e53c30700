import type { JobStatus } from '@keelson/api/generated/types/batch/v1';

/** @param value the condition's status; several conditions of one type count each */
export function hasCondition(status: JobStatus, type: string, value: 'True' | 'False' = 'True'): boolean {
  return (status.conditions ?? []).some((c) => c.type === type && c.status === value);
}

export const isComplete = (status: JobStatus): boolean => hasCondition(status, 'Complete');
export const isFailed = (status: JobStatus): boolean => hasCondition(status, 'Failed');
export const isFinished = (status: JobStatus): boolean => isComplete(status) || isFailed(status);
