import type { StorageClass } from '@keelson/api/generated/types/storage/v1';
import { age, ageColumn, column, nameColumn } from '../../columns.ts';
import type { TableConvertor } from '../../strategy.ts';

const DEFAULT_ANNOTATIONS = [
  'storageclass.kubernetes.io/is-default-class',
  'storageclass.beta.kubernetes.io/is-default-class',
];

export const table: TableConvertor<StorageClass> = {
  columns: [
    nameColumn,
    column('Provisioner', 'string', 'storage.v1.StorageClass.provisioner'),
    column('ReclaimPolicy', 'string', 'storage.v1.StorageClass.reclaimPolicy'),
    column('VolumeBindingMode', 'string', 'storage.v1.StorageClass.volumeBindingMode'),
    column('AllowVolumeExpansion', 'string', 'storage.v1.StorageClass.allowVolumeExpansion'),
    ageColumn,
  ],
  row: (obj) => {
    const { name = '', annotations } = obj.metadata;
    const isDefault = DEFAULT_ANNOTATIONS.some((annotation) => annotations?.[annotation] === 'true');
    return {
      cells: [
        isDefault ? `${name} (default)` : name,
        obj.provisioner,
        obj.reclaimPolicy ?? 'Delete',
        obj.volumeBindingMode ?? 'Immediate',
        obj.allowVolumeExpansion ?? false,
        age(obj),
      ],
    };
  },
};
