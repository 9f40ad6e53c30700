import type { ConfigMap } from '@keelson/api/generated/types/core/v1';
import type { Strategy } from '../../strategy.ts';
import { validateConfigMap, validateConfigMapChange } from './validation.ts';

export const strategy: Strategy<ConfigMap> = {
  validate: (_ctx, obj) => validateConfigMap(obj),
  updateChecks: ['metadata', 'change', 'new metadata', 'kind'],
  validateChange: validateConfigMapChange,
  validateUpdate: (_ctx, obj) => validateConfigMap(obj),
};
