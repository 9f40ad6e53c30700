/** How many pods a replica set is to gain or lose, and which (pkg/controller/replicaset manageReplicas). */
import type { Pod } from '@keelson/api/generated/types/core/v1';

/** So many pods are created or deleted at once. */
export const BURST = 500;

export type Plan =
  | { readonly action: 'none' }
  | { readonly action: 'create'; readonly count: number }
  | { readonly action: 'delete'; readonly pods: readonly Pod[] };

/**
 * @param active what it has
 * @param order which of the active pods go first; asked for only where there is a choice
 */
export function plan(desired: number, active: readonly Pod[], order: () => readonly Pod[]): Plan {
  const missing = desired - active.length;
  if (missing > 0) return { action: 'create', count: Math.min(missing, BURST) };
  if (missing === 0) return { action: 'none' };
  const surplus = Math.min(-missing, BURST);
  const pods = surplus < active.length ? order() : active;
  return { action: 'delete', pods: pods.slice(0, surplus) };
}
