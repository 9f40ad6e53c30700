import type { ConfigMap } from '@keelson/api/generated/types/core/v1';
import { age, ageColumn, column, nameColumn } from '../../columns.ts';
import type { TableConvertor } from '../../strategy.ts';

export const table: TableConvertor<ConfigMap> = {
  columns: [nameColumn, column('Data', 'string', 'core.v1.ConfigMap.data'), ageColumn],
  row: (obj) => ({
    cells: [
      obj.metadata.name ?? '',
      Object.keys(obj.data ?? {}).length + Object.keys(obj.binaryData ?? {}).length,
      age(obj),
    ],
  }),
};
