import type { CSIStorageCapacity } from '@keelson/api/generated/types/storage/v1';
import { column, nameColumn } from '../../columns.ts';
import type { TableConvertor } from '../../strategy.ts';

export const table: TableConvertor<CSIStorageCapacity> = {
  columns: [
    nameColumn,
    column('StorageClassName', 'string', 'storage.v1.CSIStorageCapacity.storageClassName'),
    column('Capacity', 'string', 'storage.v1.CSIStorageCapacity.capacity'),
  ],
  row: (obj) => ({ cells: [obj.metadata.name ?? '', obj.storageClassName, obj.capacity ?? '<unset>'] }),
};
