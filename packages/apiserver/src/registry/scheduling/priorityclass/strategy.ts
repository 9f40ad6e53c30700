import { forbidden } from '@keelson/api/errors';
import type { PriorityClass } from '@keelson/api/generated/types/scheduling/v1';
import { startGeneration } from '../../generation.ts';
import type { Strategy } from '../../strategy.ts';
import { isSystemPriorityClass, validatePriorityClass, validatePriorityClassUpdate } from './validation.ts';

export const strategy: Strategy<PriorityClass> = {
  defaults(obj) {
    obj.preemptionPolicy ??= 'PreemptLowerPriority';
  },
  prepareForCreate: (_ctx, obj) => startGeneration(obj),
  validate: (_ctx, obj) => validatePriorityClass(obj),
  validateDelete(_ctx, name) {
    if (isSystemPriorityClass(name))
      throw forbidden(
        { group: 'scheduling.k8s.io', resource: 'priorityclasses' },
        name,
        'this is a system priority class and cannot be deleted',
      );
  },
  validateUpdate: (_ctx, obj, old) => validatePriorityClassUpdate(obj, old),
};
