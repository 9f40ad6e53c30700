import type { VolumeAttributesClass } from '@keelson/api/generated/types/storage/v1';
import { age, ageColumn, column, nameColumn } from '../../columns.ts';
import type { TableConvertor } from '../../strategy.ts';

export const table: TableConvertor<VolumeAttributesClass> = {
  columns: [nameColumn, column('DriverName', 'string', 'storage.v1.VolumeAttributesClass.driverName'), ageColumn],
  row: (obj) => ({ cells: [obj.metadata.name ?? '', obj.driverName, age(obj)] }),
};
