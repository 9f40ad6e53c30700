/** Classes for what asks for none: of several defaults the newest. */
import type { PersistentVolumeClaim } from '@keelson/api/generated/types/core/v1';
import type { ObjectMeta } from '@keelson/api/generated/types/meta/v1';
import type { Ingress } from '@keelson/api/generated/types/networking/v1';
import { type AdmissionPlugin, type AdmissionWorld, objectOf, on } from './plugin.ts';

const INGRESS_DEFAULT = ['ingressclass.kubernetes.io/is-default-class'];
const INGRESS_ANNOTATION = 'kubernetes.io/ingress.class';
const STORAGE_DEFAULT = [
  'storageclass.kubernetes.io/is-default-class',
  'storageclass.beta.kubernetes.io/is-default-class',
];
const STORAGE_ANNOTATION = 'volume.beta.kubernetes.io/storage-class';

export function defaultIngressClass({ objects }: AdmissionWorld): AdmissionPlugin {
  return {
    name: 'DefaultIngressClass',
    handles: on('ingresses.networking.k8s.io', ['CREATE']),
    async mutate(a) {
      const { metadata, spec } = objectOf<Ingress>(a);
      if (!spec || isSet(spec.ingressClassName) || isSet(metadata.annotations?.[INGRESS_ANNOTATION])) return;
      const found = newestDefault(await objects.list('ingressclasses.networking.k8s.io', ''), INGRESS_DEFAULT);
      if (found !== undefined) spec.ingressClassName = found;
    },
  };
}

export function defaultStorageClass({ objects }: AdmissionWorld): AdmissionPlugin {
  return {
    name: 'DefaultStorageClass',
    handles: on('persistentvolumeclaims', ['CREATE']),
    async mutate(a) {
      const { metadata, spec } = objectOf<PersistentVolumeClaim>(a);
      if (!spec || isSet(spec.storageClassName) || isSet(metadata.annotations?.[STORAGE_ANNOTATION])) return;
      const found = newestDefault(await objects.list('storageclasses.storage.k8s.io', ''), STORAGE_DEFAULT);
      if (found !== undefined) spec.storageClassName = found;
    },
  };
}

/** An empty class is a choice too: none. */
function isSet(value: string | null | undefined): boolean {
  return value !== undefined && value !== null;
}

function newestDefault(
  classes: readonly { readonly metadata: ObjectMeta }[],
  annotations: readonly string[],
): string | undefined {
  const created = ({ metadata }: { readonly metadata: ObjectMeta }) => metadata.creationTimestamp ?? '';
  return classes
    .filter(({ metadata }) => annotations.some((key) => metadata.annotations?.[key] === 'true'))
    .sort((a, b) => compare(created(b), created(a)) || compare(a.metadata.name ?? '', b.metadata.name ?? ''))[0]
    ?.metadata.name;
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
