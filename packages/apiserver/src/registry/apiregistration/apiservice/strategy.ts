import { Path } from '@keelson/api/field';
import type { APIService } from '@keelson/api/generated/types/apiregistration/v1';
import { formatTime } from '@keelson/api/time';
import { resetIn } from '../../statusview.ts';
import type { Strategy, StrategyContext, ViewSubresource } from '../../strategy.ts';
import { apiServiceNameProblems, validateAPIService, validateAPIServiceStatus } from './validation.ts';

const API_VERSIONS = ['apiregistration.k8s.io/v1', 'apiregistration.k8s.io/v1beta1'];

const DEFAULT_PORT = 443;

export const strategy: Strategy<APIService> = {
  allowUnconditionalUpdate: false,
  validateName: (name, _prefix, obj) => apiServiceNameProblems(name, obj),
  defaults({ spec }) {
    if (spec.service) spec.service.port ??= DEFAULT_PORT;
  },
  prepareForCreate(ctx, obj) {
    obj.status = obj.spec.service ? {} : { conditions: [localAndAvailable(ctx)] };
  },
  validate: (_ctx, obj) => validateAPIService(obj),
  prepareForUpdate(_ctx, obj, old) {
    obj.status = old.status;
  },
  metadataRules: 'generic',
  updateChecks: ['metadata', 'new metadata', 'kind'],
  validateUpdate: (_ctx, obj) => validateAPIService(obj),
  resetFields: resetIn(API_VERSIONS, { 'f:status': {} }),
};

export const status: ViewSubresource<APIService> = {
  type: 'view',
  noTable: true,
  strategy: {
    prepareForUpdate(_ctx, obj, old) {
      const { labels, annotations, finalizers, ownerReferences } = old.metadata;
      obj.spec = old.spec;
      Object.assign(obj.metadata, { labels, annotations, finalizers, ownerReferences });
    },
    validateUpdate: (_ctx, obj) => validateAPIServiceStatus(obj.status, Path.of('status')),
    resetFields: resetIn(API_VERSIONS, { 'f:spec': {}, 'f:metadata': {} }),
  },
};

function localAndAvailable(ctx: StrategyContext) {
  return {
    type: 'Available',
    status: 'True',
    lastTransitionTime: formatTime(ctx.now),
    reason: 'Local',
    message: 'Local APIServices are always available',
  };
}
