import type { RuntimeClass } from '@keelson/api/generated/types/node/v1';
import { age, ageColumn, column, nameColumn } from '../../columns.ts';
import type { TableConvertor } from '../../strategy.ts';

export const table: TableConvertor<RuntimeClass> = {
  columns: [nameColumn, column('Handler', 'string', ''), ageColumn],
  row: (obj) => ({ cells: [obj.metadata.name ?? '', obj.handler, age(obj)] }),
};
