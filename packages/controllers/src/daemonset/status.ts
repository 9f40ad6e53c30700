import type { DaemonSetStatus } from '@keelson/api/generated/types/apps/v1';
import { isAvailable, isReady } from '../pods/state.ts';
import { isUpdated } from './nodes.ts';
import { type Observed, oldestFirst } from './plan.ts';

/** Nodes are counted, each by its oldest pod (pkg/controller/daemon updateDaemonSetStatus). */
export function statusOf({ set, hash, nodes, judge, pods, now }: Observed): DaemonSetStatus {
  const { minReadySeconds = 0 } = set.spec;
  const counts = { desired: 0, current: 0, misscheduled: 0, ready: 0, available: 0, updated: 0 };
  for (const node of nodes) {
    const [pod] = [...(pods.get(node.metadata.name!) ?? [])].sort(oldestFirst);
    if (!judge(node).run) {
      if (pod) counts.misscheduled++;
      continue;
    }
    counts.desired++;
    if (!pod) continue;
    counts.current++;
    if (isReady(pod)) counts.ready++;
    if (isAvailable(pod, minReadySeconds, now)) counts.available++;
    if (isUpdated(pod, set, hash)) counts.updated++;
  }
  return {
    ...set.status,
    desiredNumberScheduled: counts.desired,
    currentNumberScheduled: counts.current,
    numberMisscheduled: counts.misscheduled,
    numberReady: counts.ready,
    updatedNumberScheduled: counts.updated,
    numberAvailable: counts.available,
    numberUnavailable: counts.desired - counts.available,
  };
}
