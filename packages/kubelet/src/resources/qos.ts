/** Classes of pods by what they ask for (pkg/apis/core/v1/helper/qos/qos.go). */
import type { Pod } from '@keelson/api/generated/types/core/v1';
import { amountsOf } from './requests.ts';

export type QosClass = 'Guaranteed' | 'Burstable' | 'BestEffort';

const COUNTING = ['cpu', 'memory'];

/** As the API server found it, or found anew. */
export function qosOf(pod: Pod): QosClass {
  return (pod.status?.qosClass as QosClass | undefined) ?? computeQos(pod);
}

export function computeQos({ spec }: Pod): QosClass {
  const { containers, initContainers = [], resources } = spec!;
  const all = resources ? [{ resources }] : [...(containers ?? []), ...initContainers];
  let [any, guaranteed] = [false, true];
  for (const { resources } of all) {
    const [requests, limits] = [amountsOf(resources?.requests), amountsOf(resources?.limits)];
    for (const name of COUNTING) {
      const [request, limit] = [requests.get(name), limits.get(name)];
      if ((request && !request.isZero()) || (limit && !limit.isZero())) any = true;
      if (!limit || limit.isZero() || (request && request.cmp(limit) !== 0)) guaranteed = false;
    }
  }
  if (!any) return 'BestEffort';
  return guaranteed ? 'Guaranteed' : 'Burstable';
}
