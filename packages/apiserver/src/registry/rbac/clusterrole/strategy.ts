import type { ClusterRole } from '@keelson/api/generated/types/rbac/v1';
import type { Strategy } from '../../strategy.ts';
import { rbacName } from '../role/validation.ts';
import { validateClusterRole, validateClusterRoleUpdate } from './validation.ts';

export const strategy: Strategy<ClusterRole> = {
  allowCreateOnUpdate: true,
  validateName: rbacName,
  validate: (_ctx, obj) => validateClusterRole(obj, false),
  updateChecks: ['new metadata', 'kind', 'metadata'],
  validateUpdate: (_ctx, obj, old) => validateClusterRoleUpdate(obj, old),
};
