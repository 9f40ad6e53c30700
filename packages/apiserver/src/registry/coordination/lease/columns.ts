import type { Lease } from '@keelson/api/generated/types/coordination/v1';
import { age, ageColumn, column, nameColumn } from '../../columns.ts';
import type { TableConvertor } from '../../strategy.ts';

export const table: TableConvertor<Lease> = {
  columns: [nameColumn, column('Holder', 'string', 'coordination.v1.LeaseSpec.holderIdentity'), ageColumn],
  row: (obj) => ({ cells: [obj.metadata.name ?? '', obj.spec.holderIdentity ?? '', age(obj)] }),
};
