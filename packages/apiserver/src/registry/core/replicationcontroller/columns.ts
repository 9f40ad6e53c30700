import type { ReplicationController } from '@keelson/api/generated/types/core/v1';
import { age, ageColumn, column, formatLabels, nameColumn, wideColumn } from '../../columns.ts';
import { containerCells, containersColumn, imagesColumn } from '../../podcolumns.ts';
import type { TableConvertor } from '../../strategy.ts';

export const table: TableConvertor<ReplicationController> = {
  columns: [
    nameColumn,
    column('Desired', 'integer', 'core.v1.ReplicationControllerSpec.replicas'),
    column('Current', 'integer', 'core.v1.ReplicationControllerStatus.replicas'),
    column('Ready', 'integer', 'core.v1.ReplicationControllerStatus.readyReplicas'),
    ageColumn,
    containersColumn,
    imagesColumn,
    wideColumn('Selector', 'string', 'core.v1.ReplicationControllerSpec.selector'),
  ],
  row: (obj) => ({
    cells: [
      obj.metadata.name ?? '',
      obj.spec.replicas ?? 0,
      obj.status.replicas,
      obj.status.readyReplicas ?? 0,
      age(obj),
      ...containerCells(obj.spec.template),
      formatLabels(obj.spec.selector),
    ],
  }),
};
