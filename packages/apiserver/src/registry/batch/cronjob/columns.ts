import type { CronJob } from '@keelson/api/generated/types/batch/v1';
import { age, ageColumn, column, formatLabelSelector, nameColumn, since, wideColumn } from '../../columns.ts';
import { containerCells, containersColumn, imagesColumn } from '../../podcolumns.ts';
import type { TableConvertor } from '../../strategy.ts';

export const table: TableConvertor<CronJob> = {
  columns: [
    nameColumn,
    column('Schedule', 'string', 'batch.v1.CronJobSpec.schedule'),
    column('Timezone', 'string', 'batch.v1.CronJobSpec.timeZone'),
    column('Suspend', 'boolean', 'batch.v1.CronJobSpec.suspend'),
    column('Active', 'integer', 'batch.v1.CronJobStatus.active'),
    column('Last Schedule', 'string', 'batch.v1.CronJobStatus.lastScheduleTime'),
    ageColumn,
    containersColumn,
    imagesColumn,
    wideColumn('Selector', 'string', 'batch.v1.JobSpec.selector'),
  ],
  row: (obj) => ({
    cells: [
      obj.metadata.name ?? '',
      obj.spec.schedule,
      obj.spec.timeZone ?? '<none>',
      obj.spec.suspend === undefined ? '<unset>' : obj.spec.suspend ? 'True' : 'False',
      obj.status.active?.length ?? 0,
      obj.status.lastScheduleTime === undefined ? '<none>' : since(obj.status.lastScheduleTime),
      age(obj),
      ...containerCells(obj.spec.jobTemplate.spec.template),
      formatLabelSelector(obj.spec.jobTemplate.spec.selector),
    ],
  }),
};
