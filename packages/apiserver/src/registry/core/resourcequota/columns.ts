import type { ResourceQuota } from '@keelson/api/generated/types/core/v1';
import { age, ageColumn, column, nameColumn } from '../../columns.ts';
import type { TableConvertor } from '../../strategy.ts';

export const table: TableConvertor<ResourceQuota> = {
  columns: [
    nameColumn,
    column('Request', 'string', 'Request represents a minimum amount of cpu/memory that a container may consume.'),
    column(
      'Limit',
      'string',
      'Limits control the maximum amount of cpu/memory that a container may use independent of contention on the node.',
    ),
    ageColumn,
  ],
  row(obj) {
    const names = Object.keys(obj.status.hard ?? {}).sort();
    const amounts = (limits: boolean) =>
      names
        .filter((name) => name.startsWith('limits.') === limits)
        .map((name) => `${name}: ${obj.status.used?.[name] ?? '0'}/${obj.status.hard?.[name]}`)
        .join(', ');
    return { cells: [obj.metadata.name ?? '', amounts(false), amounts(true), age(obj)] };
  },
};
