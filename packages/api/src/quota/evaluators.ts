import { claimEvaluator } from './claims.ts';
import { type Evaluator, objectCount, type QuotaGate, type QuotaObjects } from './evaluator.ts';
import { podEvaluator } from './pods.ts';
import { resourceClaimEvaluator } from './resourceclaims.ts';
import { serviceEvaluator } from './services.ts';

/** Those that count more than objects, or under other names too; by resource. */
export function quotaEvaluators(
  objects: QuotaObjects,
  now: () => Date,
  isEnabled: (gate: QuotaGate) => boolean,
): Map<string, Evaluator> {
  const aliased = ['configmaps', 'resourcequotas', 'replicationcontrollers', 'secrets'].map(
    (resource) => [resource, objectCount({ group: '', resource }, resource)] as const,
  );
  return new Map([
    ['pods', podEvaluator(now, isEnabled('PodLevelResources'))],
    ['services', serviceEvaluator],
    ['persistentvolumeclaims', claimEvaluator],
    ['resourceclaims.resource.k8s.io', resourceClaimEvaluator(objects, now, isEnabled('DRAExtendedResource'))],
    ...aliased,
  ]);
}
