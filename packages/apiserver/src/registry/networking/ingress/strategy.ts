import { Path } from '@keelson/api/field';
import type { Ingress } from '@keelson/api/generated/types/networking/v1';
import type { IsEnabled } from '../../../gates.ts';
import { bumpGeneration, startGeneration } from '../../generation.ts';
import type { Strategy, ViewSubresource } from '../../strategy.ts';
import { warningsForIP } from '../../validation/ip.ts';
import { CLASS_ANNOTATION, validateIngress, validateIngressCreate, validateIngressStatusUpdate } from './validation.ts';

export const makeStrategy = (isEnabled: IsEnabled): Strategy<Ingress> => ({
  prepareForCreate(_ctx, obj) {
    obj.status = { loadBalancer: {} };
    startGeneration(obj);
  },
  validate: (_ctx, obj) => validateIngressCreate(obj, isEnabled),
  warningsOnCreate: (_ctx, { metadata, spec }) =>
    metadata.annotations?.[CLASS_ANNOTATION] !== undefined && spec.ingressClassName === undefined
      ? [`annotation "${CLASS_ANNOTATION}" is deprecated, please use 'spec.ingressClassName' instead`]
      : [],
  prepareForUpdate(_ctx, obj, old) {
    obj.status = old.status;
    bumpGeneration(obj, old, 'spec');
  },
  updateChecks: ['metadata', 'new metadata', 'kind'],
  validateUpdate: (_ctx, obj, old) => validateIngress(obj, isEnabled, old),
  resetFields: { 'networking.k8s.io/v1': { 'f:status': {} } },
});

export const makeStatus = (isEnabled: IsEnabled): ViewSubresource<Ingress> => ({
  type: 'view',
  strategy: {
    prepareForUpdate(_ctx, obj, old) {
      obj.spec = old.spec;
    },
    validateUpdate: (_ctx, obj, old) => validateIngressStatusUpdate(obj, old, isEnabled),
    warningsOnUpdate: (_ctx, obj) =>
      (obj.status.loadBalancer.ingress ?? []).flatMap(({ ip }, i) =>
        ip ? warningsForIP(Path.of('status', 'loadBalancer', 'ingress').index(i), ip) : [],
      ),
    resetFields: { 'networking.k8s.io/v1': { 'f:spec': {} } },
  },
});
