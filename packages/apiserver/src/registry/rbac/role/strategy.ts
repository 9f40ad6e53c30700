import type { Role } from '@keelson/api/generated/types/rbac/v1';
import type { Strategy } from '../../strategy.ts';
import { rbacName, validateRole } from './validation.ts';

export const strategy: Strategy<Role> = {
  allowCreateOnUpdate: true,
  validateName: rbacName,
  validate: (_ctx, obj) => validateRole(obj),
  updateChecks: ['new metadata', 'kind', 'metadata'],
  validateUpdate: (_ctx, obj) => validateRole(obj),
};
