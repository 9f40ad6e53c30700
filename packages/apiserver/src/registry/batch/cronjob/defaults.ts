import type { CronJob } from '@keelson/api/generated/types/batch/v1';
import { defaultJobTemplate } from '../job/defaults.ts';

export function defaults({ spec }: CronJob): void {
  spec.concurrencyPolicy ||= 'Allow';
  spec.suspend ??= false;
  spec.successfulJobsHistoryLimit ??= 3;
  spec.failedJobsHistoryLimit ??= 1;
  defaultJobTemplate(spec.jobTemplate.spec);
}
