import type { PodTemplate } from '@keelson/api/generated/types/core/v1';
import { column, formatLabels, nameColumn } from '../../columns.ts';
import { containerCells, containersColumn, imagesColumn } from '../../podcolumns.ts';
import type { TableConvertor } from '../../strategy.ts';

export const table: TableConvertor<PodTemplate> = {
  columns: [
    nameColumn,
    { ...containersColumn, priority: 0 },
    { ...imagesColumn, priority: 0 },
    column('Pod Labels', 'string', 'The labels for the pod template.'),
  ],
  row: ({ metadata, template }) => ({
    cells: [metadata.name ?? '', ...containerCells(template), formatLabels(template.metadata.labels)],
  }),
};
