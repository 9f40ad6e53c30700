import type { CSINode } from '@keelson/api/generated/types/storage/v1';
import { age, ageColumn, column, nameColumn } from '../../columns.ts';
import type { TableConvertor } from '../../strategy.ts';

export const table: TableConvertor<CSINode> = {
  columns: [
    nameColumn,
    column('Drivers', 'integer', 'Drivers indicates the number of CSI drivers registered on the node'),
    ageColumn,
  ],
  row: (obj) => ({ cells: [obj.metadata.name ?? '', obj.spec.drivers?.length ?? 0, age(obj)] }),
};
