import type { PersistentVolumeClaim } from '@keelson/api/generated/types/core/v1';
import { age, ageColumn, column, nameColumn, wideColumn } from '../../columns.ts';
import type { TableConvertor } from '../../strategy.ts';
import { shortModes, storageClass } from '../persistentvolume/columns.ts';

export const table: TableConvertor<PersistentVolumeClaim> = {
  columns: [
    nameColumn,
    column('Status', 'string', 'core.v1.PersistentVolumeClaimStatus.phase'),
    column('Volume', 'string', 'core.v1.PersistentVolumeClaimSpec.volumeName'),
    column('Capacity', 'string', 'core.v1.PersistentVolumeClaimStatus.capacity'),
    column('Access Modes', 'string', 'core.v1.PersistentVolumeClaimStatus.accessModes'),
    column('StorageClass', 'string', 'StorageClass of the pvc'),
    column('VolumeAttributesClass', 'string', 'VolumeAttributesClass of the pvc'),
    ageColumn,
    wideColumn('VolumeMode', 'string', 'core.v1.PersistentVolumeClaimSpec.volumeMode'),
  ],
  row(obj) {
    const { metadata, spec, status } = obj;
    const bound = !!spec.volumeName;
    return {
      cells: [
        metadata.name ?? '',
        metadata.deletionTimestamp == null ? (status.phase ?? '') : 'Terminating',
        spec.volumeName ?? '',
        bound ? (status.capacity?.storage ?? '0') : '',
        bound ? shortModes(status.accessModes) : '',
        storageClass(obj, spec.storageClassName),
        spec.volumeAttributesClassName ?? '<unset>',
        age(obj),
        spec.volumeMode ?? '<unset>',
      ],
    };
  },
};
