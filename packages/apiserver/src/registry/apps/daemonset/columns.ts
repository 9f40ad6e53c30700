import type { DaemonSet } from '@keelson/api/generated/types/apps/v1';
import { age, ageColumn, column, formatLabelSelector, formatLabels, nameColumn, wideColumn } from '../../columns.ts';
import { containerCells, containersColumn, imagesColumn } from '../../podcolumns.ts';
import type { TableConvertor } from '../../strategy.ts';

export const table: TableConvertor<DaemonSet> = {
  columns: [
    nameColumn,
    column('Desired', 'integer', 'apps.v1.DaemonSetStatus.desiredNumberScheduled'),
    column('Current', 'integer', 'apps.v1.DaemonSetStatus.currentNumberScheduled'),
    column('Ready', 'integer', 'apps.v1.DaemonSetStatus.numberReady'),
    column('Up-to-date', 'integer', 'apps.v1.DaemonSetStatus.updatedNumberScheduled'),
    column('Available', 'integer', 'apps.v1.DaemonSetStatus.numberAvailable'),
    column('Node Selector', 'string', 'core.v1.PodSpec.nodeSelector'),
    ageColumn,
    containersColumn,
    imagesColumn,
    wideColumn('Selector', 'string', 'apps.v1.DaemonSetSpec.selector'),
  ],
  row: ({ metadata, spec, status }) => ({
    cells: [
      metadata.name ?? '',
      status.desiredNumberScheduled,
      status.currentNumberScheduled,
      status.numberReady,
      status.updatedNumberScheduled ?? 0,
      status.numberAvailable ?? 0,
      formatLabels(spec.template.spec.nodeSelector),
      age({ metadata }),
      ...containerCells(spec.template),
      formatLabelSelector(spec.selector),
    ],
  }),
};
