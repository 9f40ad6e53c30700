import type { TypedObject } from '@keelson/api/object';

const KEPT = ['deletionTimestamp', 'generation', 'labels', 'annotations', 'finalizers', 'ownerReferences'] as const;

/** For kinds whose status endpoint writes nothing of metadata (meta/v1 ResetObjectMetaForStatus). */
export function keepMetadataForStatus({ metadata }: TypedObject, old: TypedObject): void {
  for (const field of KEPT) delete metadata[field];
  for (const field of KEPT)
    if (old.metadata[field] !== undefined) Object.assign(metadata, { [field]: old.metadata[field] });
}
