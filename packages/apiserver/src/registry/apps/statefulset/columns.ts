import type { StatefulSet } from '@keelson/api/generated/types/apps/v1';
import { age, ageColumn, column, nameColumn } from '../../columns.ts';
import { containerCells, containersColumn, imagesColumn } from '../../podcolumns.ts';
import type { TableConvertor } from '../../strategy.ts';

export const table: TableConvertor<StatefulSet> = {
  columns: [
    nameColumn,
    column('Ready', 'string', 'Number of the pod with ready state'),
    ageColumn,
    containersColumn,
    imagesColumn,
  ],
  row: (obj) => ({
    cells: [
      obj.metadata.name ?? '',
      `${obj.status.readyReplicas ?? 0}/${obj.spec.replicas ?? 0}`,
      age(obj),
      ...containerCells(obj.spec.template),
    ],
  }),
};
