/** Single objects that exist from the start. */
import type { ConfigMap } from '@keelson/api/generated/types/core/v1';
import type { PriorityClass } from '@keelson/api/generated/types/scheduling/v1';
import type { Write } from './reconcile.ts';

export const SYSTEM_NAMESPACES = ['kube-system', 'kube-public', 'kube-node-lease', 'default'] as const;

/** pkg/registry/scheduling/rest/storage_scheduling.go */
export const systemPriorityClasses: readonly PriorityClass[] = [
  priorityClass(
    'system-node-critical',
    2_000_001_000,
    'Used for system critical pods that must not be moved from their current node.',
  ),
  priorityClass(
    'system-cluster-critical',
    2_000_000_000,
    'Used for system critical pods that must run in the cluster, but can be moved to another node if necessary.',
  ),
];

function priorityClass(name: string, value: number, description: string): PriorityClass {
  return { kind: 'PriorityClass', apiVersion: 'scheduling.k8s.io/v1', metadata: { name }, value, description };
}

/** Since when unused tokens in secrets can be told from used ones (pkg/controlplane/controller/legacytokentracking). */
export function legacyTokenTracking(now: Date): ConfigMap {
  const metadata = { namespace: 'kube-system', name: 'kube-apiserver-legacy-service-account-token-tracking' };
  return { kind: 'ConfigMap', apiVersion: 'v1', metadata, data: { since: now.toISOString().slice(0, 10) } };
}

export function reconcileTracking(desired: ConfigMap, live: ConfigMap | undefined): Write<ConfigMap>[] {
  if (!live) return [{ type: 'create', object: desired }];
  if (/^\d{4}-\d\d-\d\d$/.test(live.data?.since ?? '')) return [];
  return [{ type: 'update', object: { ...live, data: { ...live.data, ...desired.data } } }];
}
