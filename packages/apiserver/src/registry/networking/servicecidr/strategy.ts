import type { ServiceCIDR } from '@keelson/api/generated/types/networking/v1';
import { keepMetadataForStatus } from '../../metadata.ts';
import type { Strategy, ViewSubresource } from '../../strategy.ts';
import { validateServiceCIDR, validateServiceCIDRUpdate } from './validation.ts';

const versions = <T>(fields: T) => ({ 'networking.k8s.io/v1': fields, 'networking.k8s.io/v1beta1': fields });

export const strategy: Strategy<ServiceCIDR> = {
  prepareForCreate(_ctx, obj) {
    obj.status = {};
  },
  validate: (_ctx, obj) => validateServiceCIDR(obj),
  prepareForUpdate(_ctx, obj, old) {
    obj.status = old.status;
  },
  validateUpdate: (_ctx, obj, old) => validateServiceCIDRUpdate(obj, old),
  resetFields: versions({ 'f:status': {} }),
};

export const status: ViewSubresource<ServiceCIDR> = {
  type: 'view',
  strategy: {
    prepareForUpdate(_ctx, obj, old) {
      obj.spec = old.spec;
      keepMetadataForStatus(obj, old);
    },
    validateUpdate: () => [],
    resetFields: versions({ 'f:metadata': {}, 'f:spec': {} }),
  },
};
