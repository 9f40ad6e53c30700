import type { ClusterRoleBinding, RoleBinding, Subject } from '@keelson/api/generated/types/rbac/v1';
import { age, ageColumn, column, nameColumn, wideColumn } from '../../columns.ts';
import type { TableConvertor } from '../../strategy.ts';

/** In the words of v1beta1. */
const ROLE_REF = {
  RoleBinding:
    'RoleRef can reference a Role in the current namespace or a ClusterRole in the global namespace. If the RoleRef cannot be resolved, the Authorizer must return an error.',
  ClusterRoleBinding:
    'RoleRef can only reference a ClusterRole in the global namespace. If the RoleRef cannot be resolved, the Authorizer must return an error.',
};

export const table = bindingTable('RoleBinding');

/** @param kind the columns of both kinds differ in their descriptions alone */
export function bindingTable(
  kind: 'RoleBinding' | 'ClusterRoleBinding',
): TableConvertor<RoleBinding | ClusterRoleBinding> {
  const where = `in the ${kind[0]!.toLowerCase()}${kind.slice(1)}`;
  return {
    columns: [
      nameColumn,
      column('Role', 'string', ROLE_REF[kind]),
      ageColumn,
      wideColumn('Users', 'string', `Users ${where}`),
      wideColumn('Groups', 'string', `Groups ${where}`),
      wideColumn('ServiceAccounts', 'string', `ServiceAccounts ${where}`),
    ],
    row: (obj) => ({
      cells: [
        obj.metadata.name ?? '',
        `${obj.roleRef.kind}/${obj.roleRef.name}`,
        age(obj),
        names(obj.subjects, 'User'),
        names(obj.subjects, 'Group'),
        names(obj.subjects, 'ServiceAccount'),
      ],
    }),
  };
}

function names(subjects: readonly Subject[] | null | undefined, kind: string): string {
  return (subjects ?? [])
    .filter((s) => s.kind === kind)
    .map((s) => (kind === 'ServiceAccount' ? `${s.namespace ?? ''}/${s.name}` : s.name))
    .join(', ');
}
