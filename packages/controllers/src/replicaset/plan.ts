/** How many pods a replica set is to gain or lose, and which (pkg/controller/replicaset manageReplicas). */
import type { Pod } from '@keelson/api/generated/types/core/v1';
import { byDeletionOrder } from '../pods/ranking.ts';

/** So many pods are created or deleted at once. */
export const BURST = 500;

export type Plan =
  | { readonly action: 'none' }
  | { readonly action: 'create'; readonly count: number }
  | { readonly action: 'delete'; readonly pods: readonly Pod[] };

/**
 * @param active what it has
 * @param related active pods of all replica sets of the same controller; asked for only where there is a choice
 */
export function plan(desired: number, active: readonly Pod[], related: () => readonly Pod[], now: number): Plan {
  const missing = desired - active.length;
  if (missing > 0) return { action: 'create', count: Math.min(missing, BURST) };
  if (missing === 0) return { action: 'none' };
  const surplus = Math.min(-missing, BURST);
  const order = surplus < active.length ? byDeletionOrder(active, related(), now) : active;
  return { action: 'delete', pods: order.slice(0, surplus) };
}
