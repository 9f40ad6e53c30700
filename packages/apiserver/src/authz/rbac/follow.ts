/** Keeps the RBAC index in step with the stored roles and bindings. */
import type { ClusterRole, ClusterRoleBinding, Role, RoleBinding } from '@keelson/api/generated/types/rbac/v1';
import { follow } from '../../registry/follow.ts';
import type { Resources } from '../../resources.ts';
import { RBAC_GROUP, type RbacIndex } from './index.ts';

/** Resolves when the index holds what is stored. */
export async function followRbac(index: RbacIndex, resources: Resources): Promise<void> {
  const roles = {
    set: (role: Role | ClusterRole) => index.setRole(role),
    delete: (namespace: string, name: string) => index.deleteRole(namespace, name),
  };
  const bindings = {
    set: (binding: RoleBinding | ClusterRoleBinding) => index.setBinding(binding),
    delete: (namespace: string, name: string) => index.deleteBinding(namespace, name),
  };
  await Promise.all([
    follow(resources.storeOf(RBAC_GROUP, 'roles'), roles),
    follow(resources.storeOf(RBAC_GROUP, 'clusterroles'), roles),
    follow(resources.storeOf(RBAC_GROUP, 'rolebindings'), bindings),
    follow(resources.storeOf(RBAC_GROUP, 'clusterrolebindings'), bindings),
  ]);
}
