/** Classes for what asks for none: of several defaults the newest. */
import type { PersistentVolumeClaim } from '@keelson/api/generated/types/core/v1';
import type { Ingress } from '@keelson/api/generated/types/networking/v1';
import {
  defaultIngressClassOf,
  defaultStorageClassOf,
  namesStorageClass,
} from '@keelson/api/resources/default-classes';
import { type AdmissionPlugin, type AdmissionWorld, objectOf, on } from './plugin.ts';

const INGRESS_ANNOTATION = 'kubernetes.io/ingress.class';

export function defaultIngressClass({ objects }: AdmissionWorld): AdmissionPlugin {
  return {
    name: 'DefaultIngressClass',
    handles: on('ingresses.networking.k8s.io', ['CREATE']),
    async mutate(a) {
      const { metadata, spec } = objectOf<Ingress>(a);
      if (!spec || (spec.ingressClassName ?? metadata.annotations?.[INGRESS_ANNOTATION] ?? null) !== null) return;
      const found = defaultIngressClassOf(await objects.list('ingressclasses.networking.k8s.io', ''));
      if (found !== undefined) spec.ingressClassName = found;
    },
  };
}

export function defaultStorageClass({ objects }: AdmissionWorld): AdmissionPlugin {
  return {
    name: 'DefaultStorageClass',
    handles: on('persistentvolumeclaims', ['CREATE']),
    async mutate(a) {
      const claim = objectOf<PersistentVolumeClaim>(a);
      if (!claim.spec || namesStorageClass(claim)) return;
      const found = defaultStorageClassOf(await objects.list('storageclasses.storage.k8s.io', ''));
      if (found !== undefined) claim.spec.storageClassName = found;
    },
  };
}
