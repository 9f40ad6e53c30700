/** Volumes and claims: kept while they are in use, made larger where that works. */
import type { PersistentVolumeClaim } from '@keelson/api/generated/types/core/v1';
import type { TypedObject } from '@keelson/api/object';
import { Quantity } from '@keelson/api/quantity';
import { type AdmissionPlugin, type AdmissionWorld, objectOf, oldObjectOf, on, refuse, resourceKey } from './plugin.ts';

const ATTRIBUTES_CLASSES = 'volumeattributesclasses.storage.k8s.io';

const FINALIZERS: Readonly<Record<string, string>> = {
  persistentvolumes: 'kubernetes.io/pv-protection',
  persistentvolumeclaims: 'kubernetes.io/pvc-protection',
  [ATTRIBUTES_CLASSES]: 'kubernetes.io/vac-protection',
};

export function storageObjectInUseProtection({ isEnabled }: AdmissionWorld): AdmissionPlugin {
  const kept = Object.keys(FINALIZERS).filter(
    (name) => name !== ATTRIBUTES_CLASSES || isEnabled('VolumeAttributesClass'),
  );
  return {
    name: 'StorageObjectInUseProtection',
    handles: on(kept, ['CREATE']),
    mutate(a) {
      const { metadata } = objectOf<TypedObject>(a);
      const finalizer = FINALIZERS[resourceKey(a.resource)]!;
      const finalizers = metadata.finalizers ?? [];
      if (!finalizers.includes(finalizer)) metadata.finalizers = [...finalizers, finalizer];
    },
  };
}

const BETA_CLASS = 'volume.beta.kubernetes.io/storage-class';

export function persistentVolumeClaimResize({ objects }: AdmissionWorld): AdmissionPlugin {
  async function isExpandable(claim: PersistentVolumeClaim, old: PersistentVolumeClaim): Promise<boolean> {
    const className = classOf(claim);
    if (className === '' || className !== classOf(old)) return false;
    const found = await objects.get('storageclasses.storage.k8s.io', '', className);
    return found?.allowVolumeExpansion === true;
  }

  return {
    name: 'PersistentVolumeClaimResize',
    handles: on('persistentvolumeclaims', ['UPDATE']),
    async validate(a) {
      const [claim, old] = [objectOf<PersistentVolumeClaim>(a), oldObjectOf<PersistentVolumeClaim>(a)];
      if (sizeOf(claim).cmp(sizeOf(old)) <= 0) return;
      if (old.status?.phase !== 'Bound') throw refuse(a, 'Only bound persistent volume claims can be expanded');
      if (!(await isExpandable(claim, old)))
        throw refuse(
          a,
          'only dynamically provisioned pvc can be resized and the storageclass that provisions the pvc must support resize',
        );
    },
  };
}

function sizeOf({ spec }: PersistentVolumeClaim): Quantity {
  return Quantity.parse(spec?.resources?.requests?.storage ?? '0');
}

function classOf({ metadata, spec }: PersistentVolumeClaim): string {
  return metadata.annotations?.[BETA_CLASS] ?? spec?.storageClassName ?? '';
}
