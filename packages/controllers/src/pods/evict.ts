import type { Pod } from '@keelson/api/generated/types/core/v1';
import { formatTime } from '@keelson/api/time';
import { type Client, hasReason, keyOf } from '@keelson/client';

/** Why a pod is disrupted, as its condition says it. */
export interface Disruption {
  readonly reason: string;
  readonly message: string;
}

/** Marks a pod as disrupted, so that nobody counts it as a failure of its own, and deletes it. One that is gone is no failure. */
export async function evict(client: Client, pod: Pod, why: Disruption): Promise<void> {
  const { uid } = pod.metadata;
  const resource = client.resource('pods');
  const isMarked = pod.status.conditions?.some(
    ({ type, status, reason }) => type === 'DisruptionTarget' && status === 'True' && reason === why.reason,
  );
  try {
    if (!isMarked) {
      const lastTransitionTime = formatTime(new Date(client.world.clock.now()));
      const condition = { type: 'DisruptionTarget', status: 'True', ...why, lastTransitionTime };
      const patch = { metadata: { uid }, status: { conditions: [condition] } };
      await resource.patch(keyOf(pod), 'strategic', patch, { subresource: 'status' });
    }
    await resource.delete(keyOf(pod), { preconditions: uid ? { uid } : {} });
  } catch (error) {
    if (!hasReason(error, 'NotFound') && !hasReason(error, 'Conflict')) throw error;
  }
}
