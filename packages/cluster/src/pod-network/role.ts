/** Who keeps the network of pods, and what they may do. */
import type { ClusterRole, ClusterRoleBinding } from '@keelson/api/generated/types/rbac/v1';
import type { Client, Draft } from '@keelson/client';

/** The account, and all that is named after it. */
export const POD_NETWORK = 'keelson-pod-network';
export const POD_NETWORK_ROLE = 'keelson:pod-network';

export const podNetworkRole: Draft<ClusterRole> = {
  metadata: { name: POD_NETWORK_ROLE },
  rules: [
    { apiGroups: [''], resources: ['namespaces', 'nodes', 'pods'], verbs: ['list', 'watch'] },
    { apiGroups: ['networking.k8s.io'], resources: ['networkpolicies'], verbs: ['list', 'watch'] },
  ],
};

const binding: Draft<ClusterRoleBinding> = {
  metadata: { name: POD_NETWORK_ROLE },
  roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: POD_NETWORK_ROLE },
  subjects: [{ kind: 'ServiceAccount', name: POD_NETWORK, namespace: 'kube-system' }],
};

/** Lets the account do it. @param client an administrator's @throws StatusError, ConnectionError */
export async function grantPodNetwork(client: Client): Promise<void> {
  const by = 'keelson';
  await client.resource('clusterroles.rbac.authorization.k8s.io').apply(podNetworkRole, by, { force: true });
  await client.resource('clusterrolebindings.rbac.authorization.k8s.io').apply(binding, by, { force: true });
}
