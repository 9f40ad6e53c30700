import type { Service } from '@keelson/api/generated/types/core/v1';
import { nameIsDNS1035Label, nameIsDNSLabel } from '@keelson/api/validation/names';
import type { IsEnabled } from '../../../gates.ts';
import type { Strategy, ViewSubresource } from '../../strategy.ts';
import type { ServiceAllocation } from './allocation/index.ts';
import { defaults } from './defaults.ts';
import { dropTypeDependentFields } from './typechange.ts';
import { validateServiceStatusUpdate, validateServiceUpdate } from './update.ts';
import { validateService } from './validation.ts';
import { statusWarnings, warnings } from './warnings.ts';

export function serviceStrategy(allocation: ServiceAllocation, isEnabled: IsEnabled): Strategy<Service> {
  return {
    allowCreateOnUpdate: true,
    returnDeletedObject: true,
    validateName: isEnabled('RelaxedServiceNameValidation') ? nameIsDNSLabel : nameIsDNS1035Label,
    defaults,
    complete(obj) {
      allocation.complete(obj);
      dropNeedlessTrafficPolicy(obj);
    },
    prepareForCreate(_ctx, obj) {
      obj.status = { loadBalancer: {} };
    },
    validate: (_ctx, obj) => validateService(obj, isEnabled),
    warningsOnCreate: (_ctx, obj) => warnings(obj),
    prepareForUpdate(_ctx, obj, old) {
      obj.status = old.status;
      dropTypeDependentFields(obj, old);
    },
    validateUpdate: (_ctx, obj, old) => validateServiceUpdate(obj, old, isEnabled),
    warningsOnUpdate: (_ctx, obj) => warnings(obj),
    canonicalize: dropNeedlessTrafficPolicy,
    beginCreate: (ctx, obj) => allocation.beginCreate(ctx, obj),
    beginUpdate: (ctx, obj, old) => allocation.beginUpdate(ctx, obj, old),
    afterDelete: (ctx, obj) => allocation.afterDelete(ctx, obj),
    selectableFields: (obj) => ({ 'spec.clusterIP': obj.spec?.clusterIP ?? '', 'spec.type': obj.spec?.type ?? '' }),
    resetFields: { v1: { 'f:status': {} } },
  };
}

/** Defaults set it for every type; upstream stores it, and drops it whenever it is read. */
function dropNeedlessTrafficPolicy({ spec }: Service): void {
  if (spec.type === 'ExternalName') delete spec.internalTrafficPolicy;
}

export const makeStatus = (isEnabled: IsEnabled): ViewSubresource<Service> => ({
  type: 'view',
  strategy: {
    prepareForUpdate(_ctx, obj, old) {
      obj.spec = old.spec;
    },
    validateUpdate: (_ctx, obj, old) => validateServiceStatusUpdate(obj, old, isEnabled),
    warningsOnUpdate: (_ctx, obj) => statusWarnings(obj),
    resetFields: { v1: { 'f:spec': {} } },
  },
});
