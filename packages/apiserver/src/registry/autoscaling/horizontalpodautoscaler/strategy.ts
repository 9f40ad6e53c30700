import type { HorizontalPodAutoscaler } from '@keelson/api/generated/types/autoscaling/v2';
import type { IsEnabled } from '../../../gates.ts';
import { dropDisabledFields, fieldsOf, type GatedFields } from '../../gatedfields.ts';
import type { Strategy, ViewSubresource } from '../../strategy.ts';
import { defaults } from './defaults.ts';
import { validateAutoscaler, validateStatus } from './validation.ts';

const GATED: readonly GatedFields<HorizontalPodAutoscaler>[] = [
  [
    'HPAConfigurableTolerance',
    fieldsOf(({ spec: { behavior } }) => [behavior?.scaleDown ?? [], behavior?.scaleUp ?? []].flat(), 'tolerance'),
  ],
];

export function makeStrategy(isEnabled: IsEnabled): Strategy<HorizontalPodAutoscaler> {
  const toZero = isEnabled('HPAScaleToZero');
  return {
    defaults,
    prepareForCreate(_ctx, obj) {
      obj.status = { desiredReplicas: 0, currentMetrics: null };
      dropDisabledFields(GATED, isEnabled, obj, undefined);
    },
    validate: (_ctx, obj) => validateAutoscaler(obj, undefined, toZero),
    prepareForUpdate(_ctx, obj, old) {
      obj.status = old.status;
      dropDisabledFields(GATED, isEnabled, obj, old);
    },
    validateUpdate: (_ctx, obj, old) => validateAutoscaler(obj, old, toZero),
    // What came in v1 is defaulted as v2 when it is read again.
    canonicalize: (obj) => defaults(obj, 'v2'),
    resetFields: { 'autoscaling/v1': { 'f:status': {} }, 'autoscaling/v2': { 'f:status': {} } },
  };
}

export const status: ViewSubresource<HorizontalPodAutoscaler> = {
  type: 'view',
  strategy: {
    prepareForUpdate(_ctx, obj, old) {
      obj.spec = old.spec;
    },
    validateUpdate: (_ctx, obj) => validateStatus(obj),
    resetFields: { 'autoscaling/v1': { 'f:spec': {} }, 'autoscaling/v2': { 'f:spec': {} } },
  },
};
