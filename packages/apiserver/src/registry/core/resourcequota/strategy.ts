import type { ResourceQuota } from '@keelson/api/generated/types/core/v1';
import { Quantity } from '@keelson/api/quantity';
import { roundToMilli } from '@keelson/api/resources/list';
import type { Strategy, ViewSubresource } from '../../strategy.ts';
import { validateResourceQuota, validateResourceQuotaStatus, validateResourceQuotaUpdate } from './validation.ts';

export const strategy: Strategy<ResourceQuota> = {
  returnDeletedObject: true,
  defaults({ spec, status }) {
    for (const list of [spec.hard, status.hard, status.used]) roundToMilli(list);
  },
  prepareForCreate(_ctx, obj) {
    obj.status = {};
  },
  validate: (_ctx, obj) => validateResourceQuota(obj),
  warningsOnCreate: (_ctx, obj) => warnings(obj),
  prepareForUpdate(_ctx, obj, old) {
    obj.status = old.status;
  },
  validateUpdate: (_ctx, obj, old) => validateResourceQuotaUpdate(obj, old),
  resetFields: { v1: { 'f:status': {} } },
};

export const status: ViewSubresource<ResourceQuota> = {
  type: 'view',
  strategy: {
    prepareForUpdate(_ctx, obj, old) {
      obj.spec = old.spec;
    },
    validateUpdate: (_ctx, obj) => validateResourceQuotaStatus(obj),
    resetFields: { v1: { 'f:spec': {} } },
  },
};

/** More may not be requested than is allowed as a limit. */
function warnings({ spec }: ResourceQuota): string[] {
  const hard = spec.hard ?? {};
  return ['cpu', 'memory', 'storage', 'ephemeral-storage'].flatMap((name) => {
    const alone = name === 'cpu' || name === 'memory';
    const requestName = hard[`requests.${name}`] === undefined && alone ? name : `requests.${name}`;
    const [request, limit] = [hard[requestName], hard[`limits.${name}`]];
    if (request === undefined || limit === undefined || Quantity.parse(request).cmp(Quantity.parse(limit)) <= 0)
      return [];
    return [`ResourceQuota ${requestName} (${request}) should be less than limits.${name} (${limit})`];
  });
}
