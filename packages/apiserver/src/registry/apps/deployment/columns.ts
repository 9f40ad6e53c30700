import type { Deployment } from '@keelson/api/generated/types/apps/v1';
import { age, ageColumn, column, nameColumn, wideColumn } from '../../columns.ts';
import { containerCells, containersColumn, imagesColumn } from '../../podcolumns.ts';
import type { TableConvertor } from '../../strategy.ts';
import { readSelector } from '../../validation/templateselector.ts';

export const table: TableConvertor<Deployment> = {
  columns: [
    nameColumn,
    column('Ready', 'string', 'Number of the pod with ready state'),
    column('Up-to-date', 'string', 'apps.v1.DeploymentStatus.updatedReplicas'),
    column('Available', 'string', 'apps.v1.DeploymentStatus.availableReplicas'),
    ageColumn,
    containersColumn,
    imagesColumn,
    wideColumn('Selector', 'string', 'apps.v1.DeploymentSpec.selector'),
  ],
  row: (obj) => ({
    cells: [
      obj.metadata.name ?? '',
      `${obj.status.readyReplicas ?? 0}/${obj.spec.replicas ?? 0}`,
      obj.status.updatedReplicas ?? 0,
      obj.status.availableReplicas ?? 0,
      age(obj),
      ...containerCells(obj.spec.template),
      readSelector(obj.spec.selector)?.toString() ?? '<invalid>',
    ],
  }),
};
