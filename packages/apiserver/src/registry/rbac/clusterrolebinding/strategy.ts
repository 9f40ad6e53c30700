import type { ClusterRoleBinding } from '@keelson/api/generated/types/rbac/v1';
import type { Strategy } from '../../strategy.ts';
import { rbacName } from '../role/validation.ts';
import { defaults } from '../rolebinding/defaults.ts';
import { validateBinding, validateBindingUpdate } from '../rolebinding/validation.ts';

export const strategy: Strategy<ClusterRoleBinding> = {
  allowCreateOnUpdate: true,
  validateName: rbacName,
  defaults,
  validate: (_ctx, obj) => validateBinding(obj, false),
  updateChecks: ['new metadata', 'kind'],
  validateUpdate: (_ctx, obj, old) => validateBindingUpdate(obj, old, false),
};
