import type { RoleBinding } from '@keelson/api/generated/types/rbac/v1';
import type { Strategy } from '../../strategy.ts';
import { rbacName } from '../role/validation.ts';
import { defaults } from './defaults.ts';
import { validateBinding, validateBindingUpdate } from './validation.ts';

export const strategy: Strategy<RoleBinding> = {
  allowCreateOnUpdate: true,
  validateName: rbacName,
  defaults,
  validate: (_ctx, obj) => validateBinding(obj, true),
  updateChecks: ['new metadata', 'kind'],
  validateUpdate: (_ctx, obj, old) => validateBindingUpdate(obj, old, true),
};
