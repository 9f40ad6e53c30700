import type { Job } from '@keelson/api/generated/types/batch/v1';
import {
  age,
  ageColumn,
  type Cell,
  column,
  formatLabelSelector,
  humanDuration,
  nameColumn,
  since,
  wideColumn,
} from '../../columns.ts';
import { containerCells, containersColumn, imagesColumn } from '../../podcolumns.ts';
import type { TableConvertor } from '../../strategy.ts';
import { hasCondition } from './conditions.ts';

export const table: TableConvertor<Job> = {
  columns: [
    nameColumn,
    column('Status', 'string', 'Status of the job.'),
    column('Completions', 'string', 'batch.v1.JobStatus.succeeded'),
    column('Duration', 'string', 'Time required to complete the job.'),
    ageColumn,
    containersColumn,
    imagesColumn,
    wideColumn('Selector', 'string', 'batch.v1.JobSpec.selector'),
  ],
  row: (job) => ({
    cells: [
      job.metadata.name ?? '',
      statusOf(job),
      completions(job),
      duration(job),
      age(job),
      ...containerCells(job.spec.template),
      formatLabelSelector(job.spec.selector),
    ],
  }),
};

function statusOf({ metadata, status }: Job): string {
  if (hasCondition(status, 'Complete')) return 'Complete';
  if (hasCondition(status, 'Failed')) return 'Failed';
  if (metadata.deletionTimestamp !== undefined) return 'Terminating';
  return ['Suspended', 'FailureTarget', 'SuccessCriteriaMet'].find((type) => hasCondition(status, type)) ?? 'Running';
}

function completions({ spec, status }: Job): string {
  const succeeded = status.succeeded ?? 0;
  if (spec.completions !== undefined) return `${succeeded}/${spec.completions}`;
  const parallelism = spec.parallelism ?? 0;
  return parallelism > 1 ? `${succeeded}/1 of ${parallelism}` : `${succeeded}/1`;
}

function duration({ status: { startTime, completionTime } }: Job): Cell {
  if (startTime === undefined) return '';
  if (completionTime === undefined) return since(startTime);
  return humanDuration(Date.parse(completionTime) - Date.parse(startTime));
}
