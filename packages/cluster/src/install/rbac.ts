/** Roles and whom they are given to, in few words. */
import type { ClusterRoleBinding, PolicyRule, Role, RoleBinding, Subject } from '@keelson/api/generated/types/rbac/v1';
import type { Draft } from '@keelson/client';
import type { ClusterApi } from './api.ts';

const apiGroup = 'rbac.authorization.k8s.io';

/** Of whoever shows a token of {@link defaultToken}'s groups. */
export const BOOTSTRAPPERS = 'system:bootstrappers:kubeadm:default-node-token';
export const NODES = 'system:nodes';

export const group = (name: string): Draft<Subject> => ({ apiGroup, kind: 'Group', name });
export const user = (name: string): Draft<Subject> => ({ apiGroup, kind: 'User', name });
export const serviceAccount = (name: string): Draft<Subject> => ({
  kind: 'ServiceAccount',
  name,
  namespace: 'kube-system',
});

/** The right to read one config map. */
export const readConfigMap = (name: string): Draft<PolicyRule> => ({
  apiGroups: [''],
  resources: ['configmaps'],
  resourceNames: [name],
  verbs: ['get'],
});

/** The right to read one secret. */
export const readSecret = (name: string): Draft<PolicyRule> => ({
  apiGroups: [''],
  resources: ['secrets'],
  resourceNames: [name],
  verbs: ['get'],
});

export function bindClusterRole(
  api: Pick<ClusterApi, 'put'>,
  name: string,
  role: string,
  subject: Draft<Subject>,
): Promise<void> {
  const binding: Draft<ClusterRoleBinding> = {
    metadata: { name },
    roleRef: { apiGroup, kind: 'ClusterRole', name: role },
    subjects: [subject],
  };
  return api.put('clusterrolebindings.rbac.authorization.k8s.io', binding);
}

/** A role of a namespace, and a binding of the same name. */
export async function grant(
  api: Pick<ClusterApi, 'put'>,
  { namespace, name }: { readonly namespace: string; readonly name: string },
  rule: Draft<PolicyRule>,
  subjects: readonly Draft<Subject>[],
): Promise<void> {
  const metadata = { namespace, name };
  const role: Draft<Role> = { metadata, rules: [rule] };
  const binding: Draft<RoleBinding> = { metadata, roleRef: { apiGroup, kind: 'Role', name }, subjects };
  await api.put('roles.rbac.authorization.k8s.io', role);
  await api.put('rolebindings.rbac.authorization.k8s.io', binding);
}
