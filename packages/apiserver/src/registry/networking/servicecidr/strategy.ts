import type { ServiceCIDR } from '@keelson/api/generated/types/networking/v1';
import { resetIn, statusView } from '../../statusview.ts';
import type { Strategy, ViewSubresource } from '../../strategy.ts';
import { validateServiceCIDR, validateServiceCIDRUpdate } from './validation.ts';

const API_VERSIONS = ['networking.k8s.io/v1', 'networking.k8s.io/v1beta1'];

export const strategy: Strategy<ServiceCIDR> = {
  prepareForCreate(_ctx, obj) {
    obj.status = {};
  },
  validate: (_ctx, obj) => validateServiceCIDR(obj),
  prepareForUpdate(_ctx, obj, old) {
    obj.status = old.status;
  },
  validateUpdate: (_ctx, obj, old) => validateServiceCIDRUpdate(obj, old),
  resetFields: resetIn(API_VERSIONS, { 'f:status': {} }),
};

export const status: ViewSubresource<ServiceCIDR> = statusView(API_VERSIONS, {
  validateUpdate: () => [],
});
