/** Status endpoints that write nothing but the status. */
import type { TypedObject } from '@keelson/api/object';
import type { FieldSet, ViewSubresource } from './strategy.ts';

const KEPT = ['deletionTimestamp', 'generation', 'labels', 'annotations', 'finalizers', 'ownerReferences'] as const;

/**
 * What such an endpoint is sent of spec and metadata is as nothing (meta/v1 ResetObjectMetaForStatus).
 * @param apiVersions in which the kind is served
 * @param own what the kind adds; its `prepareForUpdate` comes last, its `resetFields` are for what upstream resets otherwise
 */
export function statusView<T extends TypedObject & { spec: unknown }>(
  apiVersions: readonly string[],
  own: ViewSubresource<T>['strategy'],
): ViewSubresource<T> {
  return {
    type: 'view',
    strategy: {
      resetFields: resetIn(apiVersions, { 'f:metadata': {}, 'f:spec': {} }),
      ...own,
      prepareForUpdate(ctx, obj, old) {
        obj.spec = old.spec;
        keepMetadata(obj, old);
        own.prepareForUpdate?.(ctx, obj, old);
      },
    },
  };
}

/** The same fields in all versions of a kind (see Strategy.resetFields). */
export function resetIn(apiVersions: readonly string[], fields: FieldSet): Readonly<Record<string, FieldSet>> {
  return Object.fromEntries(apiVersions.map((version) => [version, fields]));
}

function keepMetadata({ metadata }: TypedObject, old: TypedObject): void {
  for (const field of KEPT) delete metadata[field];
  for (const field of KEPT)
    if (old.metadata[field] !== undefined) Object.assign(metadata, { [field]: old.metadata[field] });
}
