import type { ClusterRoleBinding } from '@keelson/api/generated/types/rbac/v1';
import type { KindRegistration } from '../../strategy.ts';
import { bindingTable } from '../rolebinding/columns.ts';
import { strategy } from './strategy.ts';

export const registration: KindRegistration<ClusterRoleBinding> = {
  strategy,
  table: bindingTable('ClusterRoleBinding'),
};
