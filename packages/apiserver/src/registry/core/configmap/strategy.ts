import type { ConfigMap } from '@keelson/api/generated/types/core/v1';
import type { Strategy } from '../../strategy.ts';
import { validateConfigMap, validateConfigMapUpdate } from './validation.ts';

export const strategy: Strategy<ConfigMap> = {
  validate: (_ctx, obj) => validateConfigMap(obj),
  updateChecks: ['metadata', 'new metadata', 'kind'],
  validateUpdate: (_ctx, obj, old) => validateConfigMapUpdate(obj, old),
};
