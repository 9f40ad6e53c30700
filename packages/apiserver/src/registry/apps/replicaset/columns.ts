import type { ReplicaSet } from '@keelson/api/generated/types/apps/v1';
import { age, ageColumn, column, formatLabelSelector, nameColumn, wideColumn } from '../../columns.ts';
import { containerCells, containersColumn, imagesColumn } from '../../podcolumns.ts';
import type { TableConvertor } from '../../strategy.ts';

export const table: TableConvertor<ReplicaSet> = {
  columns: [
    nameColumn,
    column('Desired', 'integer', 'apps.v1.ReplicaSetSpec.replicas'),
    column('Current', 'integer', 'apps.v1.ReplicaSetStatus.replicas'),
    column('Ready', 'integer', 'apps.v1.ReplicaSetStatus.readyReplicas'),
    ageColumn,
    containersColumn,
    imagesColumn,
    wideColumn('Selector', 'string', 'apps.v1.ReplicaSetSpec.selector'),
  ],
  row: (obj) => ({
    cells: [
      obj.metadata.name ?? '',
      obj.spec.replicas ?? 0,
      obj.status.replicas,
      obj.status.readyReplicas ?? 0,
      age(obj),
      ...containerCells(obj.spec.template),
      formatLabelSelector(obj.spec.selector),
    ],
  }),
};
