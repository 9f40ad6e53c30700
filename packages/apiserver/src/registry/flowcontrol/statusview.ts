import type { ErrorList } from '@keelson/api/field';
import type { TypedObject } from '@keelson/api/object';
import type { ViewSubresource } from '../strategy.ts';

/** Status endpoints that keep all of metadata but for who manages which field (pkg/registry/flowcontrol). */
export function flowControlStatus<T extends TypedObject & { spec: unknown }>(
  validate: (obj: T) => ErrorList,
): ViewSubresource<T> {
  return {
    type: 'view',
    strategy: {
      prepareForUpdate(_ctx, obj, old) {
        const managedFields = obj.metadata.managedFields ?? old.metadata.managedFields;
        obj.metadata = { ...old.metadata, ...(managedFields && { managedFields }) };
        obj.spec = old.spec;
      },
      validateUpdate: (_ctx, obj) => validate(obj),
      resetFields: { 'flowcontrol.apiserver.k8s.io/v1': { 'f:spec': {}, 'f:metadata': {} } },
    },
  };
}
