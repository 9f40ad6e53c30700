import type { ServiceCIDR } from '@keelson/api/generated/types/networking/v1';
import type { IsEnabled } from '../../../gates.ts';
import { resetIn, statusView } from '../../statusview.ts';
import type { Strategy, ViewSubresource } from '../../strategy.ts';
import { validateServiceCIDR, validateServiceCIDRUpdate } from './validation.ts';

const API_VERSIONS = ['networking.k8s.io/v1', 'networking.k8s.io/v1beta1'];

export function makeStrategy(isEnabled: IsEnabled): Strategy<ServiceCIDR> {
  const wipes = isEnabled('ServiceCIDRStatusFieldWiping');
  return {
    prepareForCreate(_ctx, obj) {
      if (wipes) obj.status = {};
    },
    validate: (_ctx, obj) => validateServiceCIDR(obj),
    prepareForUpdate(_ctx, obj, old) {
      if (wipes) obj.status = old.status;
    },
    validateUpdate: (_ctx, obj, old) => validateServiceCIDRUpdate(obj, old),
    resetFields: resetIn(API_VERSIONS, wipes ? { 'f:status': {} } : {}),
  };
}

export const status: ViewSubresource<ServiceCIDR> = statusView(API_VERSIONS, {
  validateUpdate: () => [],
});
