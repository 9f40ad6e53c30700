import type { PersistentVolume } from '@keelson/api/generated/types/core/v1';
import { age, ageColumn, column, nameColumn, wideColumn } from '../../columns.ts';
import type { TableConvertor } from '../../strategy.ts';

const SHORT_MODES: readonly (readonly [mode: string, short: string])[] = [
  ['ReadWriteOnce', 'RWO'],
  ['ReadOnlyMany', 'ROX'],
  ['ReadWriteMany', 'RWX'],
  ['ReadWriteOncePod', 'RWOP'],
];
const CLASS_ANNOTATION = 'volume.beta.kubernetes.io/storage-class';

export const table: TableConvertor<PersistentVolume> = {
  columns: [
    nameColumn,
    column('Capacity', 'string', 'core.v1.PersistentVolumeSpec.capacity'),
    column('Access Modes', 'string', 'core.v1.PersistentVolumeSpec.accessModes'),
    column('Reclaim Policy', 'string', 'core.v1.PersistentVolumeSpec.persistentVolumeReclaimPolicy'),
    column('Status', 'string', 'core.v1.PersistentVolumeStatus.phase'),
    column('Claim', 'string', 'core.v1.PersistentVolumeSpec.claimRef'),
    column('StorageClass', 'string', 'StorageClass of the pv'),
    column('VolumeAttributesClass', 'string', 'VolumeAttributesClass of the pv'),
    column('Reason', 'string', 'core.v1.PersistentVolumeStatus.reason'),
    ageColumn,
    wideColumn('VolumeMode', 'string', 'core.v1.PersistentVolumeSpec.volumeMode'),
  ],
  row(obj) {
    const { metadata, spec, status } = obj;
    const { namespace = '', name = '' } = spec.claimRef ?? {};
    return {
      cells: [
        metadata.name ?? '',
        spec.capacity?.storage ?? '0',
        shortModes(spec.accessModes),
        spec.persistentVolumeReclaimPolicy ?? '',
        metadata.deletionTimestamp == null ? (status.phase ?? '') : 'Terminating',
        spec.claimRef ? `${namespace}/${name}` : '',
        storageClass(obj, spec.storageClassName),
        spec.volumeAttributesClassName ?? '<unset>',
        status.reason ?? '',
        age(obj),
        spec.volumeMode ?? '<unset>',
      ],
    };
  },
};

/** `RWO,ROX`, in an order of their own. */
export function shortModes(modes: readonly string[] | null | undefined): string {
  return SHORT_MODES.flatMap(([mode, short]) => (modes?.includes(mode) ? [short] : [])).join(',');
}

/** The annotation of old wins. */
export function storageClass(
  { metadata }: Pick<PersistentVolume, 'metadata'>,
  storageClassName: string | undefined,
): string {
  return metadata.annotations?.[CLASS_ANNOTATION] ?? storageClassName ?? '';
}
