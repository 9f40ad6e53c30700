import type { IngressClass } from '@keelson/api/generated/types/networking/v1';
import { bumpGeneration, startGeneration } from '../../generation.ts';
import type { Strategy } from '../../strategy.ts';
import { validateIngressClass, validateIngressClassChange } from './validation.ts';

export const strategy: Strategy<IngressClass> = {
  defaults({ spec }) {
    if (spec.parameters) spec.parameters.scope ??= 'Cluster';
  },
  prepareForCreate: (_ctx, obj) => startGeneration(obj),
  validate: (_ctx, obj) => validateIngressClass(obj),
  prepareForUpdate: (_ctx, obj, old) => bumpGeneration(obj, old, 'spec'),
  updateChecks: ['metadata', 'change', 'new metadata', 'kind'],
  validateChange: validateIngressClassChange,
  validateUpdate: (_ctx, obj) => validateIngressClass(obj),
};
