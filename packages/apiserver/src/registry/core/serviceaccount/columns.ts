import type { ServiceAccount } from '@keelson/api/generated/types/core/v1';
import { age, ageColumn, nameColumn } from '../../columns.ts';
import type { TableConvertor } from '../../strategy.ts';

export const table: TableConvertor<ServiceAccount> = {
  columns: [nameColumn, ageColumn],
  row: (obj) => ({ cells: [obj.metadata.name ?? '', age(obj)] }),
};
