import type { ClusterRoleBinding, RoleBinding, Subject } from '@keelson/api/generated/types/rbac/v1';
import { age, ageColumn, column, nameColumn, wideColumn } from '../../columns.ts';
import type { TableConvertor } from '../../strategy.ts';

export const table = bindingTable('RoleBinding');

/** @param kind the columns of both kinds differ in their descriptions alone */
export function bindingTable(
  kind: 'RoleBinding' | 'ClusterRoleBinding',
): TableConvertor<RoleBinding | ClusterRoleBinding> {
  const where = `in the ${kind[0]!.toLowerCase()}${kind.slice(1)}`;
  return {
    columns: [
      nameColumn,
      column('Role', 'string', `rbac.v1beta1.${kind}.roleRef`),
      ageColumn,
      wideColumn('Users', 'string', `Users ${where}`),
      wideColumn('Groups', 'string', `Groups ${where}`),
      wideColumn('ServiceAccounts', 'string', `ServiceAccounts ${where}`),
    ],
    row: (obj, now) => ({
      cells: [
        obj.metadata.name ?? '',
        `${obj.roleRef.kind}/${obj.roleRef.name}`,
        age(obj, now),
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
