/** What the scheduler writes about a pod that it cannot place. */
import type { Pod, PodCondition, PodExtendedResourceClaimStatus } from '@keelson/api/generated/types/core/v1';
import { formatTime } from '@keelson/api/time';
import { type Client, hasReason } from '@keelson/client';

export interface StatusChange {
  readonly condition?: Pick<PodCondition, 'type' | 'status' | 'reason' | 'message'>;
  /** Empty takes away what was there; absent leaves it. */
  readonly nominatedNodeName?: string;
  readonly extendedResourceClaimStatus?: PodExtendedResourceClaimStatus;
}

const TRIES = 4;
const FIRST_PAUSE_MS = 10;

/**
 * Patches what differs, and nothing when nothing does.
 * @throws StatusError when the server refuses, for good or more than a few times
 */
export async function patchPodStatus(client: Client, pod: Pod, change: StatusChange, signal?: AbortSignal) {
  const { extendedResourceClaimStatus } = change;
  const status = {
    ...conditionPatch(client, pod, change),
    ...nominationPatch(pod, change),
    ...(extendedResourceClaimStatus ? { extendedResourceClaimStatus } : {}),
  };
  if (Object.keys(status).length === 0) return;
  const { namespace, name } = pod.metadata;
  for (let tried = 1; ; tried++) {
    try {
      const options = { subresource: 'status', ...(signal ? { signal } : {}) };
      await client.resource('pods').patch({ namespace, name: name! }, 'strategic', { status }, options);
      return;
    } catch (error) {
      if (tried >= TRIES || !hasReason(error, 'InternalError', 'ServiceUnavailable', 'Conflict')) throw error;
      await new Promise<void>((resolve) => client.world.clock.after(FIRST_PAUSE_MS * 5 ** (tried - 1), resolve));
    }
  }
}

/** The time of the last transition stays while the status is the same. */
function conditionPatch({ world }: Client, pod: Pod, { condition }: StatusChange): object {
  if (!condition) return {};
  const before = pod.status.conditions?.find(({ type }) => type === condition.type);
  const unchanged = before?.status === condition.status;
  if (unchanged && before.reason === condition.reason && before.message === condition.message) return {};
  const lastTransitionTime = unchanged ? before.lastTransitionTime : formatTime(new Date(world.clock.now()));
  const { generation } = pod.metadata;
  const observed = generation === undefined ? {} : { observedGeneration: generation };
  return { conditions: [{ ...condition, lastProbeTime: null, lastTransitionTime, ...observed }] };
}

function nominationPatch({ status }: Pod, { nominatedNodeName: wanted }: StatusChange): object {
  if (wanted === undefined || wanted === (status.nominatedNodeName ?? '')) return {};
  return { nominatedNodeName: wanted === '' ? null : wanted };
}
