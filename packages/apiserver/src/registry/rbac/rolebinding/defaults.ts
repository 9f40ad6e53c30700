import type { ClusterRoleBinding, RoleBinding } from '@keelson/api/generated/types/rbac/v1';
import { GROUP } from './validation.ts';

export function defaults(binding: RoleBinding | ClusterRoleBinding): void {
  if (!binding.roleRef.apiGroup) binding.roleRef.apiGroup = GROUP;
  for (const subject of binding.subjects ?? [])
    if (!subject.apiGroup && (subject.kind === 'User' || subject.kind === 'Group')) subject.apiGroup = GROUP;
}
