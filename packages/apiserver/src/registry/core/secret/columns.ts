import type { Secret } from '@keelson/api/generated/types/core/v1';
import { age, ageColumn, column, nameColumn } from '../../columns.ts';
import type { TableConvertor } from '../../strategy.ts';

export const table: TableConvertor<Secret> = {
  columns: [
    nameColumn,
    column('Type', 'string', 'core.v1.Secret.type'),
    column('Data', 'string', 'core.v1.Secret.data'),
    ageColumn,
  ],
  row: (obj) => ({
    cells: [obj.metadata.name ?? '', obj.type ?? '', Object.keys(obj.data ?? {}).length, age(obj)],
  }),
};
