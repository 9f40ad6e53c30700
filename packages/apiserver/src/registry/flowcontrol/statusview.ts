import type { TypedObject } from '@keelson/api/object';
import type { ViewSubresource } from '../strategy.ts';
import { type Conditioned, validateConditions } from './conditions.ts';

/** Status endpoints that keep all of metadata but for who manages which field (pkg/registry/flowcontrol). */
export function flowControlStatus<T extends TypedObject & Conditioned & { spec: unknown }>(): ViewSubresource<T> {
  return {
    type: 'view',
    strategy: {
      prepareForUpdate(_ctx, obj, old) {
        const managedFields = obj.metadata.managedFields ?? old.metadata.managedFields;
        obj.metadata = { ...old.metadata, ...(managedFields && { managedFields }) };
        obj.spec = old.spec;
      },
      validateUpdate: (_ctx, obj) => validateConditions(obj),
      resetFields: { 'flowcontrol.apiserver.k8s.io/v1': { 'f:spec': {}, 'f:metadata': {} } },
    },
  };
}
