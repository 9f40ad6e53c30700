import type { NetworkPolicy } from '@keelson/api/generated/types/networking/v1';
import { age, ageColumn, column, formatLabelSelector, nameColumn } from '../../columns.ts';
import type { TableConvertor } from '../../strategy.ts';

export const table: TableConvertor<NetworkPolicy> = {
  columns: [nameColumn, column('Pod-Selector', 'string', 'networking.v1.NetworkPolicySpec.podSelector'), ageColumn],
  row: (obj) => ({
    cells: [obj.metadata.name ?? '', formatLabelSelector(obj.spec.podSelector), age(obj)],
  }),
};
