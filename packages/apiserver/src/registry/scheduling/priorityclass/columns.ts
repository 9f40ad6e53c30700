import type { PriorityClass } from '@keelson/api/generated/types/scheduling/v1';
import { age, ageColumn, column, nameColumn } from '../../columns.ts';
import type { TableConvertor } from '../../strategy.ts';

export const table: TableConvertor<PriorityClass> = {
  columns: [
    nameColumn,
    column('Value', 'integer', 'scheduling.v1.PriorityClass.value'),
    column('Global-Default', 'boolean', 'scheduling.v1.PriorityClass.globalDefault'),
    ageColumn,
    column('PreemptionPolicy', 'string', 'scheduling.v1.PriorityClass.preemptionPolicy'),
  ],
  row: (obj) => ({
    cells: [obj.metadata.name ?? '', obj.value, obj.globalDefault ?? false, age(obj), obj.preemptionPolicy ?? ''],
  }),
};
