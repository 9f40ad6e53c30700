import type { RuntimeClass } from '@keelson/api/generated/types/node/v1';
import type { Strategy } from '../../strategy.ts';
import { validateRuntimeClass, validateRuntimeClassUpdate, warnings } from './validation.ts';

export const strategy: Strategy<RuntimeClass> = {
  allowCreateOnUpdate: true,
  allowUnconditionalUpdate: false,
  metadataRules: 'generic',
  validate: (_ctx, obj) => validateRuntimeClass(obj),
  warningsOnCreate: (_ctx, obj) => warnings(obj),
  updateChecks: ['new metadata', 'kind'],
  validateUpdate: (_ctx, obj, old) => validateRuntimeClassUpdate(obj, old),
  warningsOnUpdate: (_ctx, obj) => warnings(obj),
};
