import type { CSIDriver } from '@keelson/api/generated/types/storage/v1';
import { age, ageColumn, column, nameColumn } from '../../columns.ts';
import type { TableConvertor } from '../../strategy.ts';

export const table: TableConvertor<CSIDriver> = {
  columns: [
    nameColumn,
    column('AttachRequired', 'boolean', 'storage.v1.CSIDriverSpec.attachRequired'),
    column('PodInfoOnMount', 'boolean', 'storage.v1.CSIDriverSpec.podInfoOnMount'),
    column('StorageCapacity', 'boolean', 'storage.v1.CSIDriverSpec.storageCapacity'),
    column('TokenRequests', 'string', 'storage.v1.CSIDriverSpec.tokenRequests'),
    column('RequiresRepublish', 'boolean', 'storage.v1.CSIDriverSpec.requiresRepublish'),
    column('Modes', 'string', 'storage.v1.CSIDriverSpec.volumeLifecycleModes'),
    ageColumn,
  ],
  row: (obj) => {
    const { spec } = obj;
    return {
      cells: [
        obj.metadata.name ?? '',
        spec.attachRequired ?? true,
        spec.podInfoOnMount ?? false,
        spec.storageCapacity ?? false,
        spec.tokenRequests ? spec.tokenRequests.map((t) => t.audience).join(',') : '<unset>',
        spec.requiresRepublish ?? false,
        spec.volumeLifecycleModes?.join(',') || '<none>',
        age(obj),
      ],
    };
  },
};
