import type { ComponentStatus } from '@keelson/api/generated/types/core/v1';
import { column, nameColumn } from '../../columns.ts';
import type { TableConvertor } from '../../strategy.ts';

export const table: TableConvertor<ComponentStatus> = {
  columns: [
    nameColumn,
    column('Status', 'string', 'Status of the component conditions'),
    column('Message', 'string', 'Message of the component conditions'),
    column('Error', 'string', 'Error of the component conditions'),
  ],
  row({ metadata, conditions }) {
    const healthy = conditions?.find((c) => c.type === 'Healthy');
    const status = healthy === undefined ? 'Unknown' : healthy.status === 'True' ? 'Healthy' : 'Unhealthy';
    return { cells: [metadata.name ?? '', status, healthy?.message ?? '', healthy?.error ?? ''] };
  },
};
