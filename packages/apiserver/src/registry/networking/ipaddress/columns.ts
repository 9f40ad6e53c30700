import type { IPAddress } from '@keelson/api/generated/types/networking/v1';
import { age, column, nameColumn } from '../../columns.ts';
import type { TableConvertor } from '../../strategy.ts';

/** There is a cell for the age, but no column: so it is upstream. */
export const table: TableConvertor<IPAddress> = {
  columns: [nameColumn, column('ParentRef', 'string', 'networking.v1.IPAddressSpec.parentRef')],
  row: (obj) => ({ cells: [obj.metadata.name ?? '', parent(obj), age(obj)] }),
};

function parent({ spec }: IPAddress): string {
  if (!spec.parentRef) return '<none>';
  const { group, resource = '', namespace, name = '' } = spec.parentRef;
  const qualified = (group ? `${resource}.${group}` : resource).toLowerCase();
  return [qualified, ...(namespace ? [namespace] : []), name].join('/');
}
