import type { Namespace } from '@keelson/api/generated/types/core/v1';
import { age, ageColumn, column, nameColumn } from '../../columns.ts';
import type { TableConvertor } from '../../strategy.ts';

export const table: TableConvertor<Namespace> = {
  columns: [nameColumn, column('Status', 'string', 'The status of the namespace'), ageColumn],
  row: (obj) => ({ cells: [obj.metadata.name ?? '', obj.status.phase ?? '', age(obj)] }),
};
