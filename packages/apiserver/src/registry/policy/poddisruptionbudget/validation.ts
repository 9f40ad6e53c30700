import { type ErrorList, invalid, notSupported, Path } from '@keelson/api/field';
import type { PodDisruptionBudget, PodDisruptionBudgetStatus } from '@keelson/api/generated/types/policy/v1';
import { validateConditions } from '../../validation/conditions.ts';
import { validateAtMost100Percent, validateCountOrPercent, validateCounts } from '../../validation/counts.ts';
import { internalValue } from '../../validation/internal.ts';
import { type LabelSelectorOptions, validateLabelSelector } from '../../validation/labelselector.ts';

const SPEC = Path.of('spec');
const STATUS = Path.of('status');
const EVICTION_POLICIES = ['AlwaysAllow', 'IfHealthyBudget'];

export function validateSpec({ spec }: PodDisruptionBudget, options: LabelSelectorOptions): ErrorList {
  const { minAvailable, maxUnavailable, selector, unhealthyPodEvictionPolicy: policy } = spec;
  const errors: ErrorList = [];
  if (minAvailable !== undefined && maxUnavailable !== undefined) {
    const shown = internalValue('io.k8s.api.policy.v1.PodDisruptionBudgetSpec', spec);
    errors.push(invalid(SPEC, shown, 'minAvailable and maxUnavailable cannot be both set'));
  }
  for (const [key, value] of Object.entries({ minAvailable, maxUnavailable }))
    if (value !== undefined)
      errors.push(
        ...validateCountOrPercent(value, SPEC.child(key)),
        ...validateAtMost100Percent(value, SPEC.child(key)),
      );
  errors.push(...validateLabelSelector(selector, options, SPEC.child('selector')));
  if (policy !== undefined && !EVICTION_POLICIES.includes(policy))
    errors.push(notSupported(SPEC.child('unhealthyPodEvictionPolicy'), policy, EVICTION_POLICIES));
  return errors;
}

export function validateStatus(status: PodDisruptionBudgetStatus): ErrorList {
  const { conditions, disruptionsAllowed, currentHealthy, desiredHealthy, expectedPods } = status;
  return [
    ...validateConditions(conditions, STATUS.child('conditions')),
    ...validateCounts({ disruptionsAllowed, currentHealthy, desiredHealthy, expectedPods }, STATUS),
  ];
}
