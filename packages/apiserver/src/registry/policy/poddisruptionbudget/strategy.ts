import { Path } from '@keelson/api/field';
import type { PodDisruptionBudget } from '@keelson/api/generated/types/policy/v1';
import { bumpGeneration, startGeneration } from '../../generation.ts';
import type { Strategy, ViewSubresource } from '../../strategy.ts';
import { validateLabelSelector } from '../../validation/labelselector.ts';
import { validateSpec, validateStatus } from './validation.ts';

export const strategy: Strategy<PodDisruptionBudget> = {
  allowUnconditionalUpdate: false,
  metadataRules: 'none',
  prepareForCreate(_ctx, obj) {
    obj.status = { disruptionsAllowed: 0, currentHealthy: 0, desiredHealthy: 0, expectedPods: 0 };
    startGeneration(obj);
  },
  validate: (_ctx, obj) => validateSpec(obj, {}),
  prepareForUpdate(_ctx, obj, old) {
    obj.status = old.status;
    bumpGeneration(obj, old, 'spec');
  },
  validateUpdate: (_ctx, obj, old) =>
    validateSpec(obj, {
      allowInvalidLabelValueInSelector: validateLabelSelector(old.spec.selector, {}, Path.root).length > 0,
    }),
  resetFields: { 'policy/v1': { 'f:status': {} }, 'policy/v1beta1': { 'f:status': {} } },
};

export const status: ViewSubresource<PodDisruptionBudget> = {
  type: 'view',
  strategy: {
    prepareForUpdate(_ctx, obj, old) {
      obj.spec = old.spec;
    },
    validateUpdate: (_ctx, obj) => validateStatus(obj.status),
    resetFields: { 'policy/v1': { 'f:spec': {} }, 'policy/v1beta1': { 'f:spec': {} } },
  },
};
