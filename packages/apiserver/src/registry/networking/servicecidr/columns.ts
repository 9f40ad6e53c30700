import type { ServiceCIDR } from '@keelson/api/generated/types/networking/v1';
import { age, ageColumn, column, nameColumn } from '../../columns.ts';
import type { TableConvertor } from '../../strategy.ts';

export const table: TableConvertor<ServiceCIDR> = {
  columns: [nameColumn, column('CIDRs', 'string', 'networking.v1.ServiceCIDRSpec.cidrs'), ageColumn],
  row: (obj) => ({ cells: [obj.metadata.name ?? '', (obj.spec.cidrs ?? []).join(','), age(obj)] }),
};
