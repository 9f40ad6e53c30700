import type { VolumeAttachment } from '@keelson/api/generated/types/storage/v1';
import { age, ageColumn, column, nameColumn } from '../../columns.ts';
import type { TableConvertor } from '../../strategy.ts';

export const table: TableConvertor<VolumeAttachment> = {
  columns: [
    nameColumn,
    column('Attacher', 'string', 'storage.v1.VolumeAttachmentSpec.attacher', { format: 'name' }),
    column('PV', 'string', 'storage.v1.VolumeAttachmentSource.persistentVolumeName'),
    column('Node', 'string', 'storage.v1.VolumeAttachmentSpec.nodeName'),
    column('Attached', 'boolean', 'storage.v1.VolumeAttachmentStatus.attached'),
    ageColumn,
  ],
  row: (obj) => ({
    cells: [
      obj.metadata.name ?? '',
      obj.spec.attacher,
      obj.spec.source.persistentVolumeName ?? '',
      obj.spec.nodeName,
      obj.status.attached,
      age(obj),
    ],
  }),
};
