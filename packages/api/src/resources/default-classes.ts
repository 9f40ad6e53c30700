/** Classes that what asks for none gets (pkg/volume/util/storageclass.go, plugin/pkg/admission/network/defaultingressclass). */
import type { PersistentVolumeClaim } from '../generated/types/core/v1.ts';
import type { ObjectMeta } from '../generated/types/meta/v1.ts';

interface Classed {
  readonly metadata: ObjectMeta;
}

const STORAGE_DEFAULT = [
  'storageclass.kubernetes.io/is-default-class',
  'storageclass.beta.kubernetes.io/is-default-class',
];
const STORAGE_CLASS = 'volume.beta.kubernetes.io/storage-class';
const INGRESS_DEFAULT = ['ingressclass.kubernetes.io/is-default-class'];

/** @returns the name of the newest of the default ones */
export function defaultStorageClassOf(classes: readonly Classed[]): string | undefined {
  return newest(classes, STORAGE_DEFAULT);
}

/** @returns the name of the newest of the default ones */
export function defaultIngressClassOf(classes: readonly Classed[]): string | undefined {
  return newest(classes, INGRESS_DEFAULT);
}

/** Whether the claim says which class it wants: an empty one is a choice, too. */
export function namesStorageClass({ metadata, spec }: PersistentVolumeClaim): boolean {
  return (metadata.annotations?.[STORAGE_CLASS] ?? spec.storageClassName ?? undefined) !== undefined;
}

function newest(classes: readonly Classed[], annotations: readonly string[]): string | undefined {
  const created = ({ metadata }: Classed) => metadata.creationTimestamp ?? '';
  return classes
    .filter(({ metadata }) => annotations.some((key) => metadata.annotations?.[key] === 'true'))
    .sort((a, b) => compare(created(b), created(a)) || compare(a.metadata.name ?? '', b.metadata.name ?? ''))[0]
    ?.metadata.name;
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
